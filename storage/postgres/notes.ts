import type { AuditEntry, AuditQuery, StoredAuditEntry } from '../../src/domain/audit.ts';
import { ok, type Result } from '../../src/domain/result.ts';
import { type Account, NOTHING_SPENT, type Spent } from '../../src/domain/spending.ts';
import type { AuditLog } from '../audit-log.ts';
import type { Ledger } from '../ledger.ts';
import type { Unavailable } from '../unavailable.ts';
import type { Database, Value } from './database.ts';

const ADD = {
  name: 'add-audit',
  text: `INSERT INTO audit (at, action, participant_id, conversation_id, record)
    SELECT at, action, participant_id, conversation_id, record
    FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[])
      WITH ORDINALITY AS a (at, action, participant_id, conversation_id, record, n) ORDER BY n`,
};
const TRIM = {
  name: 'trim-audit',
  text: `DELETE FROM audit WHERE place = ANY(ARRAY(
      SELECT place FROM audit WHERE at < $1 ORDER BY at, place LIMIT $2)) RETURNING place`,
};
/** Accounts in one order everywhere, so that two who add at the same time do not wait in a circle. */
const SPEND = {
  name: 'spend',
  text: `INSERT INTO spending (day, account, input_tokens, output_tokens, cost)
    SELECT $1::integer, account, $3::bigint, $4::bigint, $5::bigint FROM unnest($2::text[]) AS a (account) ORDER BY account
    ON CONFLICT (day, account) DO UPDATE SET
      input_tokens = spending.input_tokens + excluded.input_tokens,
      output_tokens = spending.output_tokens + excluded.output_tokens,
      cost = spending.cost + excluded.cost`,
};
const SPENT = {
  name: 'spent',
  text: `SELECT account, input_tokens AS "inputTokens", output_tokens AS "outputTokens", cost FROM spending
    WHERE day = $1 AND account = ANY($2::text[])`,
};
const TRIM_SPENDING = { name: 'trim-spending', text: 'DELETE FROM spending WHERE day < $1' };

/** The audit log: a row an entry. */
export class PostgresAudit implements AuditLog {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async add(entries: readonly AuditEntry[]): Promise<Result<void, Unavailable>> {
    const added = await this.#db.write(ADD, [
      entries.map(({ at }) => at),
      entries.map(({ action }) => action),
      entries.map(({ participantId }) => participantId),
      entries.map(({ conversationId }) => conversationId),
      entries.map((entry) => JSON.stringify(entry)),
    ]);
    return added.ok ? ok(undefined) : added;
  }

  async page(query: AuditQuery): Promise<Result<readonly StoredAuditEntry[], Unavailable>> {
    const { text, values } = pageOf(query);
    const found = await this.#db.read<{ place: number; record: string }>({ text }, values);
    if (!found.ok) return found;
    return ok(
      found.value.map(({ place, record }) => ({ ...(JSON.parse(record) as AuditEntry), place })),
    );
  }

  async trim(before: number, limit: number): Promise<Result<number, Unavailable>> {
    const trimmed = await this.#db.write(TRIM, [before, limit]);
    return trimmed.ok ? ok(trimmed.value.length) : trimmed;
  }
}

function pageOf({ limit, after, action, participantId, conversationId, since, until }: AuditQuery) {
  const values: Value[] = [limit];
  const is = (value: Value) => `$${values.push(value)}`;
  const where = [
    ...(after === undefined ? [] : [`(at, place) < (${is(after.at)}, ${is(after.place)})`]),
    ...(action === undefined ? [] : [`action = ${is(action)}`]),
    ...(participantId === undefined ? [] : [`participant_id = ${is(participantId)}`]),
    ...(conversationId === undefined ? [] : [`conversation_id = ${is(conversationId)}`]),
    ...(since === undefined ? [] : [`at >= ${is(since)}`]),
    ...(until === undefined ? [] : [`at < ${is(until)}`]),
  ];
  const text = `SELECT place, record FROM audit WHERE ${where.join(' AND ') || 'true'}
    ORDER BY at DESC, place DESC LIMIT $1`;
  return { text, values };
}

/** What was spent: a row a day and account. */
export class PostgresLedger implements Ledger {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async add(
    day: number,
    accounts: readonly Account[],
    { inputTokens, outputTokens, cost }: Spent,
  ): Promise<Result<void, Unavailable>> {
    const added = await this.#db.write(SPEND, [day, accounts, inputTokens, outputTokens, cost]);
    return added.ok ? ok(undefined) : added;
  }

  async spent(
    day: number,
    accounts: readonly Account[],
  ): Promise<Result<readonly Spent[], Unavailable>> {
    const found = await this.#db.read<Spent & { account: Account }>(SPENT, [day, accounts]);
    if (!found.ok) return found;
    const byAccount = new Map(found.value.map(({ account, ...spent }) => [account, spent]));
    return ok(accounts.map((account) => byAccount.get(account) ?? NOTHING_SPENT));
  }

  async trim(beforeDay: number): Promise<Result<void, Unavailable>> {
    const trimmed = await this.#db.write(TRIM_SPENDING, [beforeDay]);
    return trimmed.ok ? ok(undefined) : trimmed;
  }
}
