/**
 * One call: a message is stored together with the wish for an answer, and the answer is followed as it is made.
 *
 * Owns: which turn answers, and the listening. Does not own: the turn, which goes on without a listener; the response.
 * Invariants:
 * V1. The message and its turn are stored together, or neither is: a refusal stores nothing.
 * V2. The same sender and key are answered by the same turn, over retries and restarts.
 * V3. Whoever listens is let go of once: at the end, when the client goes away, or when nothing was stored.
 */
import { createHash } from 'node:crypto';
import { findMessage, lookAtTarget, say } from '../../../actors/commands.ts';
import type { ConversationActor } from '../../../actors/conversation-actor.ts';
import type { AgentAsk, Outcome, Receipt } from '../../../actors/draft.ts';
import { agentsOf } from '../../domain/conversation.ts';
import { type Failure, failure } from '../../domain/failure.ts';
import { newTurnId, type ParticipantId, type TurnId, turnId } from '../../domain/ids.ts';
import type { Author } from '../../domain/participant.ts';
import { err, ok, type Result } from '../../domain/result.ts';
import { isOver } from '../../domain/turn.ts';
import type { AnswerRecords } from '../../protocol/answer-records.ts';
import { wireTime } from '../../protocol/encode.ts';
import { admit } from '../admission.ts';
import type { Edge } from '../edge.ts';
import { AnswerFeed, type AnswerSink } from './answer-feed.ts';

export interface Question {
  readonly actor: ConversationActor;
  readonly who: Author;
  readonly content: string;
  readonly key: string | null;
  readonly replyTo?: number | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  readonly agentId: ParticipantId | undefined;
}

/** A question that is stored, and whose answer is followed. */
export interface Following {
  readonly turnId: TurnId;
  readonly receipt: Receipt;
  /** Whether the turn ended without this server noticing: another one may run it. */
  readonly look: () => Promise<void>;
  readonly drained: () => void;
  /** Ends it before its end. */
  readonly close: (reason: 'draining') => void;
  /** Listens no more. May be called twice. */
  readonly letGo: () => void;
}

const NO_AGENT = 'There is no such agent in this conversation.';

/** Characters of the digest in a turn id. */
const DIGEST_CHARS = 22;

/** Stores the question and follows its answer into `sink`. */
export async function pose(
  edge: Edge,
  question: Question,
  sink: AnswerSink,
): Promise<Result<Following, Failure>> {
  const { actor, who, key, replyTo } = question;
  const agentId = agentOf(question);
  if (agentId === undefined) return err(failure('not_found', { message: NO_AGENT }));
  const sayer = { conversationId: actor.id, who, key };
  const content = await admit(edge, question.content, sayer);
  if (typeof content !== 'string') return err(content);
  if (replyTo !== undefined) await lookAtTarget(actor, replyTo);
  const asks = { agentId, turnId: turnFor(question, agentId) };
  const feed = new AnswerFeed({ conversationId: actor.id, turnId: asks.turnId, sink });
  const listening = listen(question, feed);
  try {
    const outcome = await stored(question, content, asks);
    if (!outcome.ok) {
      listening.letGo();
      return outcome;
    }
    const { duplicate, seq } = outcome.value;
    sink.tell(acceptance(question, asks.turnId, outcome.value));
    if (duplicate) await again(question, feed, { ...asks, triggerSeq: seq });
    const look = () => lookAt(actor, asks.turnId, feed);
    return ok({ ...listening, ...asks, receipt: outcome.value, look, close: feed.close });
  } catch (cause) {
    listening.letGo();
    throw cause;
  }
}

function stored(
  { actor, who: author, key, replyTo, metadata }: Question,
  content: string,
  asks: AgentAsk,
): Promise<Outcome> {
  return new Promise((settle) => {
    say(actor, { author, content, key, replyTo, metadata, asks }, settle);
  });
}

function acceptance(
  { actor, key }: Question,
  turn_id: TurnId,
  { seq, createdAt, duplicate }: Receipt,
): AnswerRecords['accepted'] {
  return {
    type: 'accepted',
    conversation_id: actor.id,
    seq,
    ...(key === null ? {} : { key }),
    created_at: wireTime(createdAt),
    duplicate,
    turn_id,
  };
}

function agentOf({ actor, agentId }: Question): ParticipantId | undefined {
  if (actor.turns === undefined) return undefined;
  const agents = agentsOf(actor.conversation);
  if (agentId === undefined) return agents[0]?.id;
  return agents.find(({ id }) => id === agentId)?.id;
}

/** The same sender, key and agent give the same turn, so that a repeated call meets the first one's (V2). */
function turnFor({ actor, who, key }: Question, agent: ParticipantId): TurnId {
  if (key === null) return newTurnId();
  const text = [actor.id, actor.conversation.epoch, who.id, agent, key].join('\n');
  const digest = createHash('sha256').update(text).digest('base64url');
  return turnId(`t_${digest.slice(0, DIGEST_CHARS)}`);
}

function listen({ actor, who }: Question, feed: AnswerFeed) {
  const subscription = actor.attach(
    { outlet: feed, participantId: who.id, dismissed: (reason) => feed.fail(reason) },
    actor.conversation.headSeq,
  );
  actor.audience.catchUp(subscription);
  return {
    drained: () => actor.audience.drained(subscription),
    letGo: () => actor.detach(subscription),
  };
}

interface Ask extends AgentAsk {
  readonly triggerSeq: number;
}

/** The message was stored before: by the same call, whose turn answers; or by a plain send, and is asked about now. */
async function again({ actor, who }: Question, feed: AnswerFeed, ask: Ask): Promise<void> {
  const known = await actor.store.readTurn(actor.id, ask.turnId);
  if (!known.ok) return feed.fail(failure('internal', { message: 'Ask again with the same key.' }));
  if (known.value !== undefined) return lookAt(actor, ask.turnId, feed);
  const author = actor.members.get(who.id) ?? who;
  const asked = await actor.post({ kind: 'ask', author, key: null, ...ask });
  if (!asked.ok) feed.fail(asked.failure);
}

/** Tells the end of a turn that has one. */
async function lookAt(actor: ConversationActor, id: TurnId, feed: AnswerFeed): Promise<void> {
  if (feed.isOver) return;
  const read = await actor.store.readTurn(actor.id, id);
  const turn = read.ok ? read.value : undefined;
  if (turn === undefined || !isOver(turn.state)) return;
  if (turn.messageSeq === null) return feed.ended(turn.state, turn.error);
  const found = await findMessage(actor, turn.messageSeq);
  if (!found.ok) return feed.fail(found.failure);
  const { event, body } = found.value;
  if (body.deleted === true) return feed.fail(failure('deleted'));
  const { citations, ...rest } = body;
  const answered = {
    ...rest,
    ...(citations === undefined ? {} : { citations: [...citations] }),
    seq: event.seq,
    created_at: wireTime(event.createdAt),
  };
  feed.message(answered, turn.attempt);
}
