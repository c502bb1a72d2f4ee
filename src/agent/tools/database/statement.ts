import { err, ok, type Result } from '../../../domain/result.ts';

const READS = /^(select|with|values)\b/iu;
/** White space, comments and opening brackets, which may stand before a statement. */
const BEFORE = /^(?:\s+|--[^\n]*(?:\n|$)|\/\*.*?\*\/|\()+/su;

/**
 * One statement that begins like one that reads, without its semicolon; or what is wrong, in words for the model.
 * The databases' own fences do the rest: this only gives a clear answer early, and keeps out what has no tables to
 * read (`PRAGMA`, `ATTACH`, `EXPLAIN`, `SET`).
 */
export function readingStatement(sql: string): Result<string, string> {
  const statement = sql.trim().replace(/(?:;\s*)+$/u, '');
  if (statement.includes('\0')) return err('A statement has no null characters.');
  if (!READS.test(statement.replace(BEFORE, '')))
    return err('Only a SELECT (or WITH … SELECT, or VALUES) may be run.');
  return ok(statement);
}
