import type { DocumentStore, FoundChunk } from '../../storage/document-store.ts';
import type { Unavailable } from '../../storage/unavailable.ts';
import type { Space } from '../../storage/vector-spaces.ts';
import { type Chunk, chunkId, type Document } from '../domain/document.ts';
import type { ConversationId, ParticipantId } from '../domain/ids.ts';
import { ok, type Result } from '../domain/result.ts';
import type { Guard } from '../provider/guard.ts';
import type { Mode, SearchAnswer } from '../search/answers.ts';
import type { Embedder } from '../search/embedder.ts';
import { fuse } from '../search/fusion.ts';
import { snippetOf } from '../search/snippet.ts';
import { termsOf } from '../text/terms.ts';
import type { ServingSpace } from './serving-space.ts';

export interface DocumentQuery {
  readonly seenBy: ParticipantId;
  /** Only documents shared with this conversation. */
  readonly sharedWith?: ConversationId | undefined;
  readonly text: string;
  readonly mode: Mode;
  readonly limit: number;
}

export interface ChunkHit {
  readonly document: Document;
  readonly chunk: Chunk;
  /** A part of its text, HTML-escaped, with the words of the query inside `<mark>` and `</mark>`. */
  readonly snippet: string;
  /** More is better; comparable within one answer. */
  readonly score: number;
}

export interface SearchParts {
  readonly documents: DocumentStore;
  readonly serving: ServingSpace;
  /** Whether documents wait for vectors of this space. */
  readonly isBehind: (space: Space) => Promise<Result<boolean, Unavailable>>;
  readonly report: (event: string, about: Readonly<Record<string, unknown>>) => void;
  /** Around what vectors are asked of the store. */
  readonly guard: Guard;
}

/** Terms of a query at most. */
const MAX_TERMS = 64;
/** Chunks that words, and vectors, give to be joined. */
const CANDIDATES = 50;
/** Milliseconds that a query's vector is waited for. */
const EMBED_MS = 3_000;

type Found = readonly FoundChunk[];

/**
 * The chunks that answer a query, among those that the asking participant may see: the store looks at no others.
 * Without vectors it answers by words, whatever the mode, and says so.
 */
export async function searchDocuments(
  parts: SearchParts,
  query: DocumentQuery,
): Promise<Result<SearchAnswer<ChunkHit>, Unavailable>> {
  const terms = new Set([...new Set(termsOf(query.text))].slice(0, MAX_TERMS));
  const [words, vectors] = await Promise.all([
    query.mode === 'vector' ? undefined : byTerms(parts, query, terms),
    query.mode === 'keyword' ? undefined : byVector(parts, query),
  ]);
  if (words?.ok === false) return words;
  if (vectors?.ok === false) return vectors;
  const near = vectors?.value;
  const isDegraded = near !== undefined && !near.isWhole;
  // Words fill in for vectors that are not there, also where vectors alone were asked for.
  const found = words ?? (isDegraded ? await byTerms(parts, query, terms) : ok([]));
  if (!found.ok) return found;
  const items = joined(found.value, near, query.limit).map((hit) => ({
    ...hit,
    snippet: snippetOf(hit.chunk.text, terms),
  }));
  return ok({ items, isDegraded });
}

/** One ranking keeps its own scores; of two, places count. */
function joined(words: Found, vectors: Near | undefined, limit: number): Found {
  const { found: near = [], weight = 1 } = vectors ?? {};
  if (words.length === 0 || near.length === 0) return [...words, ...near].slice(0, limit);
  return fuse([{ items: words }, { items: near, weight }], {
    keyOf: ({ document, chunk }) => chunkId(document.id, chunk.index),
    limit,
  }).map(({ item, score }) => ({ ...item, score }));
}

function byTerms(
  { documents }: SearchParts,
  query: DocumentQuery,
  terms: ReadonlySet<string>,
): Promise<Result<Found, Unavailable>> {
  if (terms.size === 0) return Promise.resolve(ok([]));
  return documents.byTerms({ ...scopeOf(query), terms: [...terms] });
}

interface Near {
  readonly found: Found;
  /** Vectors could be used, and every document has them. */
  readonly isWhole: boolean;
  /** How much their places count (see `Embedder`). */
  readonly weight: number;
}

async function byVector(
  parts: SearchParts,
  query: DocumentQuery,
): Promise<Result<Near, Unavailable>> {
  const none: Near = { found: [], isWhole: false, weight: 1 };
  const embedder = await parts.serving.embedder();
  if (!embedder.ok) return embedder;
  if (embedder.value === undefined) return ok(none);
  const near = await nearIn(embedder.value, parts, query);
  if (!near.ok || near.value === undefined) return near.ok ? ok(none) : near;
  if (near.value.found.length > 0) return ok(near.value);
  // Nothing is near, or the space was dropped a moment ago because another one came into use.
  const now = await parts.serving.embedder();
  if (!now.ok) return now;
  if (now.value === undefined) return ok(none);
  if (now.value.space.name === embedder.value.space.name) return ok(near.value);
  const again = await nearIn(now.value, parts, query);
  return again.ok ? ok(again.value ?? none) : again;
}

/** Undefined when no vector could be made, or searched for. */
async function nearIn(
  embedder: Embedder,
  { documents, isBehind, report, guard }: SearchParts,
  query: DocumentQuery,
): Promise<Result<Near | undefined, Unavailable>> {
  const { space, weight, leastCosine } = embedder;
  const made = await embedder.embed([query.text], AbortSignal.timeout(EMBED_MS));
  if (!made.ok) report('query_not_embedded', { cause: made.failure.cause });
  const vector = made.ok ? made.value[0] : undefined;
  if (vector === undefined) return ok(undefined);
  // Asked first: what gets its vectors after the search was not in it.
  const behind = await isBehind(space);
  if (!behind.ok) return behind;
  const found = await guard(() => documents.byVector({ ...scopeOf(query), space, vector }));
  if (!found.ok) {
    report('vectors_not_searched', { cause: found.failure.cause });
    return ok(undefined);
  }
  const near = found.value.filter(({ score }) => score >= leastCosine);
  return ok({ found: near, isWhole: !behind.value, weight });
}

function scopeOf({ seenBy, sharedWith, limit }: DocumentQuery) {
  const within = sharedWith === undefined ? {} : { sharedWith };
  return { seenBy, ...within, limit: Math.max(CANDIDATES, limit) };
}
