import {
  type AgentSettings,
  agentsOf,
  type Conversation,
  type Settings,
} from '../src/domain/conversation.ts';
import { encodeBody, type LogEvent } from '../src/domain/event.ts';
import { type Failure, failure } from '../src/domain/failure.ts';
import {
  type ConversationId,
  newConversationId,
  newEpoch,
  participantId,
} from '../src/domain/ids.ts';
import type { Message } from '../src/domain/message.ts';
import { type Author, type Member, mayManage, type Role } from '../src/domain/participant.ts';
import { err, ok, type Result } from '../src/domain/result.ts';
import { memberOf } from './access.ts';
import type { ConversationActor } from './conversation-actor.ts';
import type { AgentAsk, Draft, MessageDraft, Outcome, Unsettled } from './draft.ts';
import { receiptOf } from './receipts.ts';
import type { Registry } from './registry.ts';

/** What people do to a conversation, the same over every transport. */

export interface Said {
  readonly author: Author;
  readonly content: string;
  readonly key: string | null;
  readonly replyTo?: number | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** Who the author is among the members, where the caller has looked. */
  readonly member?: Member | undefined;
  /** Who is to answer; a refusal to do so refuses the message. */
  readonly asks?: AgentAsk | undefined;
}

/** Says something. The hot path: no promise, no await; `settle` is called once, now or later. */
export function say(
  actor: ConversationActor,
  { author, content, key, replyTo, metadata, member: known, asks }: Said,
  settle: (outcome: Outcome) => void,
): void {
  const body =
    replyTo === undefined && metadata === undefined
      ? encodeBody('message', { content })
      : encodeBody('message', {
          content,
          ...(replyTo === undefined ? {} : { reply_to: replyTo }),
          ...(metadata === undefined ? {} : { metadata }),
        });
  const among = actor.members;
  const member = known ?? among.get(author.id);
  const by = member ?? author;
  const draft = { kind: 'message', author: by, key, content, body, settle, member, among } as const;
  const isPlain = replyTo === undefined && asks === undefined;
  const refused = actor.offer(isPlain ? draft : { ...draft, ...given({ replyTo, asks }) });
  if (refused !== undefined) settle(err(refused));
}

function given({ replyTo, asks }: Pick<Said, 'replyTo' | 'asks'>): Partial<MessageDraft> {
  return {
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(asks === undefined ? {} : { asks }),
  };
}

/** Whether it matters, and is not known, whose message a reply to `seq` is to. */
export function isUnknownTarget(actor: ConversationActor, seq: number): boolean {
  const { headSeq, firstSeq } = actor.conversation;
  const isThere = seq >= firstSeq && seq <= headSeq;
  const answersReplies = agentsOf(actor.conversation).some(({ speaks }) => speaks === 'auto');
  return answersReplies && isThere && actor.recent.agentOf(seq) === undefined;
}

/**
 * Looks whose message a reply is to: one to the agent asks it to answer. Before `say`, where the agent answers only
 * when it is meant. A read, mostly of the cache; if it fails, the reply is a message like others.
 */
export async function lookAtTarget(actor: ConversationActor, seq: number): Promise<void> {
  if (!isUnknownTarget(actor, seq)) return;
  const read = await actor.store.readEvents(actor.id, { afterSeq: seq - 1, limit: 1 });
  const [event] = read.ok ? read.value : [];
  if (event?.author.kind === 'agent') actor.recent.remember(event);
}

export interface Amendment {
  readonly author: Author;
  readonly targetSeq: number;
  readonly key: string | null;
  /** The new content; absent to delete the message. */
  readonly content?: string;
}

/** Edits or deletes a message: its sender's own, or any for an owner. */
export async function amend(actor: ConversationActor, amendment: Amendment): Promise<Outcome> {
  const { author, targetSeq } = amendment;
  const member = memberOf(actor, author);
  if (!member.ok) return member;
  const draft = amending(member.value, amendment);
  const target = await findMessage(actor, targetSeq);
  if (!target.ok) {
    const isGone = target.failure.reason === 'trimmed';
    return isGone ? repeated(actor, draft, target.failure) : target;
  }
  const { event, body } = target.value;
  const isOwn = event.author.id === author.id;
  if (!isOwn && !mayManage(member.value.role)) {
    return err(
      failure('forbidden', { message: 'Only its sender or an owner may change a message.' }),
    );
  }
  return body.deleted === true ? repeated(actor, draft, failure('deleted')) : actor.post(draft);
}

