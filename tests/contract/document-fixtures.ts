import { createHash } from 'node:crypto';
import type { Chunk, Document } from '../../src/domain/document.ts';
import {
  type ConversationId,
  type DocumentId,
  documentId,
  type ParticipantId,
} from '../../src/domain/ids.ts';
import { termsOf } from '../../src/text/terms.ts';
import type { ChunkQuery, FoundChunk } from '../../storage/document-store.ts';
import type { Store } from '../../storage/store.ts';
import type { Space } from '../../storage/vector-spaces.ts';
import { ann, granted, NOW } from './fixtures.ts';

/** Plain documents and vectors for the tests of stores. */
export const SPACE: Space = { name: 'test-a:8', dimensions: 8 };
export const OTHER: Space = { name: 'test-b:3', dimensions: 3 };

export function idOfDocument(name: string): DocumentId {
  return documentId(`d_${name}`);
}

/** One text after the other, as if a line end stood between them. */
export function chunksOf(texts: readonly string[]): Chunk[] {
  let start = 0;
  return texts.map((text, index) => {
    const chunk = { index, start, end: start + text.length, text };
    start = chunk.end + 1;
    return chunk;
  });
}

export function document(name: string, more: Partial<Document> = {}): Document {
  return {
    id: idOfDocument(name),
    owner: ann.id,
    conversations: [],
    title: `Document ${name}`,
    mediaType: 'text/markdown',
    metadata: { colour: 'blue', nested: { list: [1, 'two', null] } },
    chars: 0,
    chunkCount: 0,
    createdAt: NOW,
    createdKey: null,
    digest: createHash('sha256').update(name).digest('hex'),
    ...more,
  };
}

/** Stores a document with these chunks; it must succeed. */
export async function added(
  store: Store,
  name: string,
  { texts = [`text of ${name}`], ...more }: Partial<Document> & { texts?: readonly string[] } = {},
): Promise<Document> {
  const chunks = chunksOf(texts);
  const counts = { chars: chunks.at(-1)?.end ?? 0, chunkCount: chunks.length };
  const given = document(name, { ...counts, ...more });
  granted(await store.documents.add(given, chunks));
  return given;
}

/** `d_a.0`, `d_a.1`, …: which chunks were found, in the order given. */
export function namesOf(found: readonly FoundChunk[]): string[] {
  return found.map(({ document: { id }, chunk: { index } }) => `${id}.${index}`);
}

type Who = Partial<ChunkQuery> & { readonly seenBy?: ParticipantId };

export async function byWords(store: Store, words: string, who: Who = {}): Promise<string[]> {
  const terms = [...new Set(termsOf(words))];
  const query = { seenBy: ann.id, limit: 100, ...who, terms };
  return namesOf(granted(await store.documents.byTerms(query)));
}

export async function byVector(
  store: Store,
  vector: Float32Array,
  { space = SPACE, ...who }: Who & { readonly space?: Space } = {},
): Promise<string[]> {
  const query = { seenBy: ann.id, limit: 100, ...who, space, vector };
  return namesOf(granted(await store.documents.byVector(query)));
}

/** Everything a participant can see of documents, by every way there is. */
export async function everythingSeenBy(store: Store, seenBy: ParticipantId, ids: DocumentId[]) {
  const read = await Promise.all(ids.map((id) => store.documents.read(id, seenBy)));
  return {
    read: read.flatMap((one) => granted(one)?.document.id ?? []),
    listed: idsOf(granted(await store.documents.list({ seenBy, limit: 100 }))),
    byWords: await byWords(store, 'text', { seenBy }),
    byVector: await byVector(store, axis(0), { seenBy }),
  };
}

export function idsOf(listed: readonly { readonly document: Document }[]): string[] {
  return listed.map(({ document: { id } }) => id);
}

/** The unit vector along one axis. */
export function axis(at: number, { dimensions }: Space = SPACE): Float32Array {
  return Float32Array.from({ length: dimensions }, (_, index) => (index === at ? 1 : 0));
}

/** A unit vector whose cosine with `axis(0)` is the one given. */
export function leaning(cosine: number, { dimensions }: Space = SPACE): Float32Array {
  const rest = Math.sqrt(1 - cosine * cosine);
  return Float32Array.from({ length: dimensions }, (_, index) => [cosine, rest][index] ?? 0);
}

export async function shared(store: Store, name: string, ...conversations: ConversationId[]) {
  return added(store, name, { conversations, texts: [`text of ${name}`] });
}

/** Gives each chunk of the document a vector, in the space of their length, which is added. */
export async function embedded(
  store: Store,
  id: DocumentId,
  vectors: readonly Float32Array[],
): Promise<void> {
  const space = vectors[0]?.length === OTHER.dimensions ? OTHER : SPACE;
  granted(await store.spaces.add(space));
  if (!granted(await store.documents.putVectors(space, id, vectors))) throw new Error('not stored');
}
