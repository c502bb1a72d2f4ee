import type { Database, Statement } from 'better-sqlite3';
import type { AuditEntry, AuditQuery, StoredAuditEntry } from '../../src/domain/audit.ts';
import { type Account, NOTHING_SPENT, type Spent } from '../../src/domain/spending.ts';
import type { Summary } from '../../src/domain/summary.ts';

interface AuditRow {
  readonly place: number;
  readonly record: string;
}

const AUDIT_FILTERS = {
  after: '(at, place) < (:afterAt, :afterPlace)',
  action: 'action = :action',
  participantId: 'participant_id = :participantId',
  conversationId: 'conversation_id = :conversationId',
  since: 'at >= :since',
  until: 'at < :until',
} as const satisfies Partial<Record<keyof AuditQuery, string>>;

/** Statements on `summaries`, `audit` and `spending`. */
export class NoteTables {
  readonly #db: Database;
  readonly #putSummary: Statement<[cid: number, toSeq: number, record: string]>;
  readonly #summary: Statement<[cid: number], string>;
  readonly #dropSummary: Statement<[cid: number, seq: number]>;
  readonly #addEntry: Statement<(string | number | null)[]>;
  /** One for each set of filters that was asked for. */
  readonly #pages = new Map<string, Statement<[object], AuditRow>>();
  readonly #trimAudit: Statement<[before: number, limit: number]>;
  readonly #addSpent: Statement<(string | number)[]>;
  readonly #spent: Statement<[day: number, account: string], Spent>;
  readonly #trimSpending: Statement<[day: number]>;

  constructor(db: Database) {
    this.#db = db;
    this.#putSummary = db.prepare('INSERT OR REPLACE INTO summaries VALUES (?, ?, ?)');
    this.#summary = db
      .prepare<[number], string>('SELECT record FROM summaries WHERE cid = ?')
      .pluck();
    this.#dropSummary = db.prepare('DELETE FROM summaries WHERE cid = ? AND to_seq >= ?');
    this.#addEntry = db.prepare(
      'INSERT INTO audit (at, action, participant_id, conversation_id, record) VALUES (?, ?, ?, ?, ?)',
    );
    this.#trimAudit = db.prepare(
      'DELETE FROM audit WHERE place IN (SELECT place FROM audit WHERE at < ? ORDER BY at, place LIMIT ?)',
    );
    this.#addSpent = db.prepare(
      `INSERT INTO spending VALUES (?, ?, ?, ?, ?) ON CONFLICT (day, account) DO UPDATE SET
         input_tokens = input_tokens + excluded.input_tokens,
         output_tokens = output_tokens + excluded.output_tokens, cost = cost + excluded.cost`,
    );
    this.#spent = db.prepare(
      `SELECT input_tokens AS inputTokens, output_tokens AS outputTokens, cost FROM spending
       WHERE day = ? AND account = ?`,
    );
    this.#trimSpending = db.prepare('DELETE FROM spending WHERE day < ?');
  }

  putSummary(cid: number, summary: Summary): void {
    this.#putSummary.run(cid, summary.toSeq, JSON.stringify(summary));
  }

  summary(cid: number): Summary | undefined {
    const record = this.#summary.get(cid);
    return record === undefined ? undefined : (JSON.parse(record) as Summary);
  }

  /** When it goes as far as `seq`. */
  dropSummary(cid: number, seq: number): void {
    this.#dropSummary.run(cid, seq);
  }

  addEntry(entry: AuditEntry): void {
    const { at, action, participantId, conversationId } = entry;
    this.#addEntry.run(at, action, participantId, conversationId, JSON.stringify(entry));
  }

  entries({ after, limit, ...filters }: AuditQuery): StoredAuditEntry[] {
    const asked = { ...filters, ...(after && { after }) };
    const names = (Object.keys(AUDIT_FILTERS) as (keyof typeof AUDIT_FILTERS)[]).filter(
      (name) => asked[name] !== undefined,
    );
    const key = names.join(' ');
    let page = this.#pages.get(key);
    if (page === undefined) {
      const where = names.map((name) => AUDIT_FILTERS[name]).join(' AND ') || 'true';
      page = this.#db.prepare<[object], AuditRow>(
        `SELECT place, record FROM audit WHERE ${where} ORDER BY at DESC, place DESC LIMIT :limit`,
      );
      this.#pages.set(key, page);
    }
    const behind = after === undefined ? {} : { afterAt: after.at, afterPlace: after.place };
    return page
      .all({ ...filters, ...behind, limit })
      .map(({ place, record }) => ({ ...(JSON.parse(record) as AuditEntry), place }));
  }

  trimAudit(before: number, limit: number): number {
    return this.#trimAudit.run(before, limit).changes;
  }

  addSpent(day: number, account: Account, { inputTokens, outputTokens, cost }: Spent): void {
    this.#addSpent.run(day, account, inputTokens, outputTokens, cost);
  }

  spent(day: number, account: Account): Spent {
    return this.#spent.get(day, account) ?? NOTHING_SPENT;
  }

  trimSpending(beforeDay: number): void {
    this.#trimSpending.run(beforeDay);
  }
}
