import { z } from 'zod';
import type { Breaker } from '../../../provider/breakers.ts';
import { type Tool, ToolError, toolOf } from '../tool.ts';
import type { Database } from './database.ts';
import { readingStatement } from './statement.ts';

export interface QueryToolOptions {
  readonly database: Database;
  readonly breaker: Breaker;
  readonly queryMs: number;
  /** Tables and columns; undefined when they could not be read. */
  readonly schema: string | undefined;
}

/** Milliseconds besides the query: a process starts, a connection is made, a turn is waited for. */
const BESIDES_MS = 10_000;

const ARGS = z.object({
  sql: z.string().trim().min(1).max(3_500).describe('One SELECT statement.'),
});

/** Answers one reading statement on the database that the operator chose. */
export function queryDatabaseTool({ database, breaker, queryMs, schema }: QueryToolOptions): Tool {
  return toolOf({
    name: 'query_database',
    description: `Runs one SELECT statement on a ${database.dialect} database, which can only be read, and gives the rows. ${
      schema === undefined ? 'Its tables are not known just now.' : `Its tables:\n${schema}`
    }`,
    args: ARGS,
    reaches: 'database',
    timeoutMs: queryMs + BESIDES_MS,
    run: async ({ sql }, { signal }) => {
      const statement = readingStatement(sql);
      if (!statement.ok) throw new ToolError(statement.failure);
      return breaker.run(() => database.query(statement.value, signal));
    },
  });
}
