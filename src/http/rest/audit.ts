import { z } from 'zod';
import { AUDIT_ACTIONS, type AuditQuery, type StoredAuditEntry } from '../../domain/audit.ts';
import { failure } from '../../domain/failure.ts';
import { err, ok } from '../../domain/result.ts';
import { type Account, dayOf, startOfDay } from '../../domain/spending.ts';
import { wireTime } from '../../protocol/encode.ts';
import { ConversationIdField, ParticipantIdField } from '../../protocol/fields.ts';
import { Limit } from '../../protocol/rest.ts';
import { pageOf } from './page.ts';
import { json } from './reply.ts';
import { adminRoute, type Route } from './route.ts';

const Time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
const Cursor = z
  .string()
  .regex(/^\d{1,15}\.\d{1,15}$/, 'not a cursor')
  .transform((text) => {
    const [at, place] = text.split('.').map(Number);
    return { at: at ?? 0, place: place ?? 0 };
  });

const AuditPage = z.object({
  cursor: Cursor.optional(),
  limit: Limit,
  action: z.enum(AUDIT_ACTIONS).optional(),
  participant_id: ParticipantIdField.optional(),
  conversation_id: ConversationIdField.optional(),
  since: Time.optional(),
  until: Time.optional(),
});

const Usage = z.object({
  /** A day in UTC; today when absent. */
  day: z.iso.date().optional(),
  participant_id: ParticipantIdField.optional(),
  conversation_id: ConversationIdField.optional(),
});

const A_BILLION = 1e9;

/** Who did what, and what answers took: for operators. */
export const AUDIT_ROUTES: readonly Route[] = [
  adminRoute({
    method: 'GET',
    path: '/v1/admin/audit',
    query: AuditPage,
    handle: async ({ edge, query }) => {
      const { limit } = query;
      const read = await edge.store.audit.page(askedFor(query));
      if (!read.ok) return err(failure('storage_unavailable', { cause: read.failure.cause }));
      const { items, nextCursor } = pageOf(read.value, {
        limit,
        cursorOf: ({ at, place }) => `${at}.${place}`,
      });
      return ok(json(200, { items: items.map(wireEntry), next_cursor: nextCursor }));
    },
  }),
  adminRoute({
    method: 'GET',
    path: '/v1/admin/usage',
    query: Usage,
    handle: async ({ edge, query: { day, participant_id, conversation_id } }) => {
      const accounts: Account[] = [];
      if (participant_id !== undefined) accounts.push(`participant:${participant_id}`);
      if (conversation_id !== undefined) accounts.push(`conversation:${conversation_id}`);
      const at = day === undefined ? edge.clock.now() : Date.parse(day);
      const read = await edge.store.ledger.spent(dayOf(at), accounts);
      if (!read.ok) return err(failure('storage_unavailable', { cause: read.failure.cause }));
      const items = read.value.map(({ inputTokens, outputTokens, cost }, index) => ({
        account: accounts[index],
        day: wireTime(startOfDay(dayOf(at))).slice(0, 10),
        input_tokens: inputTokens,
        output_tokens: outputTokens,
        cost: cost / A_BILLION,
      }));
      return ok(json(200, { items, next_cursor: null }));
    },
  }),
];

function askedFor(query: z.infer<typeof AuditPage>): AuditQuery {
  const { cursor, limit, action, participant_id, conversation_id, since, until } = query;
  return {
    limit: limit + 1,
    ...(cursor === undefined ? {} : { after: cursor }),
    ...(action === undefined ? {} : { action }),
    ...(participant_id === undefined ? {} : { participantId: participant_id }),
    ...(conversation_id === undefined ? {} : { conversationId: conversation_id }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  };
}

function wireEntry({ at, action, outcome, ...entry }: StoredAuditEntry) {
  return {
    at: wireTime(at),
    action,
    outcome,
    participant_id: entry.participantId,
    from: entry.from,
    conversation_id: entry.conversationId,
    target: entry.target,
  };
}
