import type { z } from 'zod';
import type { ConversationActor } from '../../../actors/conversation-actor.ts';
import { failure } from '../../domain/failure.ts';
import type { Author } from '../../domain/participant.ts';
import { err, ok } from '../../domain/result.ts';
import { eventFrame } from '../../protocol/encode.ts';
import { ConversationPath, EventsQuery, LastEventId } from '../../protocol/rest.ts';
import type { Edge } from '../edge.ts';
import { PAGE_CHARS } from './page.ts';
import { reach } from './reach.ts';
import { type Answer, json } from './reply.ts';
import { type Route, route } from './route.ts';

export const EVENT_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/conversations/{id}/events',
    params: ConversationPath,
    query: EventsQuery,
    handle: async ({ edge, streams, who, expiresAt, params, query, header }) => {
      const reached = await reach(edge, params.id, who);
      if (!reached.ok) return reached;
      const { actor } = reached.value;
      if (!wantsStream(header('accept'))) return page(edge, actor, { who, query });
      const resumed = lastEventId(header('last-event-id'));
      if (resumed === 'bad') {
        return err(failure('invalid_field', { message: '`Last-Event-ID`: not a seq' }));
      }
      const afterSeq = resumed ?? query.cursor?.after ?? query.after_seq;
      return streams.follow(actor, { who, expiresAt, asked: { afterSeq, epoch: query.epoch } });
    },
  }),
];

/** The log as it was written. `next_cursor` is null at the head. */
async function page(
  { store }: Edge,
  { conversation }: ConversationActor,
  { who, query }: { who: Author; query: z.infer<typeof EventsQuery> },
): Promise<Answer> {
  const { id, headSeq, firstSeq } = conversation;
  const asked = query.cursor?.after ?? query.after_seq;
  const afterSeq = asked ?? firstSeq - 1;
  if (afterSeq < firstSeq - 1) return err(failure('trimmed'));
  const read = await store.readEvents(id, { afterSeq, limit: query.limit, maxChars: PAGE_CHARS });
  if (!read.ok) return err(failure('storage_unavailable', { cause: read.failure.cause }));
  // It was trimmed while it was read.
  const isCut = (read.value[0]?.seq ?? afterSeq + 1) > afterSeq + 1;
  if (asked !== undefined && isCut) return err(failure('trimmed'));
  const frames = read.value.map((event) =>
    eventFrame(conversation, event, event.author.id === who.id),
  );
  const last = read.value.at(-1)?.seq ?? headSeq;
  const next = last < headSeq ? `"after:${last}"` : 'null';
  return ok(json(200, `{"items":[${frames.join(',')}],"next_cursor":${next}}`));
}

function wantsStream(accept: string): boolean {
  return /\btext\/event-stream\b/i.test(accept);
}

function lastEventId(header: string): number | undefined | 'bad' {
  if (header === '') return undefined;
  const parsed = LastEventId.safeParse(header);
  return parsed.success ? parsed.data : 'bad';
}
