import type { Clock } from './clock.ts';

/** A time limit that stands still while it is paused: waiting for people costs a turn nothing. */
export class Deadline {
  readonly #clock: Clock;
  readonly #onOver: () => void;
  #leftMs: number;
  #since = 0;
  #takeBack: (() => void) | undefined;

  constructor(clock: Clock, ms: number, onOver: () => void) {
    this.#clock = clock;
    this.#leftMs = ms;
    this.#onOver = onOver;
    this.resume();
  }

  pause(): void {
    if (this.#takeBack === undefined) return;
    this.stop();
    this.#leftMs -= this.#clock.now() - this.#since;
  }

  resume(): void {
    if (this.#takeBack !== undefined) return;
    this.#since = this.#clock.now();
    this.#takeBack = this.#clock.after(Math.max(this.#leftMs, 0), this.#onOver);
  }

  stop(): void {
    this.#takeBack?.();
    this.#takeBack = undefined;
  }
}
