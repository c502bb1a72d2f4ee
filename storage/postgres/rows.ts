import type { Conversation, Settings } from '../../src/domain/conversation.ts';
import type { EventKind, LogEvent } from '../../src/domain/event.ts';
import type { ConversationId, Epoch, ParticipantId } from '../../src/domain/ids.ts';
import type { ParticipantKind } from '../../src/domain/participant.ts';

/** An event as `events` holds it; the store is trusted, so nothing is checked. */
export interface EventRow {
  readonly seq: number;
  readonly created_at: number;
  readonly kind: EventKind;
  readonly author_id: ParticipantId;
  readonly author_name: string;
  readonly author_kind: ParticipantKind;
  readonly key: string | null;
  readonly body: string;
}

/** The columns of an event, of the table `e`. */
export const EVENT_COLUMNS =
  'e.seq, e.created_at, e.kind, e.author_id, e.author_name, e.author_kind, e.key, e.body';

export function eventOf(row: EventRow): LogEvent {
  return {
    seq: row.seq,
    kind: row.kind,
    author: { id: row.author_id, name: row.author_name, kind: row.author_kind },
    createdAt: row.created_at,
    key: row.key,
    body: row.body,
  };
}

export interface ConversationRow {
  readonly id: ConversationId;
  readonly epoch: Epoch;
  readonly first_seq: number;
  readonly head_seq: number;
  readonly created_at: number;
  readonly created_by: ParticipantId;
  readonly created_key: string | null;
  readonly updated_at: number;
  /** JSON, and so exact for any text. */
  readonly settings: string;
}

/** The head of the log of `c`: what the function `head_seq` answers, at a tenth of what a call costs. */
export const HEAD_SEQ = `greatest(c.first_seq - 1,
  (SELECT e.seq FROM events e WHERE e.cid = c.cid ORDER BY e.seq DESC LIMIT 1))`;

/** The columns of a conversation, of the table `c`. */
export const CONVERSATION_COLUMNS = `c.id, c.epoch, c.first_seq, ${HEAD_SEQ} AS head_seq, c.created_at,
  c.created_by, c.created_key, c.updated_at, c.settings`;

export function conversationOf(row: ConversationRow): Conversation {
  return {
    id: row.id,
    epoch: row.epoch,
    ...(JSON.parse(row.settings) as Settings),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    createdBy: row.created_by,
    createdKey: row.created_key,
    headSeq: row.head_seq,
    firstSeq: row.first_seq,
  };
}

export function encodeSettings({ title, visibility, agent, agents, metadata }: Settings): string {
  return JSON.stringify({ title, visibility, agent, agents, metadata });
}
