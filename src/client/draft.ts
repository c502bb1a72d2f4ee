import type { ColloquyError } from './colloquy-error.ts';
import type { Unasked } from './wire.ts';

/** What a person wants to be in the log. */
export type Change =
  | {
      readonly kind: 'send';
      readonly content: string;
      /** The seq of the message it answers. */
      readonly replyTo?: number | undefined;
      readonly metadata?: Readonly<Record<string, unknown>> | undefined;
    }
  | { readonly kind: 'edit'; readonly seq: number; readonly content: string }
  | { readonly kind: 'delete'; readonly seq: number };

export type DraftState =
  /** Waits for a connection, or for those before it. */
  | { readonly kind: 'pending' }
  /** On its way; `refusals` above 0 makes it a retry. */
  | { readonly kind: 'sending'; readonly refusals: number }
  /** The server said not now (429, 503); it is sent again by itself, with the same key. */
  | {
      readonly kind: 'refused';
      readonly error: ColloquyError;
      readonly refusals: number;
      /** Milliseconds since 1970. */
      readonly retryAtMs: number;
    }
  /** Durable; its event is about to come. */
  | { readonly kind: 'stored'; readonly seq: number }
  /** The server said no; it stays until `retry` or `discard`. */
  | { readonly kind: 'failed'; readonly error: ColloquyError };

export interface Draft {
  /** The idempotency key, the same for every try. */
  readonly key: string;
  readonly change: Change;
  /** Milliseconds since 1970. */
  readonly createdAtMs: number;
  readonly state: DraftState;
}

/** What the server says about something stored. */
export interface Receipt {
  readonly key: string;
  /** Of the event that the change became. */
  readonly seq: number;
  /** RFC 3339. */
  readonly createdAt: string;
  /** The server had it already: an earlier try had arrived. */
  readonly isDuplicate: boolean;
}

export function questionOf(conversationId: string, { key, change }: Draft): Unasked {
  const to = { conversation_id: conversationId, key };
  switch (change.kind) {
    case 'send':
      return {
        type: 'send',
        ...to,
        content: change.content,
        ...(change.replyTo === undefined ? {} : { reply_to: change.replyTo }),
        ...(change.metadata === undefined ? {} : { metadata: { ...change.metadata } }),
      };
    case 'edit':
      return { type: 'edit', ...to, seq: change.seq, content: change.content };
    case 'delete':
      return { type: 'delete', ...to, seq: change.seq };
    default:
      return change satisfies never;
  }
}
