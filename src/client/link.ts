import type { ColloquyError } from './colloquy-error.ts';
import type { Clock } from './environment.ts';
import type { ClientFrame, ServerFrameOf, Unasked } from './wire.ts';

export type AnswerFrame = ServerFrameOf<'joined' | 'left' | 'ack' | 'ok'>;

export type Answer =
  | { readonly ok: true; readonly frame: AnswerFrame }
  /** The server's error, or `disconnected`: then nobody knows whether it was done. */
  | { readonly ok: false; readonly error: ColloquyError };

/** What the parts of a conversation see of the client's connection. */
export interface Link {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** Exactly one answer comes for each question, at once when there is no connection. */
  ask(question: Unasked, answer: (answer: Answer) => void): void;
  /** For what needs no answer; dropped when there is no connection. */
  tell(frame: ClientFrame): void;
}
