import { z } from 'zod';
import {
  CitationField,
  ContentField,
  ConversationIdField,
  Key,
  MetadataField,
  ParticipantIdField,
  SeqField,
  TimeField,
  TurnIdField,
  UsageField,
} from './fields.ts';

/** One call: what is said and asked for, and the records that its answer is made of. */

const asking = {
  /** Which agent is to answer; the conversation's first one when absent. */
  agent_id: ParticipantIdField.optional(),
  metadata: MetadataField.optional(),
  /** Whether a client that goes away takes its question back. */
  cancel_on_disconnect: z.boolean().default(false),
};

export const StreamBody = z.object({
  content: ContentField,
  reply_to: SeqField.optional(),
  ...asking,
});

export const ChatBody = z.object({
  message: ContentField,
  conversation_id: ConversationIdField.optional(),
  ...asking,
});

const turn = { turn_id: TurnIdField };
const attempt = z.int().min(0);

export const ANSWER_RECORDS = {
  /** The message is stored. */
  accepted: z.object({
    type: z.literal('accepted'),
    conversation_id: ConversationIdField,
    seq: SeqField,
    key: Key.optional(),
    created_at: TimeField,
    duplicate: z.boolean(),
    ...turn,
  }),
  /** A further piece of the answer. At a new `attempt`, `index` begins at 0 again and what came before is void. */
  message_chunk: z.object({
    type: z.literal('message_chunk'),
    ...turn,
    attempt,
    index: z.int().min(0),
    content: z.string(),
    /** Of this piece, by estimate. */
    tokens: z.int().min(0),
  }),
  tool_call: z.object({
    type: z.literal('tool_call'),
    ...turn,
    call_id: z.string(),
    tool_name: z.string(),
    args: z.unknown(),
    needs_approval: z.boolean(),
  }),
  tool_result: z.object({
    type: z.literal('tool_result'),
    ...turn,
    call_id: z.string(),
    tool_name: z.string(),
    result: z.unknown().optional(),
    error: z.string().optional(),
    duration_ms: z.number(),
  }),
  /** The answer is stored: the last record. */
  complete_state: z.object({
    type: z.literal('complete_state'),
    conversation_id: ConversationIdField,
    ...turn,
    seq: SeqField,
    message: z.string(),
    created_at: TimeField,
    /** In and out, as the provider says; by estimate of the answer alone where it does not. */
    total_tokens: z.int().min(0),
    usage: UsageField.optional(),
    citations: z.array(CitationField).optional(),
    degraded: z.literal(true).optional(),
    degraded_to: z.string().optional(),
    partial: z.literal(true).optional(),
  }),
  /** There will be no answer: the last record. */
  error: z.object({
    type: z.literal('error'),
    conversation_id: ConversationIdField,
    ...turn,
    code: z.int(),
    reason: z.string(),
    message: z.string(),
    retryable: z.boolean(),
  }),
} as const;

export type AnswerRecords = {
  [T in keyof typeof ANSWER_RECORDS]: z.infer<(typeof ANSWER_RECORDS)[T]>;
};
export type AnswerRecord = AnswerRecords[keyof AnswerRecords];
