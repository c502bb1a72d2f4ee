import type { ConversationActor } from '../../../actors/conversation-actor.ts';
import { MetricTable } from '../../observability/metrics.ts';
import type { Edge } from '../edge.ts';
import { pageRoutes } from '../static.ts';
import { ADMIN_ROUTES } from './admin.ts';
import { AUDIT_ROUTES } from './audit.ts';
import { CHAT_ROUTES } from './chat.ts';
import { CONVERSATION_ROUTES } from './conversations.ts';
import { DOCUMENT_ROUTES } from './documents.ts';
import { EVENT_ROUTES } from './events.ts';
import { GUEST_ROUTES } from './guests.ts';
import { INVITE_ROUTES } from './invites.ts';
import { MESSAGE_ROUTES } from './messages.ts';
import { operationRoutes } from './operations.ts';
import { PARTICIPANT_ROUTES } from './participants.ts';
import type { Route } from './route.ts';
import { SEARCH_ROUTES } from './search.ts';
import { TURN_ROUTES } from './turns.ts';

/** Everything that is served over HTTP, one row a route; a row is found by its path, top to bottom. */
export function routesOf({ meters, registry }: Edge): readonly Route[] {
  const metrics = new MetricTable({
    meters,
    live: () => registry.size,
    mailboxDepth: () => registry.mailboxDepth(),
    openTurns: () => openTurns(registry.actors()),
  });
  return [
    ...MESSAGE_ROUTES,
    ...CHAT_ROUTES,
    ...SEARCH_ROUTES,
    ...EVENT_ROUTES,
    ...TURN_ROUTES,
    ...CONVERSATION_ROUTES,
    ...PARTICIPANT_ROUTES,
    ...INVITE_ROUTES,
    ...DOCUMENT_ROUTES,
    ...GUEST_ROUTES,
    ...ADMIN_ROUTES,
    ...AUDIT_ROUTES,
    ...operationRoutes(metrics),
    ...pageRoutes(),
  ];
}

function openTurns(actors: Iterable<ConversationActor>): number {
  let open = 0;
  for (const { turns } of actors) open += turns?.open ?? 0;
  return open;
}
