import { z } from 'zod';
import type { Conversation, ConversationState } from '../domain/conversation.ts';
import type { Chunk, Document } from '../domain/document.ts';
import { type LogEvent, VERDICTS } from '../domain/event.ts';
import { type DocumentId, type Epoch, ID_PATTERN } from '../domain/ids.ts';
import type { Member } from '../domain/participant.ts';
import { err, ok, type Result } from '../domain/result.ts';
import { TURN_STATES, type Turn } from '../domain/turn.ts';
import {
  AuthorField,
  CitationField,
  ConversationIdField,
  MetadataField,
  ParticipantIdField,
  PositionField,
  RoleField,
  SeqField,
  SpeaksField,
  TurnIdField,
  UsageField,
  VisibilityField,
  WhileBusyField,
} from '../protocol/fields.ts';

/**
 * The export format: NDJSON, one JSON object a line, the first one HEADER.
 *
 * Then each conversation, by id: its line with its members, its events by seq, its turns in the order they were
 * first stored. Then each document, by id: its line, its chunks by index. The last line, `end`, counts all the
 * others: without it the file was cut. Fields are in a fixed order and nothing in them belongs to one store or one
 * moment, so stores with the same content make the same bytes. `body` is the event's as the log has it.
 *
 * Not in it, because the storage port does not give it: the keys of trimmed events (a message that is sent again
 * after the move, though it was trimmed before, is stored anew). And not, because they are made anew or belong to
 * the old store: vectors, indexes, secrets.
 */
export const HEADER = JSON.stringify({ format: 'colloquy-export', version: 1 });

/** Bytes of a line at most: a conversation of 100,000 members, a message of the largest frame there may be. */
export const MAX_LINE_BYTES = 2 ** 27;

const Id = z.string().regex(ID_PATTERN, '1 to 128 of A-Z a-z 0-9 . _ ~ : -');
const DocumentIdField = Id as unknown as z.ZodType<DocumentId, string>;
const EpochField = Id as unknown as z.ZodType<Epoch, string>;
const Time = z.int();
const Deleted = z.literal(true);

const AgentField = z.strictObject({
  id: ParticipantIdField,
  name: z.string(),
  speaks: SpeaksField,
  whileBusy: WhileBusyField,
});

const ConversationLine = z.strictObject({
  type: z.literal('conversation'),
  id: ConversationIdField,
  epoch: EpochField,
  title: z.string().nullable(),
  visibility: VisibilityField,
  agent: AgentField.nullable(),
  agents: z.array(AgentField).exactOptional(),
  metadata: MetadataField,
  createdAt: Time,
  updatedAt: Time,
  createdBy: ParticipantIdField,
  createdKey: z.string().nullable(),
  firstSeq: SeqField,
  headSeq: PositionField,
  members: z.array(z.strictObject({ ...AuthorField.shape, role: RoleField })),
});

/** The fields that the program reads; others are carried along. */
const BODIES = {
  message: z.object({
    content: z.string().optional(),
    deleted: Deleted.optional(),
    reply_to: SeqField.optional(),
    metadata: MetadataField.optional(),
    turn_id: TurnIdField.optional(),
    usage: UsageField.optional(),
    citations: z.array(CitationField).optional(),
    partial: z.literal(true).optional(),
  }),
  'message.edited': z.object({
    target_seq: SeqField,
    content: z.string().optional(),
    deleted: Deleted.optional(),
  }),
  'message.deleted': z.object({ target_seq: SeqField }),
  'participant.joined': z.object({
    participant: z.object({ ...AuthorField.shape, role: RoleField }),
  }),
  'participant.left': z.object({
    participant: z.object({ ...AuthorField.shape, role: RoleField }),
  }),
  'participant.role_changed': z.object({ participant_id: ParticipantIdField, role: RoleField }),
  'conversation.updated': z.object({ changes: z.record(z.string(), z.unknown()) }),
  'turn.decided': z.object({
    turn_id: TurnIdField,
    call_id: z.string(),
    decision: z.enum(VERDICTS),
    reason: z.string().optional(),
  }),
} as const;

function eventLine<K extends keyof typeof BODIES>(kind: K) {
  return z.strictObject({
    type: z.literal('event'),
    seq: SeqField,
    kind: z.literal(kind),
    author: z.strictObject(AuthorField.shape),
    createdAt: Time,
    key: z.string().nullable(),
    body: BODIES[kind],
  });
}

