import type { Reason } from '../domain/failure.ts';
import { isRetryable, REASONS, statusOf } from '../domain/failure.ts';
import type { ServerFrameOf } from './wire.ts';

/** What a client says by itself, without having heard it from a server. */
const LOCAL = {
  disconnected: 'The connection was lost before the answer came.',
  closed: 'The client was closed.',
  left: 'The conversation was left.',
  discarded: 'The message was taken back before it was sent.',
  outbox_full: 'Too many messages are waiting to be sent.',
  replaced_by_later: 'A later change of the same message took its place.',
  unreachable: 'The server cannot be reached.',
  refused: 'The server ended the connection and does not want it back as it is.',
} as const;

export type LocalReason = keyof typeof LOCAL;

export interface ErrorFields {
  /** The HTTP status of the failure table; 0 when no server said it. */
  readonly code: number;
  /** A row of the failure table. A newer server may know more rows than this client. */
  readonly reason: Reason | LocalReason | (string & {});
  readonly message: string;
  readonly retryable: boolean;
  readonly retryAfterMs?: number | undefined;
}

/** Why something was not done. Decide by `reason`; `message` is for people. */
export class ColloquyError extends Error implements ErrorFields {
  readonly code: number;
  readonly reason: ErrorFields['reason'];
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(fields: ErrorFields) {
    super(fields.message);
    this.name = 'ColloquyError';
    this.code = fields.code;
    this.reason = fields.reason;
    this.retryable = fields.retryable;
    this.retryAfterMs = fields.retryAfterMs;
  }
}

export function localError(reason: LocalReason, message: string = LOCAL[reason]): ColloquyError {
  return new ColloquyError({ code: 0, reason, message, retryable: reason === 'disconnected' });
}

/** The error of an `error` frame. */
export function errorOfFrame(frame: ServerFrameOf<'error'>): ColloquyError {
  return new ColloquyError({
    code: frame.code,
    reason: frame.reason,
    message: frame.message,
    retryable: frame.retryable,
    retryAfterMs: frame.retry_after_ms,
  });
}

/** The error of a REST answer that is not a success; its body is RFC 9457 problem JSON, or anything at all. */
export function errorOfProblem(status: number, body: unknown): ColloquyError {
  const fields = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const reason = typeof fields['reason'] === 'string' ? fields['reason'] : 'internal';
  const retryAfterMs = fields['retry_after_ms'];
  return new ColloquyError({
    code: status,
    reason,
    message:
      typeof fields['detail'] === 'string' ? fields['detail'] : `The server answered ${status}.`,
    retryable: fields['retryable'] === true || status === 429 || status === 503,
    retryAfterMs: typeof retryAfterMs === 'number' ? retryAfterMs : undefined,
  });
}

/** The error of a close that names a row of the failure table, or any other final close. */
export function errorOfClose(code: number, reason: string): ColloquyError {
  const known = REASONS.find((row) => row === reason);
  if (known === undefined)
    return localError('refused', reason === '' ? `Closed with ${code}.` : reason);
  return new ColloquyError({
    code: statusOf(known),
    reason: known,
    message: `The server ended the connection: ${known.replaceAll('_', ' ')}.`,
    retryable: isRetryable(known),
  });
}
