import { z } from 'zod';
import { DEGRADATIONS } from '../domain/event.ts';
import { TURN_STATES } from '../domain/turn.ts';
import {
  AuthorField,
  CitationField,
  ConversationIdField,
  ParticipantIdField,
  PositionField,
  RoleField,
  SeqField,
  TimeField,
  TurnIdField,
  UsageField,
  VerdictField,
} from './fields.ts';

/** What the server says over a WebSocket, and in the `data:` of an SSE stream. */

const conversation = { conversation_id: ConversationIdField };
const turn = { ...conversation, turn_id: TurnIdField };
const agent = z.object({ id: ParticipantIdField, name: z.string() });
const attempt = z.int().min(0);
const member = AuthorField.extend({ role: RoleField });
const failed = z.object({
  code: z.int(),
  reason: z.string(),
  message: z.string(),
  retry_after_ms: z.int().exactOptional(),
});

/** One call of a tool, as a turn and its snapshot show it. */
const ToolCall = z.object({
  call_id: z.string(),
  name: z.string(),
  args: z.unknown(),
  needs_approval: z.boolean(),
  state: z.enum(['waiting', 'running', 'done']),
  decision: z
    .object({
      by: ParticipantIdField,
      decision: VerdictField,
      reason: z.string().optional(),
      at: TimeField,
    })
    .optional(),
  result: z.unknown().optional(),
  error: z.string().optional(),
  duration_ms: z.number().optional(),
});
export type ToolCall = z.infer<typeof ToolCall>;

const TurnSnapshot = z.object({
  type: z.literal('turn.snapshot'),
  ...turn,
  attempt,
  agent,
  trigger_seq: SeqField,
  state: z.enum(TURN_STATES),
  text: z.string(),
  next_index: z.int().min(0),
  tool_calls: z.array(ToolCall),
});

const event = {
  type: z.literal('event'),
  ...conversation,
  seq: SeqField,
  event_id: z.string(),
  from: AuthorField,
  created_at: TimeField,
};

const EVENTS = {
  message: z.object({
    ...event,
    kind: z.literal('message'),
    content: z.string().optional(),
    deleted: z.literal(true).optional(),
    key: z.string().optional(),
    reply_to: SeqField.optional(),
    turn_id: TurnIdField.optional(),
    usage: UsageField.optional(),
    citations: z.array(CitationField).optional(),
    partial: z.literal(true).optional(),
    degraded: z.literal(true).optional(),
    degraded_to: z.enum(DEGRADATIONS).optional(),
    metadata: z.record(z.string(), z.unknown()).optional(),
  }),
  'message.edited': z.object({
    ...event,
    kind: z.literal('message.edited'),
    key: z.string().optional(),
    target_seq: SeqField,
    content: z.string().optional(),
    deleted: z.literal(true).optional(),
  }),
  'message.deleted': z.object({
    ...event,
    kind: z.literal('message.deleted'),
    key: z.string().optional(),
    target_seq: SeqField,
  }),
  'participant.joined': z.object({
    ...event,
    kind: z.literal('participant.joined'),
    participant: member,
  }),
  'participant.left': z.object({
    ...event,
    kind: z.literal('participant.left'),
    participant: member,
  }),
  'participant.role_changed': z.object({
    ...event,
    kind: z.literal('participant.role_changed'),
    participant_id: ParticipantIdField,
    role: RoleField,
  }),
  'conversation.updated': z.object({
    ...event,
    kind: z.literal('conversation.updated'),
    changes: z.record(z.string(), z.unknown()),
  }),
  'turn.decided': z.object({
    ...event,
    kind: z.literal('turn.decided'),
    key: z.string().optional(),
    turn_id: TurnIdField,
    call_id: z.string(),
    decision: VerdictField,
    reason: z.string().optional(),
  }),
} as const;

export const EventFrame = z.discriminatedUnion('kind', [
  EVENTS['message'],
  EVENTS['message.edited'],
  EVENTS['message.deleted'],
  EVENTS['participant.joined'],
  EVENTS['participant.left'],
  EVENTS['participant.role_changed'],
  EVENTS['conversation.updated'],
  EVENTS['turn.decided'],
]);

