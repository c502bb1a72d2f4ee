import { z } from 'zod';
import { MAX_MORE_AGENTS } from '../domain/conversation.ts';
import { MAX_INVITE_USES } from '../domain/invite.ts';
import {
  CallIdField,
  ContentField,
  ConversationIdField,
  DecisionReasonField,
  MetadataField,
  NameField,
  ParticipantIdField,
  PositionField,
  RequestId,
  RoleField,
  SeqField,
  SpeaksField,
  TokenField,
  TurnIdField,
  VerdictField,
  VisibilityField,
  WhileBusyField,
} from './fields.ts';

/** The bodies and queries of the REST interface. Unknown fields are ignored. */

const AgentPatch = z
  .object({
    id: ParticipantIdField,
    name: NameField,
    speaks: SpeaksField,
    while_busy: WhileBusyField,
  })
  .partial();
/** Agents beside the first one. */
const MoreAgents = z.array(AgentPatch.required({ id: true })).max(MAX_MORE_AGENTS);

const TitleField = z.string().trim().min(1).max(200);

export const CreateConversation = z.object({
  conversation_id: ConversationIdField.optional(),
  title: TitleField.nullable().optional(),
  visibility: VisibilityField.optional(),
  agent: AgentPatch.nullable().optional(),
  agents: MoreAgents.optional(),
  metadata: MetadataField.optional(),
});

export const UpdateConversation = z
  .object({
    title: TitleField.nullable(),
    visibility: VisibilityField,
    agent: AgentPatch.nullable(),
    agents: MoreAgents,
    metadata: MetadataField,
  })
  .partial()
  .refine((changes) => Object.keys(changes).length > 0, { message: 'nothing to change' });

export const CreateMessage = z.object({
  content: ContentField,
  reply_to: SeqField.optional(),
  metadata: MetadataField.optional(),
});

export const EditMessage = z.object({ content: ContentField });

export const AskAgent = z.object({ agent_id: ParticipantIdField.optional() });

export const Decide = z.object({
  call_id: CallIdField,
  decision: VerdictField,
  reason: DecisionReasonField.optional(),
});

export const PutParticipant = z.object({
  name: NameField.optional(),
  role: RoleField.exclude(['agent']).optional(),
  invite: TokenField.optional(),
});

/** Seconds that an invite is good for: at most, and when not said. */
const MAX_INVITE_SECONDS = 30 * 86_400;
const INVITE_SECONDS = 7 * 86_400;

export const CreateInvite = z.object({
  role: RoleField.extract(['member', 'observer']).default('member'),
  max_uses: z.int().min(1).max(MAX_INVITE_USES).optional(),
  expires_in_seconds: z.int().min(1).max(MAX_INVITE_SECONDS).default(INVITE_SECONDS),
});

export const CreateGuest = z.object({ name: NameField.optional() });

/** Query text to a whole number. */
export const Whole = z
  .string()
  .regex(/^\d{1,15}$/, 'a whole number')
  .transform(Number);

/** Items of a page at most, and when not said. */
const MAX_PAGE = 500;
const DEFAULT_PAGE = 100;
export const Limit = Whole.pipe(z.int().min(1).max(MAX_PAGE)).default(DEFAULT_PAGE);

/** A `next_cursor`: the end of a page from which the next one goes on. It wins over the field of its name. */
const Cursor = z
  .string()
  .regex(/^(after|before):\d{1,15}$/, 'not a cursor of this list')
  .transform((text): { readonly after?: number; readonly before?: number } => {
    const [end = '', seq] = text.split(':');
    return { [end]: Number(seq) };
  });

export const MessagesQuery = z.object({
  after_seq: Whole.pipe(PositionField).optional(),
  before_seq: Whole.pipe(SeqField).optional(),
  cursor: Cursor.optional(),
  limit: Limit,
});

export const EventsQuery = z.object({
  after_seq: Whole.pipe(PositionField).optional(),
  cursor: Cursor.optional(),
  /** For a stream: what is read after `after_seq` is of this life of the conversation. */
  epoch: RequestId.optional(),
  limit: Limit,
});

/** The header that a reader whose stream was cut off asks again with. */
export const LastEventId = Whole.pipe(PositionField);

export const ListQuery = z.object({ cursor: ConversationIdField.optional(), limit: Limit });

export const ConversationPath = z.object({ id: ConversationIdField });
export const MessagePath = z.object({ id: ConversationIdField, seq: Whole.pipe(SeqField) });
/** Turns of a page at most: each brings its text along. */
const MAX_TURNS = 100;
export const TurnsQuery = z.object({
  cursor: TurnIdField.optional(),
  limit: Whole.pipe(z.int().min(1).max(MAX_TURNS)).default(MAX_TURNS),
});
export const TurnPath = z.object({ id: ConversationIdField, turn_id: TurnIdField });
export const ParticipantPath = z.object({
  id: ConversationIdField,
  participant_id: ParticipantIdField,
});
