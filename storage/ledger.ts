import type { Result } from '../src/domain/result.ts';
import type { Account, Spent } from '../src/domain/spending.ts';
import type { Unavailable } from './unavailable.ts';

/** The part of the storage port that counts what was spent, by day and account; for days, not for ever. */
export interface Ledger {
  /** Adds the same to each of these accounts, in one transaction; also when others add at the same time. */
  add(day: number, accounts: readonly Account[], spent: Spent): Promise<Result<void, Unavailable>>;

  /** What these accounts spent on a day, in their order. */
  spent(day: number, accounts: readonly Account[]): Promise<Result<readonly Spent[], Unavailable>>;

  /** Lets go of the days before this one. */
  trim(beforeDay: number): Promise<Result<void, Unavailable>>;
}
