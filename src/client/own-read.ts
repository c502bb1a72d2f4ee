import type { Clock } from './environment.ts';

/** Reading a burst of messages says so once. */
const PAUSE_MS = 300;

/** How far we have read, told forward only and not for every message of a burst. */
export class OwnRead {
  readonly #clock: Clock;
  readonly #tell: (seq: number) => void;
  #seq = 0;
  #toldSeq = 0;
  #isPausing = false;

  constructor(clock: Clock, tell: (seq: number) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  set(seq: number): void {
    this.#seq = Math.max(this.#seq, seq);
    if (!this.#isPausing) this.#say();
  }

  /** The seqs begin anew. */
  clear(): void {
    this.#seq = 0;
    this.#toldSeq = 0;
  }

  #say(): void {
    if (this.#seq <= this.#toldSeq) return;
    this.#toldSeq = this.#seq;
    this.#isPausing = true;
    this.#tell(this.#seq);
    this.#clock.after(PAUSE_MS, () => {
      this.#isPausing = false;
      this.#say();
    });
  }
}
