import type { HttpResponse } from 'uWebSockets.js';
import type { Failure } from '../../domain/failure.ts';
import type { Result } from '../../domain/result.ts';

export type Headers = Readonly<Record<string, string>>;

/** What a route answers when it does not refuse. */
export type Reply =
  | {
      readonly kind: 'json';
      readonly status: number;
      /** An object, or the text of one that was encoded before. */
      readonly body: object | string;
      readonly headers?: Headers;
    }
  | {
      readonly kind: 'content';
      readonly status: number;
      readonly body: string | Uint8Array;
      /** With the `content-type` among them. */
      readonly headers: Headers;
    }
  | { readonly kind: 'empty'; readonly status: 204 | 302 | 304; readonly headers?: Headers }
  /** Takes the response over, headers and all. */
  | {
      readonly kind: 'stream';
      /** That of an event stream when absent. */
      readonly contentType?: string;
      readonly open: (response: OpenResponse) => void;
    };

/** A response that a stream writes into, and what tells it that the reader is gone. */
export interface OpenResponse {
  readonly res: HttpResponse;
  /** The headers that every answer has. */
  readonly headers: Headers;
  readonly onGone: (fn: () => void) => void;
}

export type Answer = Result<Reply, Failure>;

export function json(status: number, body: object | string, headers?: Headers): Reply {
  return { kind: 'json', status, body, ...(headers === undefined ? {} : { headers }) };
}

export const NO_CONTENT: Reply = { kind: 'empty', status: 204 };
