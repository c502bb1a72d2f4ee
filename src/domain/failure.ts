/**
 * The one failure table. Every answer that is not a success, on every transport, is a row of it:
 * the status, whether the same request may succeed later, and the sentence people read.
 */
const TABLE = {
  bad_frame: row(400, false, 'The frame is not a JSON object of the protocol.'),
  unknown_type: row(400, false, 'This frame type is not known.'),
  invalid_field: row(400, false, 'A field is missing or has a value that is not allowed.'),
  bad_request: row(400, false, 'The request does not make sense as it is.'),
  unauthenticated: row(401, false, 'Say who you are first.'),
  bad_token: row(401, false, 'The token is not valid here.'),
  token_expired: row(401, false, 'The token has expired; get a new one.'),
  forbidden: row(403, false, 'Your role does not allow this.'),
  not_a_participant: row(
    403,
    false,
    'You are not a participant of this conversation; join it first.',
  ),
  not_found: row(404, false, 'There is nothing here.'),
  conversation_not_found: row(404, false, 'There is no such conversation.'),
  message_not_found: row(404, false, 'There is no such message in this conversation.'),
  turn_not_found: row(404, false, 'There is no such turn in this conversation.'),
  document_not_found: row(404, false, 'There is no such document.'),
  method_not_allowed: row(405, false, 'This method is not offered here.'),
  key_reused: row(409, false, 'This idempotency key was used before with another body.'),
  already_exists: row(409, false, 'This id is taken.'),
  turn_in_progress: row(
    409,
    true,
    'The agent is answering; this conversation takes no messages until it is done.',
  ),
  turn_over: row(409, false, 'The turn has ended.'),
  head_conflict: row(409, true, 'Another writer was first; try again.'),
  trimmed: row(410, false, 'The log no longer reaches back that far.'),
  deleted: row(410, false, 'The message was deleted.'),
  frame_too_large: row(413, false, 'The frame is too large.'),
  message_too_long: row(413, false, 'The message is too long.'),
  body_too_large: row(413, false, 'The body is too large.'),
  unsupported_media_type: row(415, false, 'Send application/json.'),
  document_unreadable: row(422, false, 'No text could be read from the document.'),
  content_refused: row(422, false, 'The content was refused.'),
  mailbox_full: row(
    429,
    true,
    'The conversation has more messages waiting than it may hold; nothing was stored.',
  ),
  rate_limited: row(429, true, 'Too many requests; slow down.'),
  budget_exhausted: row(429, true, 'The budget of this day is used up.'),
  turn_queue_full: row(429, true, 'The agent has more turns waiting than it may hold.'),
  too_many_participants: row(429, false, 'The conversation is full.'),
  too_many_connections: row(429, true, 'The server has as many connections as it may hold.'),
  too_many_conversations: row(
    429,
    false,
    'This connection is in as many conversations as it may be; leave one first.',
  ),
  too_many_documents: row(
    429,
    false,
    'You have as many documents as you may keep; delete one first.',
  ),
  internal: row(500, true, 'Something broke on our side.'),
  answer_failed: row(502, false, 'The message is stored, and the agent gave no answer to it.'),
  overloaded: row(503, true, 'The server is overloaded; nothing was stored.'),
  storage_unavailable: row(503, true, 'The storage does not answer; nothing was stored.'),
  agent_unavailable: row(503, true, 'The agent cannot be reached.'),
  draining: row(503, true, 'The server is stopping; connect again in a moment.'),
} as const;

function row(status: number, retryable: boolean, message: string) {
  return { status, retryable, message } as const;
}

export type Reason = keyof typeof TABLE;

/** A row of the table, with what this occasion adds to it. `message` is public text. */
export interface Failure {
  readonly reason: Reason;
  readonly message: string;
  /** Milliseconds after which the same request may be sent again; set on every 429 and 503. */
  readonly retryAfterMs?: number;
  /** For the log only; never leaves the process. */
  readonly cause?: unknown;
}

/** Milliseconds told to a caller when nothing better is known. */
const DEFAULT_RETRY_AFTER_MS = 1_000;

export function failure(
  reason: Reason,
  more: { message?: string; retryAfterMs?: number; cause?: unknown } = {},
): Failure {
  const { status, message } = TABLE[reason];
  const waits = status === 429 || status === 503;
  const retryAfterMs = more.retryAfterMs ?? (waits ? DEFAULT_RETRY_AFTER_MS : undefined);
  return {
    reason,
    message: more.message ?? message,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs: Math.ceil(retryAfterMs) }),
    ...(more.cause === undefined ? {} : { cause: more.cause }),
  };
}

export function statusOf(reason: Reason): number {
  return TABLE[reason].status;
}

export function isRetryable(reason: Reason): boolean {
  return TABLE[reason].retryable;
}

/** Every reason there is, for the docs and the tests. */
export const REASONS = Object.keys(TABLE) as readonly Reason[];

/** The close codes of the protocol. Those from 4400 on are final: do not reconnect as you are. */
export const CLOSE_CODES = {
  draining: 4001,
  slow_consumer: 4002,
  heartbeat_timeout: 4003,
  replaced: 4004,
  token_expired: 4005,
  protocol_error: 4400,
  unauthenticated: 4401,
  forbidden: 4403,
  hello_timeout: 4408,
  frame_too_large: 4413,
  connection_limit: 4429,
} as const;

export type CloseReason = keyof typeof CLOSE_CODES;
