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
  /** `200@50`: tokens, and how many a second; 0 is all at once. `200@50 with a tool`: after one call of a tool. */
  readonly answer: string;
  readonly turns: number;
  readonly atOnce: number;
}

/** Said of an answer for which the model asks for the time first. */
const WITH_A_TOOL = ' with a tool';

export function usesTool({ answer }: Pick<Plan, 'answer'>): boolean {
  return answer.endsWith(WITH_A_TOOL);
}

/** Turns before the clock runs, so that both sides are compiled: a fresh process takes thrice as long. */
export function warmUpOf(plan: Pick<Plan, 'answer'>): Omit<Plan, 'base'> {
  return { answer: `20@0${usesTool(plan) ? WITH_A_TOOL : ''}`, turns: 300, atOnce: 1 };
}

/** What people ask; the stub reads from it what it is to answer. */
export function questionOf({ answer }: Pick<Plan, 'answer'>, at: number): string {
  return `question ${at}, to be answered in ${answer}`;
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
