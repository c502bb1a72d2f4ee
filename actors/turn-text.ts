import { cut } from '../src/text/plain-text.ts';
import type { Clock } from './clock.ts';

export interface TextHost {
  readonly clock: Clock;
  /** Characters of an answer; what comes after is cut off. */
  readonly maxAnswerChars: number;
  /** Milliseconds that tokens are gathered before they go out as one delta. */
  readonly deltaMs: number;
  readonly isOver: () => boolean;
  /** The first text of an attempt, or the first after a pause. */
  readonly onText: () => void;
  readonly tell: (index: number, text: string) => void;
}

/**
 * What an attempt has said. Invariants: X1. `shown` is the concatenation of the deltas that were told. X2. Nothing is
 * told when the turn is over.
 */
export class TurnText {
  readonly #host: TextHost;
  #shown = '';
  #pending = '';
  #nextIndex = 0;
  #isFull = false;
  #takeBack: (() => void) | undefined;

  constructor(host: TextHost) {
    this.#host = host;
  }

  /** All that was told. */
  get shown(): string {
    return this.#shown;
  }

  get nextIndex(): number {
    return this.#nextIndex;
  }

  /** The answer is as long as it may be. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** The first token goes out at once, those after it a few milliseconds' worth at a time. */
  add(delta: string): void {
    const { clock, deltaMs, maxAnswerChars } = this.#host;
    const room = maxAnswerChars - this.#shown.length - this.#pending.length;
    this.#isFull = delta.length >= room;
    const text = cut(delta, room);
    if (text === '') return;
    const isFirst = this.#shown === '' && this.#pending === '';
    this.#pending += text;
    this.#host.onText();
    if (isFirst) this.flush();
    else this.#takeBack ??= clock.after(deltaMs, () => this.flush());
  }

  /** Tells what was gathered. */
  flush(): void {
    this.stop();
    const text = this.#pending;
    if (text === '' || this.#host.isOver()) return;
    this.#pending = '';
    this.#shown += text;
    const index = this.#nextIndex;
    this.#nextIndex += 1;
    this.#host.tell(index, text);
  }

  /** An attempt begins: nothing was said. */
  clear(): void {
    this.stop();
    this.#shown = '';
    this.#pending = '';
    this.#isFull = false;
    this.#nextIndex = 0;
  }

  /** Lets go of the timer; what is gathered is told by the next `flush`, if there is one. */
  stop(): void {
    this.#takeBack?.();
    this.#takeBack = undefined;
  }
}
