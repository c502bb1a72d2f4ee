import type { Result } from '../../src/domain/result.ts';
import { type Account, NOTHING_SPENT, type Spent } from '../../src/domain/spending.ts';
import type { Ledger } from '../ledger.ts';
import type { Unavailable } from '../unavailable.ts';
import type { Gate } from './gate.ts';

/** What was spent, in the memory store. */
export class MemoryLedger implements Ledger {
  readonly #gate: Gate;
  readonly #days = new Map<number, Map<Account, Spent>>();

  constructor(gate: Gate) {
    this.#gate = gate;
  }

  add(day: number, accounts: readonly Account[], more: Spent): Promise<Result<void, Unavailable>> {
    return this.#gate.answer(() => {
      const spent = this.#days.get(day) ?? new Map<Account, Spent>();
      this.#days.set(day, spent);
      for (const account of accounts) spent.set(account, sum(spent.get(account), more));
    });
  }

  spent(day: number, accounts: readonly Account[]): Promise<Result<readonly Spent[], Unavailable>> {
    return this.#gate.answer(() =>
      accounts.map((account) => this.#days.get(day)?.get(account) ?? NOTHING_SPENT),
    );
  }

  trim(beforeDay: number): Promise<Result<void, Unavailable>> {
    return this.#gate.answer(() => {
      for (const day of this.#days.keys()) if (day < beforeDay) this.#days.delete(day);
    });
  }
}

function sum(spent: Spent = NOTHING_SPENT, more: Spent): Spent {
  return {
    inputTokens: spent.inputTokens + more.inputTokens,
    outputTokens: spent.outputTokens + more.outputTokens,
    cost: spent.cost + more.cost,
  };
}
