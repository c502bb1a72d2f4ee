import { agentsOf } from '../src/domain/conversation.ts';
import { decodeBody, isKind } from '../src/domain/event.ts';
import { type Failure, failure } from '../src/domain/failure.ts';
import { newTurnId, type ParticipantId, type TurnId } from '../src/domain/ids.ts';
import { type Author, type Member, maySend } from '../src/domain/participant.ts';
import { err, ok, type Result } from '../src/domain/result.ts';
import { isOver, type Turn } from '../src/domain/turn.ts';
import type { Unavailable } from '../storage/unavailable.ts';
import { memberOf } from './access.ts';
import type { ConversationActor } from './conversation-actor.ts';
import type { Order } from './orders.ts';
import type { TurnSnapshot } from './outlet.ts';
import type { Decision } from './turn-calls.ts';

/** What people do to the turns of agents, the same over every transport. */

const NOT_HERE = 'This turn does not run on this server.';
/** Looks for the end of a turn that another server was told to cancel, and milliseconds between two. */
const END_LOOKS = 50;
const END_LOOK_MS = 200;

/** Tells a turn to stop; ok when it was told, and its end follows. Who may send may cancel. */
export async function cancelTurn(
  actor: ConversationActor,
  who: Author,
  id: TurnId,
): Promise<Result<void, Failure>> {
  const here = cancelHere(actor, who, id);
  if (!isNotHere(here)) return here;
  const told = await elsewhere(actor, id, { kind: 'cancel', by: who });
  if (told.ok) tellEnd(actor, id).catch(() => {});
  return told;
}

/** Decides about a tool call that waits; ok when the decision is in the log. Who may send may decide. */
export async function decide(
  actor: ConversationActor,
  id: TurnId,
  given: Decision,
): Promise<Result<void, Failure>> {
  const here = await decideHere(actor, id, given);
  return isNotHere(here) ? elsewhere(actor, id, { kind: 'decide', decision: given }) : here;
}

/** What was asked, on another server, of a turn that runs here; or did until a moment ago. */
export async function carryOut(
  actor: ConversationActor,
  id: TurnId,
  order: Order,
): Promise<Result<void, Failure>> {
  const here =
    order.kind === 'cancel'
      ? cancelHere(actor, order.by, id)
      : await decideHere(actor, id, order.decision);
  if (!isNotHere(here)) return here;
  const ended = await hasEnded(actor, id);
  if (!ended.ok) return ended;
  return err(failure(ended.value ? 'turn_over' : 'agent_unavailable'));
}

function cancelHere(actor: ConversationActor, who: Author, id: TurnId): Result<void, Failure> {
  const sender = senderOf(actor, who);
  if (!sender.ok) return sender;
  const refused = actor.cancelTurn(id);
  return refused === undefined ? ok(undefined) : err(refused);
}

async function decideHere(
  actor: ConversationActor,
  id: TurnId,
  given: Decision,
): Promise<Result<void, Failure>> {
  const sender = senderOf(actor, given.by);
  if (!sender.ok) return sender;
  const decision = { ...given, by: sender.value };
  const none: Result<void, Failure> = err(failure('turn_not_found'));
  const outcome = (await actor.turns?.decide(id, decision)) ?? none;
  if (outcome.ok) return outcome;
  const isAgain = decision.key !== null && (await isRepeated(actor, id, decision));
  return isAgain ? ok(undefined) : outcome;
}

function isNotHere(outcome: Result<void, Failure>): boolean {
  return !outcome.ok && outcome.failure.reason === 'turn_not_found';
}

export interface Asking {
  readonly by: Author;
  /** The conversation's first agent when absent. */
  readonly agentId: ParticipantId | undefined;
  /** The same id asks once. */
  readonly turnId?: TurnId;
}

/** Messages that are looked through for one to answer. */
const LOOK_BACK = 50;

