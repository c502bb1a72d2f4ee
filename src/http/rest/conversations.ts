import { createHash } from 'node:crypto';
import type { z } from 'zod';
import { managerOf } from '../../../actors/access.ts';
import { defaultSettings, found } from '../../../actors/commands.ts';
import type { ConversationActor } from '../../../actors/conversation-actor.ts';
import type { Conversation, Settings } from '../../domain/conversation.ts';
import { type Failure, failure } from '../../domain/failure.ts';
import { type ConversationId, conversationId } from '../../domain/ids.ts';
import type { Author } from '../../domain/participant.ts';
import { err, ok, type Result } from '../../domain/result.ts';
import { wireConversation } from '../../protocol/encode.ts';
import {
  ConversationPath,
  CreateConversation,
  ListQuery,
  UpdateConversation,
} from '../../protocol/rest.ts';
import type { Edge } from '../edge.ts';
import { agentsFrom } from './agent-settings.ts';
import { pageOf } from './page.ts';
import { reach } from './reach.ts';
import { type Answer, json, NO_CONTENT } from './reply.ts';
import { type Route, route } from './route.ts';

type Wanted = z.infer<typeof CreateConversation>;

export const CONVERSATION_ROUTES: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/conversations',
    body: CreateConversation,
    handle: async ({ edge, who, body, key }) => {
      const stamp = key === null ? null : stampOf(key, body);
      const id = body.conversation_id ?? (key === null ? undefined : idFor(who, key));
      const chosen = settingsFrom(edge, body);
      if (!chosen.ok) return chosen;
      const settings = chosen.value;
      const named = id === undefined ? {} : { id };
      const made = await found(
        edge.registry,
        { by: who, ...settings, ...named, key: stamp },
        edge.clock.now(),
      );
      if (made.ok) return created(made.value);
      if (made.failure.reason !== 'already_exists' || id === undefined || stamp === null)
        return made;
      return repeated(edge, who, { id, stamp, isChosen: body.conversation_id !== undefined });
    },
  }),
  route({
    method: 'GET',
    path: '/v1/conversations',
    query: ListQuery,
    handle: async ({ edge, who, query: { cursor, limit } }) => {
      const after = cursor === undefined ? {} : { afterId: cursor };
      const read = await edge.store.listConversations(who.id, { ...after, limit: limit + 1 });
      if (!read.ok) return err(failure('storage_unavailable', { cause: read.failure.cause }));
      const { items, nextCursor } = pageOf(read.value, { limit, cursorOf: ({ id }) => id });
      return ok(json(200, { items: items.map(wireConversation), next_cursor: nextCursor }));
    },
  }),
  route({
    method: 'GET',
    path: '/v1/conversations/{id}',
    params: ConversationPath,
    handle: async ({ edge, who, params }) => {
      const reached = await reach(edge, params.id, who);
      return reached.ok ? shown(reached.value.actor) : reached;
    },
  }),
  route({
    method: 'PATCH',
    path: '/v1/conversations/{id}',
    params: ConversationPath,
    body: UpdateConversation,
    handle: async ({ edge, who, params, body, key }) => {
      const managed = await manage(edge, who, params.id);
      if (!managed.ok) return managed;
      const actor = managed.value;
      const author = actor.members.get(who.id) ?? who;
      const chosen = changesFrom(edge, actor.conversation, body);
      if (!chosen.ok) return chosen;
      const changes = chosen.value;
      const outcome = await actor.post({ kind: 'conversation.updated', author, key, changes });
      return outcome.ok ? shown(actor) : outcome;
    },
  }),
  route({
    method: 'DELETE',
    path: '/v1/conversations/{id}',
    params: ConversationPath,
    handle: async ({ edge, who, params }) => {
      const managed = await manage(edge, who, params.id);
      if (!managed.ok) return managed;
      const removed = await edge.registry.remove(params.id);
      if (!removed.ok) return removed;
      return removed.value ? ok(NO_CONTENT) : err(failure('conversation_not_found'));
    },
  }),
];

async function manage(
  edge: Edge,
  who: Author,
  id: ConversationId,
): Promise<Result<ConversationActor, Failure>> {
  const reached = await reach(edge, id, who);
  if (!reached.ok) return reached;
  const manager = managerOf(reached.value.actor, who);
  return manager.ok ? ok(reached.value.actor) : manager;
}

function shown({ conversation }: ConversationActor): Answer {
  return ok(json(200, wireConversation(conversation)));
}

function created({ conversation }: ConversationActor): Answer {
  const location = `/v1/conversations/${conversation.id}`;
  return ok(json(201, wireConversation(conversation), { location }));
}

/** The id is taken: by an earlier try of this same request, or not. */
async function repeated(
  edge: Edge,
  who: Author,
  { id, stamp, isChosen }: { id: ConversationId; stamp: string; isChosen: boolean },
): Promise<Answer> {
  const taken = failure('already_exists');
  const reached = await reach(edge, id, who);
  if (!reached.ok)
    return err(reached.failure.reason === 'storage_unavailable' ? reached.failure : taken);
  const { createdBy, createdKey } = reached.value.actor.conversation;
  if (createdBy !== who.id || createdKey === null) return err(taken);
  if (createdKey === stamp) return shown(reached.value.actor);
  const isSameKey = keyOf(createdKey) === keyOf(stamp);
  return err(isSameKey || !isChosen ? failure('key_reused') : taken);
}

/** Characters of the digest at the end of a stamp. */
const DIGEST_CHARS = 22;

/** The key, and what was asked for with it: the same key with another body is told apart for ever. */
function stampOf(key: string, wanted: Wanted): string {
  return `${key}:${digest(JSON.stringify(wanted)).slice(0, DIGEST_CHARS)}`;
}

function keyOf(stamp: string): string {
  return stamp.slice(0, -DIGEST_CHARS - 1);
}

/** The same participant and key give the same id, so that a repeated request meets the first one's conversation. */
function idFor(who: Author, key: string): ConversationId {
  return conversationId(`c_${digest(`${who.id}\n${key}`).slice(0, DIGEST_CHARS)}`);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

function settingsFrom({ defaults }: Edge, wanted: Wanted): Result<Settings, Failure> {
  const settings = defaultSettings(defaults);
  const agents = agentsFrom(defaults, settings, wanted);
  if (!agents.ok) return agents;
  return ok({
    title: wanted.title ?? settings.title,
    visibility: wanted.visibility ?? settings.visibility,
    agent: settings.agent,
    ...agents.value,
    metadata: wanted.metadata ?? settings.metadata,
  });
}

function changesFrom(
  { defaults }: Edge,
  before: Conversation,
  { agent, agents, ...wanted }: z.infer<typeof UpdateConversation>,
): Result<Partial<Settings>, Failure> {
  const given = Object.fromEntries(
    Object.entries(wanted).filter(([, value]) => value !== undefined),
  ) as Partial<Settings>;
  const chosen = agentsFrom(defaults, before, { agent, agents });
  return chosen.ok ? ok({ ...given, ...chosen.value }) : chosen;
}
