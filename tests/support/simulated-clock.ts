import type { Clock } from '../../actors/clock.ts';

/** Time for actors that moves only when a test moves it; timers run in order, each at its time. */
export class SimulatedClock implements Clock {
  #now = Date.parse('2026-01-01T00:00:00.000Z');
  readonly #timers = new Set<{ readonly atMs: number; readonly run: () => void }>();

  readonly now = (): number => this.#now;

  readonly after = (ms: number, run: () => void): (() => void) => {
    const timer = { atMs: this.#now + ms, run };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  };

  /** Timers that nobody took back. */
  get waiting(): number {
    return this.#timers.size;
  }

  /** Lets `ms` pass. What promises can do is done before and after each timer. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.#now + ms;
    await settled();
    for (;;) {
      const due = [...this.#timers]
        .filter(({ atMs }) => atMs <= untilMs)
        .sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#now = due.atMs;
      due.run();
      await settled();
    }
    this.#now = untilMs;
  }
}

/** All that promises can do without time passing has been done. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
