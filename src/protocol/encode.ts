import type { AgentSettings, Conversation } from '../domain/conversation.ts';
import type { EventKind, LogEvent } from '../domain/event.ts';
import type { Failure } from '../domain/failure.ts';
import { isRetryable, statusOf } from '../domain/failure.ts';
import type { ConversationId, Epoch } from '../domain/ids.ts';
import { eventId } from '../domain/ids.ts';
import type { Message } from '../domain/message.ts';
import type { Author } from '../domain/participant.ts';
import type { TurnCall, TurnDecision } from '../domain/turn.ts';
import type { ServerFrame, ToolCall } from './server-frames.ts';

/** The one place where domain values become wire text. */

export function encodeFrame(frame: ServerFrame): string {
  return JSON.stringify(frame);
}

/** RFC 3339 UTC with milliseconds. */
export function wireTime(ms: number): string {
  if (ms !== lastMs) keepTime(ms);
  return lastText;
}

/** `"created_at":"…"`. */
function createdAt(ms: number): string {
  if (ms !== lastMs) keepTime(ms);
  return lastField;
}

function keepTime(ms: number): void {
  lastMs = ms;
  lastText = new Date(ms).toISOString();
  lastField = `"created_at":"${lastText}"`;
}

// The events of a batch share one time; formatting it once a batch takes it off the hot path.
let lastMs = Number.NaN;
let lastText = '';
let lastField = '';

export interface Origin {
  readonly id: ConversationId;
  readonly epoch: Epoch;
  /** `eventStem`, where it is kept. */
  readonly stem?: string;
}

/** What all events of a conversation begin with, as one flat text: its ids need not be fetched again for each. */
export function eventStem({ id, epoch }: Origin): string {
  const stem = `{"type":"event","conversation_id":"${id}","event_id":"${epoch}.`;
  return Buffer.from(stem, 'latin1').toString('latin1');
}

/**
 * The `event` frame. The body goes in as the text the log has, so an event is encoded once in its life.
 * `withKey` puts the sender's idempotency key in: for the sender's own connections only.
 */
export function eventFrame(of: Origin, event: LogEvent, withKey = false): string {
  if (event !== lastEvent || of.id !== lastId) {
    const { seq, body } = event;
    lastEvent = event;
    lastId = of.id;
    const stem = of.stem ?? eventStem(of);
    lastHead = `${stem}${seq}${kindText(event.kind)}${seq}${authorText(event.author)}`;
    lastRest = createdAt(event.createdAt) + (body.length > 2 ? `,${body.slice(1)}` : '}');
  }
  if (!withKey || event.key === null) return lastHead + lastRest;
  return `${lastHead}"key":"${event.key}",${lastRest}`;
}

// An event with a key has two forms, one after the other: what both have is put together once.
let lastEvent: LogEvent | undefined;
let lastId: ConversationId | undefined;
let lastHead = '';
let lastRest = '';

const authorTexts = new WeakMap<Author, string>();

function kindText(kind: EventKind): string {
  return kind === 'message' ? '","kind":"message","seq":' : `","kind":"${kind}","seq":`;
}

/** Members are few and speak often: their field is made once for each object. */
function authorText(author: Author): string {
  let text = authorTexts.get(author);
  if (text === undefined) {
    text = `,"from":${JSON.stringify(wireAuthor(author))},`;
    authorTexts.set(author, text);
  }
  return text;
}

export function wireAuthor({ id, name, kind }: Author) {
  return { id, name, kind };
}

/** A message over REST: its event with the content as it stands now. */
export function wireMessage(of: Origin, message: Message, reader: string) {
  const { event, body, editedAt } = message;
  return {
    conversation_id: of.id,
    seq: event.seq,
    kind: event.kind,
    event_id: eventId(of.epoch, event.seq),
    from: wireAuthor(event.author),
    created_at: wireTime(event.createdAt),
    ...(event.key !== null && event.author.id === reader ? { key: event.key } : {}),
    ...body,
    ...(editedAt === null ? {} : { edited_at: wireTime(editedAt) }),
  };
}

function wireAgent({ id, name, speaks, whileBusy }: AgentSettings) {
  return { id, name, speaks, while_busy: whileBusy };
}

/** A tool call of a turn, with what came of it. */
export function wireCall(call: TurnCall): ToolCall {
  const { callId, name, args, needsApproval, state, decision, outcome } = call;
  return {
    call_id: callId,
    name,
    args,
    needs_approval: needsApproval,
    state,
    ...(decision === undefined ? {} : { decision: wireDecision(decision) }),
    ...(outcome?.result === undefined ? {} : { result: outcome.result }),
    ...(outcome?.error === undefined ? {} : { error: outcome.error }),
    ...(outcome === undefined ? {} : { duration_ms: outcome.durationMs }),
  };
}

function wireDecision({ by, verdict, reason, at }: TurnDecision) {
  const why = reason === undefined ? {} : { reason };
  return { by, decision: verdict, ...why, at: wireTime(at) };
}

export function wireConversation(conversation: Conversation) {
  const { agent, agents = [] } = conversation;
  return {
    conversation_id: conversation.id,
    epoch: conversation.epoch,
    title: conversation.title,
    visibility: conversation.visibility,
    agent: agent && wireAgent(agent),
    ...(agents.length === 0 ? {} : { agents: agents.map(wireAgent) }),
    head_seq: conversation.headSeq,
    first_seq: conversation.firstSeq,
    created_at: wireTime(conversation.createdAt),
    updated_at: wireTime(conversation.updatedAt),
    metadata: conversation.metadata,
  };
}

/** The `ack` frame, of which there are as many as of events. */
export function ackFrame(
  { id, conversation_id, key }: AckOrigin,
  { seq, createdAt: at, duplicate }: ReceiptOf,
): string {
  const head = `{"type":"ack","id":"${id}","conversation_id":"${conversation_id}",`;
  const rest = createdAt(at) + (duplicate ? ',"duplicate":true}' : ',"duplicate":false}');
  return key === undefined
    ? `${head}"seq":${seq},${rest}`
    : `${head}"key":"${key}","seq":${seq},${rest}`;
}

interface AckOrigin {
  readonly id: string;
  readonly conversation_id: ConversationId;
  readonly key?: string | undefined;
}

interface ReceiptOf {
  readonly seq: number;
  readonly createdAt: number;
  readonly duplicate: boolean;
}

/** The `error` frame. */
export function errorFrame(
  { reason, message, retryAfterMs }: Failure,
  about: { readonly id?: string | undefined; readonly conversationId?: string | undefined } = {},
): string {
  return encodeFrame({
    type: 'error',
    ...(about.id === undefined ? {} : { id: about.id }),
    ...(about.conversationId === undefined ? {} : { conversation_id: about.conversationId }),
    code: statusOf(reason),
    reason,
    message,
    retryable: isRetryable(reason),
    ...(retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }),
  });
}

/** RFC 9457 `application/problem+json`. */
export function problem({ reason, message, retryAfterMs }: Failure, correlationId: string) {
  return {
    type: 'about:blank',
    status: statusOf(reason),
    title: reason.replaceAll('_', ' '),
    detail: message,
    reason,
    retryable: isRetryable(reason),
    ...(retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }),
    correlation_id: correlationId,
  };
}
