import type { z } from 'zod';
import { amend, findMessage, lookAtTarget, say } from '../../../actors/commands.ts';
import type { ConversationActor } from '../../../actors/conversation-actor.ts';
import type { Outcome, Receipt } from '../../../actors/draft.ts';
import { failure } from '../../domain/failure.ts';
import { eventId } from '../../domain/ids.ts';
import type { Author } from '../../domain/participant.ts';
import { err, ok } from '../../domain/result.ts';
import { wireAuthor, wireMessage, wireTime } from '../../protocol/encode.ts';
import {
  ConversationPath,
  CreateMessage,
  EditMessage,
  MessagePath,
  MessagesQuery,
} from '../../protocol/rest.ts';
import { admit } from '../admission.ts';
import type { Edge } from '../edge.ts';
import { pageOf } from './page.ts';
import { reach } from './reach.ts';
import { type Answer, json, NO_CONTENT } from './reply.ts';
import { type Route, route } from './route.ts';

export const MESSAGE_ROUTES: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/conversations/{id}/messages',
    params: ConversationPath,
    body: CreateMessage,
    handle: async ({ edge, who, params, body, key }) => {
      const reached = await reach(edge, params.id, who);
      if (!reached.ok) return reached;
      const { actor } = reached.value;
      const content = await admit(edge, body.content, { conversationId: actor.id, who, key });
      if (typeof content !== 'string') return err(content);
      const { reply_to: replyTo, metadata } = body;
      if (replyTo !== undefined) await lookAtTarget(actor, replyTo);
      const outcome = await new Promise<Outcome>((settle) => {
        say(actor, { author: who, content, key, replyTo, metadata }, settle);
      });
      if (!outcome.ok) return outcome;
      if (outcome.value.duplicate) return repeated(actor, { who, key, receipt: outcome.value });
      const stored = { ...body, content };
      return ok(json(201, said(actor, { who, body: stored, key, receipt: outcome.value })));
    },
  }),
  route({
    method: 'GET',
    path: '/v1/conversations/{id}/messages',
    params: ConversationPath,
    query: MessagesQuery,
    handle: async ({ edge, who, params, query }) => {
      const reached = await reach(edge, params.id, who);
      if (!reached.ok) return reached;
      const { conversation } = reached.value.actor;
      return listed(edge, query, { conversation, who });
    },
  }),
  route({
    method: 'GET',
    path: '/v1/conversations/{id}/messages/{seq}',
    params: MessagePath,
    handle: async ({ edge, who, params }) => {
      const reached = await reach(edge, params.id, who);
      return reached.ok ? shown(reached.value.actor, { who, seq: params.seq }) : reached;
    },
  }),
  route({
    method: 'PATCH',
    path: '/v1/conversations/{id}/messages/{seq}',
    params: MessagePath,
    body: EditMessage,
    handle: async ({ edge, who, params, body, key }) => {
      const reached = await reach(edge, params.id, who);
      if (!reached.ok) return reached;
      const { actor } = reached.value;
      const content = await admit(edge, body.content, { conversationId: actor.id, who, key });
      if (typeof content !== 'string') return err(content);
      const outcome = await amend(actor, { author: who, targetSeq: params.seq, key, content });
      return outcome.ok ? edited(actor, { who, seq: params.seq }) : outcome;
    },
  }),
  route({
    method: 'DELETE',
    path: '/v1/conversations/{id}/messages/{seq}',
    params: MessagePath,
    handle: async ({ edge, who, params, key }) => {
      const reached = await reach(edge, params.id, who);
      if (!reached.ok) return reached;
      const amendment = { author: who, targetSeq: params.seq, key };
      const outcome = await amend(reached.value.actor, amendment);
      return outcome.ok ? ok(NO_CONTENT) : outcome;
    },
  }),
];

interface Sent {
  readonly who: Author;
  readonly body: Partial<z.infer<typeof CreateMessage>>;
  readonly key: string | null;
  readonly receipt: Receipt;
}

/** The message that was stored just now, as a read would show it. */
function said(actor: ConversationActor, { who, body, key, receipt }: Sent) {
  const { id, epoch } = actor.conversation;
  return {
    conversation_id: id,
    seq: receipt.seq,
    kind: 'message',
    event_id: eventId(epoch, receipt.seq),
    from: wireAuthor(actor.members.get(who.id) ?? who),
    created_at: wireTime(receipt.createdAt),
    ...(key === null ? {} : { key }),
    ...body,
    duplicate: false,
  };
}

/** The key was used before: what it stored, as it stands now. */
async function repeated(
  actor: ConversationActor,
  { who, key, receipt }: Omit<Sent, 'body'>,
): Promise<Answer> {
  const { conversation } = actor;
  const message = await findMessage(actor, receipt.seq);
  if (!message.ok && message.failure.reason === 'trimmed') {
    // It was stored, once: that is what the sender asks.
    const rest = said(actor, { who, body: {}, key, receipt });
    return ok(json(200, { ...rest, duplicate: true }));
  }
  if (!message.ok) return message;
  return ok(json(200, { ...wireMessage(conversation, message.value, who.id), duplicate: true }));
}

/** The edit is stored: when the message can't be read now, that is no 503, which would deny it. */
async function edited(actor: ConversationActor, of: { who: Author; seq: number }): Promise<Answer> {
  const answer = await shown(actor, of);
  if (answer.ok || answer.failure.reason !== 'storage_unavailable') return answer;
  const message = 'The edit is stored; the message cannot be read now.';
  return err(failure('internal', { cause: answer.failure.cause, message }));
}

async function shown(
  actor: ConversationActor,
  { who, seq }: { who: Author; seq: number },
): Promise<Answer> {
  const { conversation } = actor;
  const message = await findMessage(actor, seq);
  return message.ok ? ok(json(200, wireMessage(conversation, message.value, who.id))) : message;
}

async function listed(
  { store }: Edge,
  query: z.infer<typeof MessagesQuery>,
  { conversation, who }: { conversation: ConversationActor['conversation']; who: Author },
): Promise<Answer> {
  const { limit, cursor } = query;
  const before = cursor?.before ?? query.before_seq;
  const after = cursor?.after ?? query.after_seq;
  const isBackwards = before !== undefined;
  const read = await store.readMessages(conversation.id, {
    ...(after === undefined ? {} : { afterSeq: after }),
    ...(before === undefined ? {} : { beforeSeq: before }),
    limit: limit + 1,
  });
  if (!read.ok) return err(failure('storage_unavailable', { cause: read.failure.cause }));
  const towards = isBackwards ? read.value.toReversed() : read.value;
  const page = pageOf(towards, {
    limit,
    cursorOf: ({ event }) => `${isBackwards ? 'before' : 'after'}:${event.seq}`,
    charsOf: ({ event, body }) => event.body.length + (body.content?.length ?? 0),
  });
  const items = isBackwards ? page.items.toReversed() : page.items;
  return ok(
    json(200, {
      items: items.map((message) => wireMessage(conversation, message, who.id)),
      next_cursor: page.nextCursor,
    }),
  );
}
