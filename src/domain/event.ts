import type { ParticipantId, TurnId } from './ids.ts';
import type { Author, Member, Role } from './participant.ts';

const EVENT_KINDS = [
  'message',
  'message.edited',
  'message.deleted',
  'participant.joined',
  'participant.left',
  'participant.role_changed',
  'conversation.updated',
  'turn.decided',
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

export const VERDICTS = ['approve', 'reject'] as const;
/** What somebody decides about a tool call. */
export type Verdict = (typeof VERDICTS)[number];

export interface Usage {
  readonly input_tokens: number;
  readonly output_tokens: number;
  /** In the currency of the operator's prices, where there are any. */
  readonly cost?: number;
  /** The provider did not say: it was counted here. */
  readonly estimated?: true;
}

export interface Citation {
  readonly document_id: string;
  readonly chunk_id: string;
  readonly title: string;
  readonly score: number;
}

export const DEGRADATIONS = ['fallback_model', 'offline'] as const;
/** What an answer is of less than it should be: another model's, or that of the agent without one. */
export type Degradation = (typeof DEGRADATIONS)[number];

/**
 * The fields of each kind, as they are written into the log and onto the wire: one form, encoded once
 * (docs/adr/0004). Names are therefore the protocol's.
 */
export interface MessageBody {
  readonly content?: string;
  readonly deleted?: true;
  readonly reply_to?: number;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly turn_id?: TurnId;
  readonly usage?: Usage;
  readonly citations?: readonly Citation[];
  /** The agent was stopped before it was done: this is what it had said. */
  readonly partial?: true;
  /** Another than the agent that was meant to answer did, as well as it can. */
  readonly degraded?: true;
  readonly degraded_to?: Degradation;
}

export interface EventBodies {
  message: MessageBody;
  'message.edited': {
    readonly target_seq: number;
    readonly content?: string;
    readonly deleted?: true;
  };
  'message.deleted': { readonly target_seq: number };
  'participant.joined': { readonly participant: Member };
  'participant.left': { readonly participant: Member };
  'participant.role_changed': { readonly participant_id: ParticipantId; readonly role: Role };
  'conversation.updated': { readonly changes: Readonly<Record<string, unknown>> };
  /** Its author decided about a tool call that waited for people. */
  'turn.decided': {
    readonly turn_id: TurnId;
    readonly call_id: string;
    readonly decision: Verdict;
    readonly reason?: string;
  };
}

/** One entry of a conversation's log. Immutable, but for the content of a deleted message, which is erased. */
export interface LogEvent {
  /** 1, 2, 3, … in its conversation, without a gap. */
  readonly seq: number;
  readonly kind: EventKind;
  readonly author: Author;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** The sender's idempotency key. Shown to the sender only. */
  readonly key: string | null;
  /** The JSON object of the kind's fields. */
  readonly body: string;
}

export function encodeBody<K extends EventKind>(_kind: K, body: EventBodies[K]): string {
  return JSON.stringify(body);
}

/** Reads a body that this program wrote; the store is trusted, so nothing is checked. */
export function decodeBody<K extends EventKind>(
  event: LogEvent & { readonly kind: K },
): EventBodies[K] {
  return JSON.parse(event.body) as EventBodies[K];
}

export function isKind<K extends EventKind>(
  event: LogEvent,
  kind: K,
): event is LogEvent & { readonly kind: K } {
  return event.kind === kind;
}

/** What is left of a message, or of an edit, once its message was deleted: no content, nothing the sender attached. */
export function redactBody(kind: 'message' | 'message.edited', body: string): string {
  if (kind === 'message.edited') {
    const { target_seq } = JSON.parse(body) as EventBodies['message.edited'];
    return encodeBody('message.edited', { target_seq, deleted: true });
  }
  const { reply_to, turn_id, usage } = JSON.parse(body) as MessageBody;
  return encodeBody('message', {
    deleted: true,
    ...(reply_to === undefined ? {} : { reply_to }),
    ...(turn_id === undefined ? {} : { turn_id }),
    ...(usage === undefined ? {} : { usage }),
  });
}
