import { cut } from '../../text/plain-text.ts';

/** Between what the model said before it used a tool, and what it said after. */
const BREAK = '\n\n';

/** The text of one attempt as people see it: the answers of the model, one after the other, up to a length. */
export class Said {
  readonly #maxChars: number;
  #chars = 0;
  #answer: string | undefined;
  #endsInSpace = true;

  constructor(maxChars: number) {
    this.#maxChars = maxChars;
  }

  get isEmpty(): boolean {
    return this.#chars === 0;
  }

  get isFull(): boolean {
    return this.#chars >= this.#maxChars;
  }

  /** Something of this answer of the model was shown. */
  has(answer: string): boolean {
    return this.#answer === answer;
  }

  /** What is to be shown of a text of this answer; empty when there is no more room. */
  take(text: string, answer: string): string {
    if (text === '') return '';
    const isNew = this.#answer !== answer;
    const gap = isNew && !this.#endsInSpace && !/^\s/u.test(text) ? BREAK : '';
    const shown = cut(gap + text, this.#maxChars - this.#chars);
    this.#chars += shown.length;
    // A text of which half a character was left is as long as it may be.
    if (shown.length < gap.length + text.length) this.#chars = this.#maxChars;
    this.#answer = answer;
    this.#endsInSpace = /\s$/u.test(text);
    return shown;
  }
}
