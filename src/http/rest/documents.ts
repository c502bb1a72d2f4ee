import { type Failure, failure } from '../../domain/failure.ts';
import type { ConversationId } from '../../domain/ids.ts';
import { type Author, maySend } from '../../domain/participant.ts';
import { err, ok, type Result } from '../../domain/result.ts';
import type { NewDocument, ShownDocument } from '../../library/library.ts';
import { MEDIA_TYPES, mediaTypeOf } from '../../library/media-types.ts';
import {
  ChunksQuery,
  DocumentFields,
  DocumentPath,
  DocumentsQuery,
  SearchDocuments,
  UploadQuery,
  wireChunk,
  wireDocument,
  wireHit,
} from '../../protocol/documents.ts';
import type { Edge } from '../edge.ts';
import { pageOf } from './page.ts';
import { reach } from './reach.ts';
import { json, NO_CONTENT } from './reply.ts';
import { parse, type Route, route, uploadRoute } from './route.ts';
import { searching } from './searching.ts';

const NOT_A_DOCUMENT = `Send one of ${MEDIA_TYPES.join(', ')}; text in UTF-8.`;

export const DOCUMENT_ROUTES: readonly Route[] = [
  uploadRoute({
    method: 'POST',
    path: '/v1/documents',
    maxBytes: ({ limits }) => limits.maxDocumentBytes,
    repeatable: ['conversations'],
    handle: async ({ edge, who, query, bytes, key, header }) => {
      const mediaType = mediaTypeOf(header('content-type'));
      if (mediaType === undefined)
        return err(failure('unsupported_media_type', { message: NOT_A_DOCUMENT }));
      // A repeated request is answered by a full library, too; that it is one is known at the end.
      const room = key === null ? await edge.library.hasRoomFor(who.id) : ok(undefined);
      if (!room.ok) return room;
      const wanted = await (mediaType === 'application/json'
        ? fromForm(edge, who, bytes)
        : fromUpload(edge, who, { query, bytes, mediaType }));
      if (!wanted.ok) return wanted;
      const added = await edge.library.add({ ...wanted.value, owner: who.id, key });
      if (!added.ok) return added;
      const [body] = await wired(edge, who, [added.value]);
      const headers = { location: `/v1/documents/${added.value.document.id}` };
      return ok(added.value.isRepeated ? json(200, body ?? {}) : json(201, body ?? {}, headers));
    },
  }),
  route({
    method: 'POST',
    path: '/v1/documents/search',
    body: SearchDocuments,
    handle: async ({ edge, who, body: { query: text, mode, limit, conversation_id: id } }) => {
      const within = await scope(edge, who, id);
      if (!within.ok) return within;
      const asked = { seenBy: who.id, sharedWith: id, text, mode, limit };
      const answer = await searching(edge.searchGates.documents, who, () =>
        edge.library.search(asked),
      );
      if (!answer.ok) return answer;
      const { items, isDegraded } = answer.value;
      return ok(
        json(200, { items: items.map(wireHit), next_cursor: null, mode, degraded: isDegraded }),
      );
    },
  }),
  route({
    method: 'GET',
    path: '/v1/documents',
    query: DocumentsQuery,
    handle: async ({ edge, who, query: { cursor, conversation_id: id, limit } }) => {
      const within = await scope(edge, who, id);
      if (!within.ok) return within;
      const asked = { seenBy: who.id, sharedWith: id, afterId: cursor, limit: limit + 1 };
      const read = await edge.library.list(asked);
      if (!read.ok) return read;
      const { items, nextCursor } = pageOf(read.value, {
        limit,
        cursorOf: ({ document }) => document.id,
      });
      return ok(json(200, { items: await wired(edge, who, items), next_cursor: nextCursor }));
    },
  }),
  route({
    method: 'GET',
    path: '/v1/documents/{id}',
    params: DocumentPath,
    handle: async ({ edge, who, params }) => {
      const found = await edge.library.find(params.id, who.id);
      if (!found.ok) return found;
      const [body] = await wired(edge, who, [found.value]);
      return ok(json(200, body ?? {}));
    },
  }),
  route({
    method: 'DELETE',
    path: '/v1/documents/{id}',
    params: DocumentPath,
    handle: async ({ edge, who, params }) => {
      const removed = await edge.library.remove(params.id, who.id);
      return removed.ok ? ok(NO_CONTENT) : removed;
    },
  }),
  route({
    method: 'GET',
    path: '/v1/documents/{id}/chunks',
    params: DocumentPath,
    query: ChunksQuery,
    handle: async ({ edge, who, params: { id }, query: { cursor = -1, limit } }) => {
      const found = await edge.library.find(id, who.id);
      if (!found.ok) return found;
      const read = await edge.library.chunks(id, { afterIndex: cursor, limit: limit + 1 });
      if (!read.ok) return read;
      const { items, nextCursor } = pageOf(read.value, {
        limit,
        cursorOf: ({ index }) => String(index),
        charsOf: ({ text }) => text.length,
      });
      const chunks = items.map((chunk) => wireChunk(id, chunk));
      return ok(json(200, { items: chunks, next_cursor: nextCursor }));
    },
  }),
];

