import type { Message } from '../domain/message.ts';

export const MODES = ['hybrid', 'keyword', 'vector'] as const;
/** `hybrid`: words and vectors, joined by reciprocal rank fusion. */
export type Mode = (typeof MODES)[number];

export interface SearchAnswer<T> {
  /** Best first. */
  readonly items: readonly T[];
  /** Vectors were asked for and could not be used, or not for all there is: what is here was found by words. */
  readonly isDegraded: boolean;
}

export interface MessageHit {
  /** As it stands now. */
  readonly message: Message;
  /** A part of its content, HTML-escaped, with the words of the query inside `<mark>` and `</mark>`. */
  readonly snippet: string;
  /** More is better; comparable within one answer. */
  readonly score: number;
}