const EventLine = z.discriminatedUnion('kind', [
  eventLine('message'),
  eventLine('message.edited'),
  eventLine('message.deleted'),
  eventLine('participant.joined'),
  eventLine('participant.left'),
  eventLine('participant.role_changed'),
  eventLine('conversation.updated'),
  eventLine('turn.decided'),
]);

const CallLine = z.strictObject({
  callId: z.string(),
  name: z.string(),
  args: z.unknown(),
  needsApproval: z.boolean(),
  forgets: z.literal(true).exactOptional(),
  state: z.enum(['waiting', 'running', 'done']),
  askedAt: Time.exactOptional(),
  decision: z
    .strictObject({
      by: ParticipantIdField,
      verdict: z.enum(VERDICTS),
      reason: z.string().exactOptional(),
      at: Time,
    })
    .exactOptional(),
  outcome: z
    .strictObject({
      result: z.unknown().exactOptional(),
      error: z.string().exactOptional(),
      durationMs: z.number(),
    })
    .exactOptional(),
});

const TurnLine = z.strictObject({
  type: z.literal('turn'),
  id: TurnIdField,
  conversationId: ConversationIdField,
  agentId: ParticipantIdField,
  agentName: z.string(),
  triggerSeq: PositionField,
  state: z.enum(TURN_STATES),
  attempt: PositionField,
  createdAt: Time,
  startedAt: Time.nullable(),
  endedAt: Time.nullable(),
  usage: UsageField.nullable(),
  error: z
    .strictObject({
      code: z.int(),
      reason: z.string(),
      message: z.string(),
      retry_after_ms: z.int().exactOptional(),
    })
    .nullable(),
  messageSeq: SeqField.nullable(),
  steps: z.array(z.strictObject({ text: z.string(), calls: z.array(CallLine) })).exactOptional(),
  askedBy: z.array(ParticipantIdField).exactOptional(),
  chain: z.strictObject({ hops: PositionField, left: PositionField }).exactOptional(),
  patientAttempts: PositionField.exactOptional(),
});

const DocumentLine = z.strictObject({
  type: z.literal('document'),
  id: DocumentIdField,
  owner: ParticipantIdField,
  conversations: z.array(ConversationIdField),
  title: z.string(),
  mediaType: z.string(),
  metadata: MetadataField,
  chars: PositionField,
  chunkCount: PositionField,
  createdAt: Time,
  createdKey: z.string().nullable(),
  digest: z.string(),
});

const ChunkLine = z.strictObject({
  type: z.literal('chunk'),
  index: PositionField,
  start: PositionField,
  end: PositionField,
  text: z.string(),
});

/** The counts of the last line, in its order. */
export const COUNTED = ['conversations', 'events', 'turns', 'documents', 'chunks'] as const;
export type Counts = { readonly [K in (typeof COUNTED)[number]]: number };
export const NO_COUNTS: Counts = {
  conversations: 0,
  events: 0,
  turns: 0,
  documents: 0,
  chunks: 0,
};

const EndLine = z.strictObject({
  type: z.literal('end'),
  conversations: PositionField,
  events: PositionField,
  turns: PositionField,
  documents: PositionField,
  chunks: PositionField,
});

const AnyLine = z.discriminatedUnion('type', [
  ConversationLine,
  EventLine,
  TurnLine,
  DocumentLine,
  ChunkLine,
  EndLine,
]);
export type Line = z.infer<typeof AnyLine>;
export type LineOf<T extends Line['type']> = Extract<Line, { readonly type: T }>;

/** One line but the first, checked; the failure is for a person. The values are as they stand in the file. */
export function parseLine(text: string): Result<Line, string> {
  const value = jsonOf(text);
  if (value === undefined) return err('is not JSON');
  const parsed = AnyLine.safeParse(value);
  if (parsed.success) return ok(value as Line);
  const [issue] = parsed.error.issues;
  const where = issue?.path.join('.') ?? '';
  return err(where === '' ? `${issue?.message}` : `${where}: ${issue?.message}`);
}

export function stateOf(line: LineOf<'conversation'>): ConversationState {
  const { type: _, members, ...conversation } = line;
  return {
    conversation: conversation satisfies Conversation,
    members: members satisfies readonly Member[],
  };
}

export function eventOf({ type: _, body, ...event }: LineOf<'event'>): LogEvent {
  return { ...event, body: JSON.stringify(body) };
}

export function turnOf({ type: _, ...turn }: LineOf<'turn'>): Turn {
  return turn;
}

export function documentOf({ type: _, ...document }: LineOf<'document'>): Document {
  return document;
}

export function chunkOf({ type: _, ...chunk }: LineOf<'chunk'>): Chunk {
  return chunk;
}

/** Undefined when it is none. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
