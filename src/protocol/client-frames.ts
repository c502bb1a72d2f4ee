import { z } from 'zod';
import {
  CallIdField,
  ContentField,
  ConversationIdField,
  DecisionReasonField,
  Key,
  MetadataField,
  NameField,
  PositionField,
  RequestId,
  SeqField,
  TokenField,
  TurnIdField,
  VerdictField,
} from './fields.ts';

/** What a client may say over a WebSocket. Unknown fields are ignored. One row a frame. */
export const CLIENT_FRAMES = {
  hello: z.object({
    type: z.literal('hello'),
    id: RequestId.optional(),
    token: TokenField.optional(),
    name: NameField.optional(),
  }),
  join: z.object({
    type: z.literal('join'),
    id: RequestId,
    conversation_id: ConversationIdField,
    after_seq: PositionField.optional(),
    epoch: RequestId.optional(),
    create: z.boolean().optional(),
    /** For a conversation that is not open to everybody. */
    invite: TokenField.optional(),
  }),
  leave: z.object({
    type: z.literal('leave'),
    id: RequestId,
    conversation_id: ConversationIdField,
  }),
  send: z.object({
    type: z.literal('send'),
    id: RequestId,
    conversation_id: ConversationIdField,
    content: ContentField,
    key: Key.optional(),
    reply_to: SeqField.optional(),
    metadata: MetadataField.optional(),
  }),
  edit: z.object({
    type: z.literal('edit'),
    id: RequestId,
    conversation_id: ConversationIdField,
    seq: SeqField,
    content: ContentField,
    key: Key.optional(),
  }),
  delete: z.object({
    type: z.literal('delete'),
    id: RequestId,
    conversation_id: ConversationIdField,
    seq: SeqField,
    key: Key.optional(),
  }),
  cancel: z.object({
    type: z.literal('cancel'),
    id: RequestId,
    conversation_id: ConversationIdField,
    turn_id: TurnIdField,
  }),
  decide: z.object({
    type: z.literal('decide'),
    id: RequestId,
    conversation_id: ConversationIdField,
    turn_id: TurnIdField,
    call_id: CallIdField,
    decision: VerdictField,
    reason: DecisionReasonField.optional(),
    key: Key.optional(),
  }),
  read: z.object({
    type: z.literal('read'),
    id: RequestId.optional(),
    conversation_id: ConversationIdField,
    seq: SeqField,
  }),
  typing: z.object({
    type: z.literal('typing'),
    id: RequestId.optional(),
    conversation_id: ConversationIdField,
    active: z.boolean(),
  }),
  ping: z.object({ type: z.literal('ping'), id: RequestId.optional() }),
} as const;

type ClientFrameType = keyof typeof CLIENT_FRAMES;
export type ClientFrames = { [T in ClientFrameType]: z.infer<(typeof CLIENT_FRAMES)[T]> };
export type ClientFrame = ClientFrames[ClientFrameType];
