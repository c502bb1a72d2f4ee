import { type Failure, failure } from '../../domain/failure.ts';
import { err, ok } from '../../domain/result.ts';
import { ConversationPath } from '../../protocol/rest.ts';
import { SearchMessages, wireMessageHit } from '../../protocol/search.ts';
import type { SearchFailure } from '../../search/conversation-search.ts';
import { pageOf } from './page.ts';
import { reach } from './reach.ts';
import { json } from './reply.ts';
import { type Route, route } from './route.ts';
import { searching } from './searching.ts';

export const SEARCH_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/conversations/{id}/search',
    params: ConversationPath,
    query: SearchMessages,
    handle: async ({ edge, who, params, query: { q: text, mode, limit } }) => {
      const reached = await reach(edge, params.id, who);
      if (!reached.ok) return reached;
      const { conversation } = reached.value.actor;
      const { id } = conversation;
      const startedAt = edge.clock.now();
      const answer = await searching(edge.searchGates.messages, who, async () => {
        const found = await edge.search.search(id, { text, mode, limit });
        return found.ok ? found : err(failureOf(found.failure));
      });
      if (!answer.ok) return answer;
      const { items, isDegraded } = answer.value;
      edge.meters.searched({ mode, isDegraded, tookMs: edge.clock.now() - startedAt });
      const page = pageOf(items, {
        limit,
        cursorOf: ({ message }) => String(message.event.seq),
        charsOf: ({ message, snippet }) =>
          message.event.body.length + (message.body.content?.length ?? 0) + snippet.length,
      });
      const hits = page.items.map((hit) => wireMessageHit(conversation, hit, who.id));
      return ok(json(200, { items: hits, next_cursor: null, mode, degraded: isDegraded }));
    },
  }),
];

function failureOf(refused: SearchFailure): Failure {
  switch (refused.reason) {
    case 'overloaded':
      return failure('overloaded', { retryAfterMs: refused.retryAfterMs });
    case 'storage_unavailable':
      return failure('storage_unavailable', { cause: refused.cause });
    default:
      return refused satisfies never;
  }
}