type Wanted = Omit<NewDocument, 'owner' | 'key'>;
type Upload = Parameters<Edge['library']['read']>[0];

/** A JSON body. What it says is known when it was read. */
async function fromForm(edge: Edge, who: Author, bytes: Buffer): Promise<Result<Wanted, Failure>> {
  const reading = await edge.library.read({ bytes, source: 'form' });
  if (!reading.ok) return reading;
  const fields = parse(DocumentFields, JSON.parse(reading.value.fields));
  if (!fields.ok) return fields;
  const shared = await mayShare(edge, who, fields.value.conversations);
  return shared.ok ? ok({ ...fields.value, reading: reading.value }) : shared;
}

/** The document itself; what is said about it is in the query. */
async function fromUpload(
  edge: Edge,
  who: Author,
  { query, bytes, mediaType }: { query: unknown; bytes: Buffer; mediaType: Upload['source'] },
): Promise<Result<Wanted, Failure>> {
  const fields = parse(UploadQuery, query);
  if (!fields.ok) return fields;
  const shared = await mayShare(edge, who, fields.value.conversations);
  if (!shared.ok) return shared;
  const reading = await edge.library.read({ bytes, source: mediaType });
  return reading.ok ? ok({ ...fields.value, reading: reading.value }) : reading;
}

/** Who may put messages into a conversation may put documents there, too. */
async function mayShare(
  edge: Edge,
  who: Author,
  ids: readonly ConversationId[],
): Promise<Result<void, Failure>> {
  for (const id of ids) {
    const reached = await reach(edge, id, who);
    if (!reached.ok) return reached;
    if (!maySend(reached.value.member.role)) return err(failure('forbidden'));
  }
  return ok(undefined);
}

/** A conversation to look in is one that the caller is in. */
async function scope(
  edge: Edge,
  who: Author,
  id: ConversationId | undefined,
): Promise<Result<void, Failure>> {
  if (id === undefined) return ok(undefined);
  const reached = await reach(edge, id, who);
  return reached.ok ? ok(undefined) : reached;
}

/** Owners see all conversations a document is shared with, others those they are in: an id of one is a secret. */
async function wired(edge: Edge, who: Author, documents: readonly ShownDocument[]) {
  const isIn = new Map<ConversationId, boolean>();
  for (const { document } of documents) {
    if (document.owner === who.id) continue;
    for (const id of document.conversations) {
      if (isIn.has(id)) continue;
      const loaded = await edge.store.load(id);
      const members = loaded.ok ? (loaded.value?.members ?? []) : [];
      isIn.set(
        id,
        members.some((member) => member.id === who.id),
      );
    }
  }
  return documents.map((shown) => {
    const { owner, conversations } = shown.document;
    const known = owner === who.id ? conversations : conversations.filter((id) => isIn.get(id));
    return wireDocument(shown, known);
  });
}