/** Asks an agent to answer the newest message of somebody else, without a new one. */
export async function askAgent(
  actor: ConversationActor,
  { by, agentId, turnId = newTurnId() }: Asking,
): Promise<Result<{ readonly turn: Turn; readonly isNew: boolean }, Failure>> {
  const sender = senderOf(actor, by);
  if (!sender.ok) return sender;
  const wanted = agentId ?? agentsOf(actor.conversation)[0]?.id;
  if (wanted === undefined || actor.turns === undefined)
    return err(failure('not_found', { message: 'There is no agent in this conversation.' }));
  const known = await actor.store.readTurn(actor.id, turnId);
  if (!known.ok) return err(unavailable(known.failure));
  if (known.value !== undefined) return ok({ turn: known.value, isNew: false });
  const newest = await newestFor(actor, wanted);
  if (!newest.ok) return newest;
  const asked = { kind: 'ask', author: sender.value, key: null, agentId: wanted } as const;
  const outcome = await actor.post({ ...asked, triggerSeq: newest.value, turnId });
  if (!outcome.ok) return outcome;
  const turn = await actor.store.readTurn(actor.id, turnId);
  if (!turn.ok) return err(unavailable(turn.failure));
  return turn.value === undefined
    ? err(failure('turn_not_found'))
    : ok({ turn: turn.value, isNew: true });
}

/** A turn as it is now: its record, and what is known of it while it runs here. */
export function asItIs(
  actor: ConversationActor,
  turn: Turn,
): { readonly turn: Turn; readonly live: TurnSnapshot | undefined } {
  const live = actor.turnSnapshots().find(({ turnId }) => turnId === turn.id);
  if (live === undefined || isOver(turn.state)) return { turn, live: undefined };
  const { attempt, state } = live;
  return { turn: { ...turn, attempt, state }, live };
}

function senderOf(actor: ConversationActor, who: Author): Result<Member, Failure> {
  const member = memberOf(actor, who);
  if (!member.ok) return member;
  return maySend(member.value.role) ? member : err(failure('forbidden'));
}

/** The newest message that this agent may answer: of somebody else, and not deleted. */
async function newestFor(
  { store, id, conversation }: ConversationActor,
  agentId: ParticipantId,
): Promise<Result<number, Failure>> {
  const page = { beforeSeq: conversation.headSeq + 1, limit: LOOK_BACK };
  const read = await store.readMessages(id, page);
  if (!read.ok) return err(unavailable(read.failure));
  const newest = read.value.findLast(
    ({ event, body }) => event.author.id !== agentId && body.deleted !== true,
  );
  return newest === undefined
    ? err(failure('bad_request', { message: 'There is no message to answer.' }))
    : ok(newest.event.seq);
}

/** It runs on another server, waits to be taken up again, has ended, or never was. */
async function elsewhere(
  actor: ConversationActor,
  turnId: TurnId,
  order: Order,
): Promise<Result<void, Failure>> {
  const ended = await hasEnded(actor, turnId);
  if (!ended.ok) return ended;
  if (ended.value) return err(failure('turn_over'));
  if (actor.relay === undefined) return err(failure('turn_not_found', { message: NOT_HERE }));
  const turn = { conversationId: actor.id, turnId, isOver: () => hasEnded(actor, turnId) };
  return actor.relay.send(turn, order);
}

async function hasEnded(
  { store, id }: ConversationActor,
  turn: TurnId,
): Promise<Result<boolean, Failure>> {
  const read = await store.readTurn(id, turn);
  if (!read.ok) return err(unavailable(read.failure));
  return read.value === undefined ? err(failure('turn_not_found')) : ok(isOver(read.value.state));
}

/** The server that ran it tells its own people; those here have yet to hear of it. */
async function tellEnd(actor: ConversationActor, turnId: TurnId): Promise<void> {
  for (let look = 0; look < END_LOOKS; look += 1) {
    const read = await actor.store.readTurn(actor.id, turnId);
    const turn = read.ok ? read.value : undefined;
    if (turn !== undefined && isOver(turn.state)) {
      const { attempt, state, usage, messageSeq: seq, error } = turn;
      actor.notify({ kind: 'turn.ended', turnId, attempt, state, usage, seq, error });
      return;
    }
    await new Promise<void>((resolve) => actor.clock.after(END_LOOK_MS, resolve));
  }
}

/** The same decision is in the log already, with the same key. */
async function isRepeated(
  { store, id }: ConversationActor,
  turn: TurnId,
  { by, callId, verdict, key }: Decision,
): Promise<boolean> {
  if (key === null) return false;
  const found = await store.findKey(id, by.id, key);
  if (!found.ok || found.value === undefined) return false;
  const read = await store.readEvents(id, { afterSeq: found.value - 1, limit: 1 });
  const [event] = read.ok ? read.value : [];
  if (event === undefined || event.seq !== found.value || !isKind(event, 'turn.decided'))
    return false;
  const body = decodeBody(event);
  return body.turn_id === turn && body.call_id === callId && body.decision === verdict;
}

function unavailable({ cause }: Unavailable): Failure {
  return failure('storage_unavailable', { cause });
}
