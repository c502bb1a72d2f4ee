/** What a set of turns took. */
export interface Measured {
  readonly turns: number;
  readonly failed: number;
  /** Milliseconds from the question to the first token, ascending. */
  readonly firstMs: readonly number[];
  /** Milliseconds from the question to the end, ascending. */
  readonly wholeMs: readonly number[];
  /** Milliseconds from when the model sent a token until it was there, ascending. */
  readonly tokenMs: readonly number[];
  readonly cpuSeconds: number;
  readonly seconds: number;
}

/** Which turns. */
export interface Plan {
  readonly base: string;
  /** `200@50`: tokens, and how many a second. */
  readonly model: string;
  readonly turns: number;
  readonly atOnce: number;
}

/** Figures of single tokens that are kept. */
const KEPT = 100_000;

/** One turn after the other on each of `atOnce` lanes; the clock is the one that all processes share. */
export class Stopwatch {
  readonly #firstMs: number[] = [];
  readonly #wholeMs: number[] = [];
  readonly #tokenMs: number[] = [];
  #failed = 0;

  readonly now = nowMs;

  first(askedAt: number): void {
    this.#firstMs.push(nowMs() - askedAt);
  }

  whole(askedAt: number): void {
    this.#wholeMs.push(nowMs() - askedAt);
  }

  fail(): void {
    this.#failed += 1;
  }

  /** The tokens in a piece of text are the times at which they were sent. */
  tokens(text: string): void {
    const now = nowMs();
    for (const token of text.split(' ')) {
      if (token !== '' && this.#tokenMs.length < KEPT) {
        this.#tokenMs.push(now - Number(token) / 1_000);
      }
    }
  }

  read(more: Pick<Measured, 'turns' | 'cpuSeconds' | 'seconds'>): Measured {
    const ascending = (list: number[]) => list.sort((a, b) => a - b);
    return {
      ...more,
      failed: this.#failed,
      firstMs: ascending(this.#firstMs),
      wholeMs: ascending(this.#wholeMs),
      tokenMs: ascending(this.#tokenMs),
    };
  }
}

function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Runs `turn` so many times, so many at once. */
export async function inLanes(
  { turns, atOnce }: Pick<Plan, 'turns' | 'atOnce'>,
  turn: (at: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < turns) {
      next += 1;
      await turn(next);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}
