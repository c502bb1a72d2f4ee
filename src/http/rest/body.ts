import { type Failure, failure } from '../../domain/failure.ts';
import { err, ok, type Result } from '../../domain/result.ts';
import type { Exchange } from './exchange.ts';

/** How much more than the limit is let go by, so that the sender gets to read the answer: so many times, so many bytes. */
const PATIENCE = 256;
const PATIENCE_BYTES = 16 * 1024 * 1024;

/** Lets a body go by that there is no room for, as one that is too large. */
export function dropBody(exchange: Exchange, limit: number): Promise<Result<Buffer, Failure>> {
  return receive(exchange, { limit, kept: 0 });
}

/**
 * Reads a body of `limit` bytes at most. To be called in the turn of the event loop that the request came in.
 * What is over the limit is not kept: the rest is let go by, because an answer in the middle of an upload
 * is lost on many clients; an endless one is cut off. Of a client that goes away nothing is left.
 */
export function readBody(exchange: Exchange, limit: number): Promise<Result<Buffer, Failure>> {
  return receive(exchange, { limit, kept: limit });
}

function receive(
  exchange: Exchange,
  { limit, kept }: { readonly limit: number; readonly kept: number },
): Promise<Result<Buffer, Failure>> {
  const patience = Math.min(limit * PATIENCE, limit + PATIENCE_BYTES);
  return new Promise((resolve) => {
    let chunks: Buffer[] = [];
    let bytes = 0;
    exchange.onGone(() => resolve(err(failure('bad_request'))));
    exchange.res.onData((chunk, isLast) => {
      bytes += chunk.byteLength;
      if (bytes <= kept) {
        // uWS takes the memory of the chunk back when this returns.
        chunks.push(Buffer.from(new Uint8Array(chunk)));
      } else {
        chunks = [];
      }
      const isEndless = bytes > patience;
      if (!isLast && !isEndless) return;
      resolve(bytes <= kept ? ok(Buffer.concat(chunks)) : err(failure('body_too_large')));
    });
  });
}

const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;\s*charset="?utf-?8"?\s*)?$/i;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** A body as JSON. An empty one is an empty object, whatever its type. */
export function parseBody(bytes: Buffer, contentType: string): Result<unknown, Failure> {
  if (bytes.length === 0) return ok({});
  if (!JSON_TYPE.test(contentType)) return err(failure('unsupported_media_type'));
  try {
    return ok(JSON.parse(utf8.decode(bytes)));
  } catch {
    return err(failure('bad_request', { message: 'The body is not JSON in UTF-8.' }));
  }
}
