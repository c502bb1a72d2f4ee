import type { Meters, Passages } from '../observability/meters.ts';

/** What every message goes through, in this order. Each is one interface here, and one part of `runtime.ts`. */
type Stage = 'authentication' | 'memory' | 'moderation' | 'structuring' | 'audit';

/** Counts what goes through one stage, and how long it takes there, by how it comes out. */
export class StageMeter {
  readonly #meters: Meters;
  readonly #stage: Stage;

  constructor(meters: Meters, stage: Stage) {
    this.#meters = meters;
    this.#stage = stage;
  }

  /** For a hot path: what came out so is counted by an addition. */
  passages(outcome: string): Passages {
    return this.#meters.passages(this.#stage, outcome);
  }

  passed(outcome: string, startedAt: number): void {
    const passages = this.passages(outcome);
    passages.count += 1;
    passages.ms += performance.now() - startedAt;
  }

  /** Runs a passage and counts it: `failed` when it throws. */
  async time<T>(run: () => Promise<T>, outcomeOf: (value: T) => string): Promise<T> {
    const startedAt = performance.now();
    try {
      const value = await run();
      this.passed(outcomeOf(value), startedAt);
      return value;
    } catch (error) {
      this.passed('failed', startedAt);
      throw error;
    }
  }
}
