import { createHash } from 'node:crypto';
import type { ConversationActor } from '../../../actors/conversation-actor.ts';
import { asItIs, askAgent, cancelTurn, decide } from '../../../actors/turn-commands.ts';
import { type Failure, failure } from '../../domain/failure.ts';
import { type TurnId, turnId } from '../../domain/ids.ts';
import { err, ok, type Result } from '../../domain/result.ts';
import type { Turn } from '../../domain/turn.ts';
import { AskAgent, ConversationPath, Decide, TurnPath, TurnsQuery } from '../../protocol/rest.ts';
import { type WireTurn, wireTurn } from '../../protocol/turn.ts';
import { pageOf } from './page.ts';
import { reach } from './reach.ts';
import { type Answer, json } from './reply.ts';
import { type Route, route } from './route.ts';

export const TURN_ROUTES: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/conversations/{id}/turns',
    params: ConversationPath,
    body: AskAgent,
    handle: async ({ edge, who, params, body, key }) => {
      const reached = await reach(edge, params.id, who);
      if (!reached.ok) return reached;
      const { actor } = reached.value;
      const id = key === null ? {} : { turnId: idFor(actor, who.id, key) };
      const refused = await edge.budgets.refuses({ conversationId: actor.id, askedBy: [who.id] });
      if (refused !== undefined && !(await isThere(actor, id.turnId))) return err(refused);
      const asked = await askAgent(actor, { by: who, agentId: body.agent_id, ...id });
      if (!asked.ok) return asked;
      const { turn, isNew } = asked.value;
      const location = `/v1/conversations/${actor.id}/turns/${turn.id}`;
      return shown(actor, turn, isNew ? { status: 201, headers: { location } } : { status: 200 });
    },
  }),
  route({
    method: 'GET',
    path: '/v1/conversations/{id}/turns',
    params: ConversationPath,
    query: TurnsQuery,
    handle: async ({ edge, who, params, query: { cursor, limit } }) => {
      const reached = await reach(edge, params.id, who);
      if (!reached.ok) return reached;
      const { actor } = reached.value;
      const after = cursor === undefined ? {} : { afterId: cursor };
      const read = await edge.store.readTurns(actor.id, { ...after, limit: limit + 1 });
      if (!read.ok) return err(unavailable(read.failure.cause));
      const page = pageOf(read.value, { limit, cursorOf: ({ id }) => id });
      const items: WireTurn[] = [];
      for (const turn of page.items) {
        const whole = await withText(actor, turn);
        if (!whole.ok) return whole;
        items.push(whole.value);
      }
      return ok(json(200, { items, next_cursor: page.nextCursor }));
    },
  }),
  route({
    method: 'GET',
    path: '/v1/conversations/{id}/turns/{turn_id}',
    params: TurnPath,
    handle: async ({ edge, who, params }) => {
      const reached = await reach(edge, params.id, who);
      return reached.ok ? found(reached.value.actor, params.turn_id) : reached;
    },
  }),
  route({
    method: 'POST',
    path: '/v1/conversations/{id}/turns/{turn_id}/cancel',
    params: TurnPath,
    handle: async ({ edge, who, params }) => {
      const reached = await reach(edge, params.id, who);
      if (!reached.ok) return reached;
      const told = await cancelTurn(reached.value.actor, who, params.turn_id);
      return told.ok ? found(reached.value.actor, params.turn_id) : told;
    },
  }),
  route({
    method: 'POST',
    path: '/v1/conversations/{id}/turns/{turn_id}/decisions',
    params: TurnPath,
    body: Decide,
    handle: async ({ edge, who, params, body, key }) => {
      const reached = await reach(edge, params.id, who);
      if (!reached.ok) return reached;
      const { call_id: callId, decision: verdict, reason } = body;
      const decision = { by: who, callId, verdict, reason, key };
      const told = await decide(reached.value.actor, params.turn_id, decision);
      return told.ok ? found(reached.value.actor, params.turn_id) : told;
    },
  }),
];

/** It was asked for before: asked for again it is what it is. */
async function isThere(actor: ConversationActor, id: TurnId | undefined): Promise<boolean> {
  const read = id === undefined ? undefined : await actor.store.readTurn(actor.id, id);
  return read?.ok === true && read.value !== undefined;
}

async function found(actor: ConversationActor, id: TurnId): Promise<Answer> {
  const read = await actor.store.readTurn(actor.id, id);
  if (!read.ok) return err(unavailable(read.failure.cause));
  if (read.value === undefined) return err(failure('turn_not_found'));
  return shown(actor, read.value, { status: 200 });
}

async function shown(
  actor: ConversationActor,
  turn: Turn,
  { status, headers }: { status: number; headers?: Readonly<Record<string, string>> },
): Promise<Answer> {
  const whole = await withText(actor, turn);
  return whole.ok ? ok(json(status, whole.value, headers)) : whole;
}

/** With what it says: so far while it runs here, in its message once it has one. */
async function withText(
  actor: ConversationActor,
  record: Turn,
): Promise<Result<WireTurn, Failure>> {
  const { turn, live } = asItIs(actor, record);
  if (live !== undefined) return ok(wireTurn(turn, { text: live.text, calls: live.calls }));
  const { messageSeq: seq } = turn;
  if (seq === null) return ok(wireTurn(turn, { text: '' }));
  const page = { afterSeq: seq - 1, beforeSeq: seq + 1, limit: 1 };
  const read = await actor.store.readMessages(actor.id, page);
  if (!read.ok) return err(unavailable(read.failure.cause));
  return ok(wireTurn(turn, { text: read.value[0]?.body.content ?? '' }));
}

/** The same participant and key give the same id, so that a repeated request meets the first one's turn. */
function idFor({ conversation }: ConversationActor, who: string, key: string): TurnId {
  const text = `${conversation.epoch}\n${who}\n${key}`;
  return turnId(`t_${createHash('sha256').update(text).digest('base64url').slice(0, 22)}`);
}

function unavailable(cause: unknown): Failure {
  return failure('storage_unavailable', { cause });
}
