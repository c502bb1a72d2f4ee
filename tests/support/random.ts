/** What this run takes its chances from, as vitest.config.ts chose it. */
export const RUN_SEED = Number(process.env['COLLOQUY_TEST_SEED']);

/** Randomness that a seed repeats: Tommy Ettinger's mulberry32. */
export class Random {
  readonly seed: number;
  #state: number;

  /** `seed`: the run's, so that a failure can be run again. */
  constructor(seed = RUN_SEED) {
    this.seed = seed;
    this.#state = seed;
  }

  /** From 0 to below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number from `least` to `most`, both included. */
  whole(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(choices: readonly T[]): T {
    const found = choices[this.whole(0, choices.length - 1)];
    if (found === undefined) throw new Error('nothing to pick from');
    return found;
  }
}
