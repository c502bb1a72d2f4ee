import type { AuditEntry, AuditQuery, StoredAuditEntry } from '../../src/domain/audit.ts';
import { ok, type Result } from '../../src/domain/result.ts';
import type { Account, Spent } from '../../src/domain/spending.ts';
import type { AuditLog } from '../audit-log.ts';
import type { Ledger } from '../ledger.ts';
import type { Unavailable } from '../unavailable.ts';
import type { NoteTables } from './note-tables.ts';

interface NoteParts {
  readonly notes: NoteTables;
  readonly look: <T>(answer: () => T) => Result<T, Unavailable>;
  /** Runs a change in the next commit. */
  readonly change: <T>(perform: () => Result<T, never>) => Promise<Result<T, Unavailable>>;
}

/** The audit log: a row an entry. */
export class SqliteAudit implements AuditLog {
  readonly #parts: NoteParts;

  constructor(parts: NoteParts) {
    this.#parts = parts;
  }

  add(entries: readonly AuditEntry[]): Promise<Result<void, Unavailable>> {
    const { change, notes } = this.#parts;
    return change(() => {
      for (const entry of entries) notes.addEntry(entry);
      return ok(undefined);
    });
  }

  async page(query: AuditQuery): Promise<Result<readonly StoredAuditEntry[], Unavailable>> {
    return this.#parts.look(() => this.#parts.notes.entries(query));
  }

  trim(before: number, limit: number): Promise<Result<number, Unavailable>> {
    const { change, notes } = this.#parts;
    return change(() => ok(notes.trimAudit(before, limit)));
  }
}

/** What was spent: a row a day and account. */
export class SqliteLedger implements Ledger {
  readonly #parts: NoteParts;

  constructor(parts: NoteParts) {
    this.#parts = parts;
  }

  add(day: number, accounts: readonly Account[], spent: Spent): Promise<Result<void, Unavailable>> {
    const { change, notes } = this.#parts;
    return change(() => {
      for (const account of accounts) notes.addSpent(day, account, spent);
      return ok(undefined);
    });
  }

  async spent(
    day: number,
    accounts: readonly Account[],
  ): Promise<Result<readonly Spent[], Unavailable>> {
    const { look, notes } = this.#parts;
    return look(() => accounts.map((account) => notes.spent(day, account)));
  }

  trim(beforeDay: number): Promise<Result<void, Unavailable>> {
    const { change, notes } = this.#parts;
    return change(() => ok(notes.trimSpending(beforeDay)));
  }
}
