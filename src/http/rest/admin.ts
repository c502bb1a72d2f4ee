import { z } from 'zod';
import type { ConversationActor } from '../../../actors/conversation-actor.ts';
import { failure } from '../../domain/failure.ts';
import type { ConversationId } from '../../domain/ids.ts';
import { err, ok } from '../../domain/result.ts';
import type { BreakerReading } from '../../observability/breaker-reading.ts';
import { wireTime } from '../../protocol/encode.ts';
import { RequestId } from '../../protocol/fields.ts';
import { ListQuery } from '../../protocol/rest.ts';
import { pageOf } from './page.ts';
import { json } from './reply.ts';
import { adminRoute, type Route } from './route.ts';

/** What operators look at, and steer, in a server that runs. Every row takes a token with the admin role. */
export const ADMIN_ROUTES: readonly Route[] = [
  adminRoute({
    method: 'GET',
    path: '/v1/admin/breakers',
    handle: async ({ edge }) => {
      const items = edge.breakers.readings().map(wireBreaker);
      return ok(json(200, { items, next_cursor: null }));
    },
  }),
  adminRoute({
    method: 'POST',
    path: '/v1/admin/breakers/{name}/reset',
    params: z.object({ name: RequestId }),
    handle: async ({ edge, who, params: { name } }) => {
      const reading = edge.breakers.reset(name);
      if (reading === undefined) {
        return err(failure('not_found', { message: 'There is no such breaker.' }));
      }
      edge.log.warn('breaker_reset', { breaker: name, participant_id: who.id });
      return ok(json(200, wireBreaker(reading)));
    },
  }),
  adminRoute({
    method: 'GET',
    path: '/v1/admin/actors',
    query: ListQuery,
    handle: async ({ edge, query: { cursor, limit } }) => {
      const read = firstAfter(edge.registry.actors(), { cursor, count: limit + 1 });
      const { items, nextCursor } = pageOf(read, { limit, cursorOf: ({ id }) => id });
      return ok(json(200, { items: items.map(wireActor), next_cursor: nextCursor }));
    },
  }),
  adminRoute({
    method: 'GET',
    path: '/v1/admin/flags',
    handle: async ({ edge }) => {
      const items = Object.entries(edge.settings).map(([name, value]) => ({
        name,
        value: value ?? null,
      }));
      return ok(json(200, { items, next_cursor: null }));
    },
  }),
];

function wireBreaker(reading: BreakerReading) {
  return {
    name: reading.name,
    state: reading.state,
    open_until: reading.openUntil === null ? null : wireTime(reading.openUntil),
    in_flight: reading.inFlight,
    waiting: reading.waiting,
    successes: reading.successes,
    failures: reading.failures,
    refused: reading.refused,
    times: reading.times,
    last_transitions: reading.lastTransitions.map(({ to, at, why }) => ({
      to,
      at: wireTime(at),
      why,
    })),
  };
}

function wireActor(actor: ConversationActor) {
  const { id, state, mailboxDepth, listeners, lastUsedAt } = actor;
  return {
    conversation_id: id,
    state,
    head_seq: actor.hasOpened ? actor.conversation.headSeq : null,
    listeners,
    mailbox_depth: mailboxDepth,
    running_turns: actor.turnSnapshots().length,
    last_used_at: wireTime(lastUsedAt),
  };
}

/** The `count` actors with the smallest ids after `cursor`, in order. One pass; what is kept is bounded by `count`. */
function firstAfter(
  actors: Iterable<ConversationActor>,
  { cursor, count }: { readonly cursor: ConversationId | undefined; readonly count: number },
): readonly ConversationActor[] {
  const kept: ConversationActor[] = [];
  for (const actor of actors) {
    if (cursor !== undefined && actor.id <= cursor) continue;
    const last = kept.at(-1);
    if (kept.length === count && last !== undefined && actor.id > last.id) continue;
    const at = kept.findIndex(({ id }) => id > actor.id);
    kept.splice(at === -1 ? kept.length : at, 0, actor);
    if (kept.length > count) kept.pop();
  }
  return kept;
}