export const SERVER_FRAMES = {
  welcome: z.object({
    type: z.literal('welcome'),
    id: z.string().optional(),
    session_id: z.string(),
    participant: AuthorField,
    token: z.string().optional(),
    limits: z.object({
      max_frame_bytes: z.int(),
      max_message_chars: z.int(),
      mailbox_capacity: z.int(),
      max_conversations_per_connection: z.int(),
    }),
    heartbeat_ms: z.int(),
    server: z.object({ name: z.string(), version: z.string() }),
  }),
  joined: z.object({
    type: z.literal('joined'),
    id: z.string(),
    ...conversation,
    epoch: z.string(),
    head_seq: PositionField,
    first_seq: SeqField,
    role: RoleField,
    participants: z.array(member.extend({ online: z.boolean() })),
    turns: z.array(TurnSnapshot),
  }),
  live: z.object({ type: z.literal('live'), ...conversation, head_seq: PositionField }),
  left: z.object({ type: z.literal('left'), id: z.string(), ...conversation }),
  ack: z.object({
    type: z.literal('ack'),
    id: z.string(),
    ...conversation,
    key: z.string().optional(),
    seq: SeqField,
    created_at: TimeField,
    duplicate: z.boolean(),
  }),
  ok: z.object({ type: z.literal('ok'), id: z.string() }),
  event: EventFrame,
  'turn.started': z.object({
    type: z.literal('turn.started'),
    ...turn,
    agent,
    trigger_seq: SeqField,
    attempt,
  }),
  'turn.delta': z.object({
    type: z.literal('turn.delta'),
    ...turn,
    attempt,
    index: z.int().min(0),
    text: z.string(),
  }),
  'turn.tool_call': z.object({
    type: z.literal('turn.tool_call'),
    ...turn,
    call_id: z.string(),
    name: z.string(),
    args: z.unknown(),
    needs_approval: z.boolean(),
  }),
  'turn.tool_result': z.object({
    type: z.literal('turn.tool_result'),
    ...turn,
    call_id: z.string(),
    name: z.string(),
    result: z.unknown().optional(),
    error: z.string().optional(),
    duration_ms: z.number(),
  }),
  'turn.snapshot': TurnSnapshot,
  'turn.ended': z.object({
    type: z.literal('turn.ended'),
    ...turn,
    attempt,
    state: z.enum(['completed', 'cancelled', 'superseded', 'failed']),
    seq: SeqField.optional(),
    usage: UsageField.optional(),
    error: failed.optional(),
  }),
  presence: z.object({
    type: z.literal('presence'),
    ...conversation,
    participant_id: ParticipantIdField,
    online: z.boolean(),
  }),
  typing: z.object({
    type: z.literal('typing'),
    ...conversation,
    participant_id: ParticipantIdField,
    active: z.boolean(),
  }),
  read: z.object({
    type: z.literal('read'),
    ...conversation,
    participant_id: ParticipantIdField,
    seq: SeqField,
  }),
  reset: z.object({
    type: z.literal('reset'),
    /** Of the `join` that it answers. */
    id: z.string().optional(),
    ...conversation,
    reason: z.enum(['epoch', 'ahead', 'trimmed']),
    epoch: z.string(),
    head_seq: PositionField,
    first_seq: SeqField,
  }),
  pong: z.object({ type: z.literal('pong'), id: z.string().optional(), time: TimeField }),
  error: z.object({
    type: z.literal('error'),
    id: z.string().optional(),
    conversation_id: z.string().optional(),
    code: z.int(),
    reason: z.string(),
    message: z.string(),
    retryable: z.boolean(),
    retry_after_ms: z.int().optional(),
  }),
  bye: z.object({
    type: z.literal('bye'),
    reason: z.string(),
    reconnect_after_ms: z.int().optional(),
  }),
} as const;

export type ServerFrameType = keyof typeof SERVER_FRAMES;
export type ServerFrames = { [T in ServerFrameType]: z.infer<(typeof SERVER_FRAMES)[T]> };
export type ServerFrame = ServerFrames[ServerFrameType];
export type EventFrame = z.infer<typeof EventFrame>;
