import { expect } from 'vitest';

/** The contract's failure table as clients know it: a reason has one status on every transport. */
const STATUS_OF: Readonly<Record<string, number>> = {
  bad_frame: 400,
  unknown_type: 400,
  invalid_field: 400,
  bad_request: 400,
  unauthenticated: 401,
  bad_token: 401,
  token_expired: 401,
  forbidden: 403,
  not_a_participant: 403,
  not_found: 404,
  conversation_not_found: 404,
  message_not_found: 404,
  turn_not_found: 404,
  document_not_found: 404,
  key_reused: 409,
  already_exists: 409,
  turn_in_progress: 409,
  turn_over: 409,
  head_conflict: 409,
  trimmed: 410,
  deleted: 410,
  frame_too_large: 413,
  message_too_long: 413,
  body_too_large: 413,
  unsupported_media_type: 415,
  document_unreadable: 422,
  content_refused: 422,
  mailbox_full: 429,
  rate_limited: 429,
  turn_queue_full: 429,
  too_many_participants: 429,
  too_many_connections: 429,
  too_many_documents: 429,
  internal: 500,
  overloaded: 503,
  storage_unavailable: 503,
  agent_unavailable: 503,
  draining: 503,
};

export interface PublicFailure {
  readonly status: number;
  readonly reason: string;
  readonly text: string;
  readonly retryAfterMs: number | undefined;
}

/**
 * What is wrong with a failure that left the server, on any transport: a status that is not its
 * reason's, a 429 or 503 that does not say when to come back, text from inside the process.
 */
export function flawsOf({ status, reason, text, retryAfterMs }: PublicFailure): readonly string[] {
  const flaws: string[] = [];
  const expected = STATUS_OF[reason];
  if (expected !== undefined && expected !== status) {
    flaws.push(`${reason} is ${expected}, not ${status}`);
  }
  if ((status === 429 || status === 503) && retryAfterMs === undefined) {
    flaws.push(`${status} ${reason} without retry_after_ms`);
  }
  if (retryAfterMs !== undefined && retryAfterMs < 0) flaws.push(`retry_after_ms ${retryAfterMs}`);
  if (/\n\s+at |node_modules|\.ts:\d/.test(text)) flaws.push(`a stack in ${JSON.stringify(text)}`);
  return flaws;
}

/** Fails unless `frame` is the `error` of this row of the table. */
export function expectError(frame: unknown, code: number, reason: string): void {
  expect(frame).toMatchObject({ type: 'error', code, reason });
}