function amending(author: Author, { targetSeq, key, content }: Amendment): Unsettled<Draft> {
  const from = { author, key, targetSeq };
  return content === undefined
    ? {
        kind: 'message.deleted',
        ...from,
        body: encodeBody('message.deleted', { target_seq: targetSeq }),
      }
    : {
        kind: 'message.edited',
        ...from,
        body: encodeBody('message.edited', { target_seq: targetSeq, content }),
      };
}

/** The message is gone: a repeated request whose first one came before that gets the old receipt. */
async function repeated(
  actor: ConversationActor,
  draft: Unsettled<Draft>,
  gone: Failure,
): Promise<Outcome> {
  const { author, key } = draft;
  if (key === null) return err(gone);
  const stored = await actor.store.findKey(actor.id, author.id, key);
  if (!stored.ok) return err(failure('storage_unavailable', { cause: stored.failure.cause }));
  const seq = stored.value;
  if (seq === undefined) return err(gone);
  const read = await actor.store.readEvents(actor.id, { afterSeq: seq - 1, limit: 1 });
  if (!read.ok) return err(failure('storage_unavailable', { cause: read.failure.cause }));
  const [first] = read.value;
  // A trimmed log gives its first event in the place of one that is gone.
  const event = first?.seq === seq ? first : undefined;
  return receiptOf(draft, { seq, event }, actor.conversation);
}

/** Whose wish a trimming is: nobody's of the conversation. */
const RETENTION: Author = { id: participantId('retention'), name: 'Retention', kind: 'agent' };

/** Lets the log begin at `firstSeq`, or behind its head when that is further on; ok when it does. */
export function trim(actor: ConversationActor, firstSeq: number): Promise<Outcome> {
  return actor.post({ kind: 'trimmed', author: RETENTION, key: null, firstSeq });
}

/** A message as it stands now. */
export async function findMessage(
  actor: ConversationActor,
  seq: number,
): Promise<Result<Message, Failure>> {
  const { headSeq, firstSeq } = actor.conversation;
  if (seq > headSeq) return err(failure('message_not_found'));
  if (seq < firstSeq) return err(failure('trimmed'));
  const read = await actor.store.readMessages(actor.id, {
    afterSeq: seq - 1,
    beforeSeq: seq + 1,
    limit: 1,
  });
  if (!read.ok) return err(failure('storage_unavailable', { cause: read.failure.cause }));
  const [message] = read.value;
  return message === undefined ? err(failure('message_not_found')) : ok(message);
}

export interface Joining {
  readonly by: Author;
  readonly who: Author;
  readonly role?: Role;
}

/** Makes somebody a member, if they are not. An owner may add others; anybody themselves where it is open. */
export async function join(
  actor: ConversationActor,
  { by, who, role = 'member' }: Joining,
): Promise<Result<Member, Failure>> {
  const already = actor.members.get(who.id);
  if (already !== undefined) return ok(already);
  if (by.id === who.id && actor.conversation.visibility === 'invite') {
    return err(failure('conversation_not_found'));
  }
  const member: Member = { id: who.id, name: who.name, kind: who.kind, role };
  const outcome = await actor.post({ kind: 'participant.joined', author: by, key: null, member });
  return outcome.ok ? ok(actor.members.get(who.id) ?? member) : outcome;
}

export interface NewConversation extends Settings {
  readonly by: Author;
  readonly id?: ConversationId;
  readonly key: string | null;
}

/** Makes a conversation whose first event is its owner's joining. */
export async function found(
  registry: Registry,
  { by, id, key, ...settings }: NewConversation,
  now: number,
): Promise<Result<ConversationActor, Failure>> {
  const owner: Member = { id: by.id, name: by.name, kind: by.kind, role: 'owner' };
  const conversation: Conversation = {
    ...settings,
    id: id ?? newConversationId(),
    epoch: newEpoch(),
    createdAt: now,
    updatedAt: now,
    createdBy: by.id,
    createdKey: key,
    headSeq: 1,
    firstSeq: 1,
  };
  const joined: LogEvent = {
    seq: 1,
    kind: 'participant.joined',
    author: owner,
    createdAt: now,
    key: null,
    body: encodeBody('participant.joined', { participant: owner }),
  };
  return registry.create({ conversation, members: [owner] }, [joined]);
}

/** What a conversation is when nothing else was said. */
export function defaultSettings({
  agent,
  visibility,
}: {
  readonly agent: AgentSettings | null;
  readonly visibility: Settings['visibility'];
}): Settings {
  return { title: null, metadata: {}, agent, visibility };
}
