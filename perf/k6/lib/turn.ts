/** What a turn took, once it is over. */
export interface TurnTimes {
  readonly state: string;
  /** When its first delta came, milliseconds since 1970. */
  readonly firstAt: number | undefined;
  readonly lastAt: number | undefined;
  readonly deltas: number;
  /** Its deltas, concatenated, are not the content of its message. */
  readonly isWrong: boolean;
}

interface DeltaFrame {
  readonly attempt: number;
  readonly index: number;
  readonly text: string;
}

/**
 * Follows one turn: the deltas of its last attempt must be the content of its message. Deltas may be left out
 * under pressure; then there is nothing to compare. Pure.
 */
export class TurnFollower {
  #attempt = 0;
  #next = 0;
  #text = '';
  #hasHole = false;
  #content: string | undefined;
  #firstAt: number | undefined;
  #lastAt: number | undefined;
  #deltas = 0;

  delta({ attempt, index, text }: DeltaFrame, at: number): void {
    if (attempt !== this.#attempt) this.#begin(attempt);
    if (index !== this.#next) this.#hasHole = true;
    this.#next = index + 1;
    this.#text += text;
    this.#deltas += 1;
    this.#firstAt ??= at;
    this.#lastAt = at;
  }

  /** All so far, in place of deltas that were missed. */
  snapshot(frame: {
    readonly attempt: number;
    readonly text: string;
    readonly next_index: number;
  }): void {
    this.#begin(frame.attempt);
    this.#text = frame.text;
    this.#next = frame.next_index;
  }

  message(content: string): void {
    this.#content = content;
  }

  ended(state: string): TurnTimes {
    const isWrong =
      state === 'completed' &&
      (this.#content === undefined || (!this.#hasHole && this.#content !== this.#text));
    return {
      state,
      firstAt: this.#firstAt,
      lastAt: this.#lastAt,
      deltas: this.#deltas,
      isWrong,
    };
  }

  #begin(attempt: number): void {
    this.#attempt = attempt;
    this.#next = 0;
    this.#text = '';
    this.#hasHole = false;
  }
}
