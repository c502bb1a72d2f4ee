/**
 * Owns the one timer that all paced streams share, and who sleeps until which beat.
 * Does not own what the streams do when they wake.
 *
 * Invariants:
 * M1. Nobody wakes before the time asked for, unless woken by `wake`; then at the next beat after it.
 * M2. The timer runs only while somebody sleeps, so an idle metronome keeps no process alive.
 * M3. A sleeper sleeps once at a time; what it left behind in an old beat is skipped.
 *
 * A timer for every token costs a heap entry, an arming and a callback each. One for all makes a thousand
 * streams at fifty tokens a second 250 callbacks a second.
 */
import type { Clock } from './clock.ts';

/** Milliseconds between beats: the precision of a pace. */
const BEAT_MS = 4;

/** One stream's place in the metronome. */
export interface Sleeper {
  /** Resolves at `atMs` of the clock, or at `wake`; at once when that time is past. O(1). */
  until(atMs: number): Promise<void>;
  /** Ends the present sleep, if there is one. */
  wake(): void;
}

export class Metronome {
  readonly #clock: Clock;
  readonly #beats = new Map<number, Slot[]>();
  #sleeping = 0;
  #running = false;
  /** Every beat up to this one has been played. */
  #played = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  sleeper(): Sleeper {
    const slot: Slot = { beat: 0, resolve: undefined };
    return {
      until: (atMs) => this.#sleep(slot, atMs),
      wake: () => this.#wake(slot),
    };
  }

  #sleep(slot: Slot, atMs: number): Promise<void> {
    if (atMs <= this.#clock.now()) return Promise.resolve();
    if (slot.resolve !== undefined) throw new Error('a sleeper sleeps once at a time (M3)');
    return new Promise((resolve) => {
      if (!this.#running) this.#start();
      this.#sleeping++;
      slot.beat = Math.max(Math.ceil(atMs / BEAT_MS), this.#played + 1);
      slot.resolve = resolve;
      const beat = this.#beats.get(slot.beat);
      if (beat === undefined) this.#beats.set(slot.beat, [slot]);
      else beat.push(slot);
    });
  }

  #wake(slot: Slot): void {
    const { resolve } = slot;
    if (resolve === undefined) return;
    slot.resolve = undefined;
    this.#sleeping--;
    resolve();
  }

  #start(): void {
    this.#running = true;
    this.#played = Math.floor(this.#clock.now() / BEAT_MS);
    this.#clock.after(BEAT_MS, this.#play);
  }

  readonly #play = (): void => {
    const now = Math.floor(this.#clock.now() / BEAT_MS);
    while (this.#played < now) {
      const beat = ++this.#played;
      const slots = this.#beats.get(beat);
      if (slots === undefined) continue;
      this.#beats.delete(beat);
      for (const slot of slots) if (slot.beat === beat) this.#wake(slot);
    }
    this.#running = this.#sleeping > 0;
    if (this.#running) this.#clock.after(BEAT_MS, this.#play);
    else this.#beats.clear();
  };
}

interface Slot {
  beat: number;
  resolve: (() => void) | undefined;
}
