import { setImmediate as nextLoop } from 'node:timers/promises';
import type { DocumentStore } from '../../storage/document-store.ts';
import type { Unavailable } from '../../storage/unavailable.ts';
import type { DocumentId } from '../domain/ids.ts';
import { ok, type Result } from '../domain/result.ts';
import type { Embedder, EmbedFailure } from '../search/embedder.ts';

export interface Embedding {
  readonly documents: DocumentStore;
  readonly embedder: Embedder;
  readonly signal: AbortSignal;
  /** Called with the part of its chunks that have vectors, from 0 to 1, and how many were made just now. */
  readonly onProgress: (part: number, chunks: number) => void;
}

/** `kept`: all its vectors are stored. `gone`: the document, or the space, was removed meanwhile. */
export type Embedded = 'kept' | 'gone';

/**
 * Makes the vectors of one document and stores them together. Gives way to the event loop after each batch. The
 * chunks are read batch by batch; the vectors of one document are in memory at once.
 */
export async function embedDocument(
  id: DocumentId,
  { documents, embedder, signal, onProgress }: Embedding,
): Promise<Result<Embedded, Unavailable | EmbedFailure>> {
  const { space, maxBatch } = embedder;
  const read = await documents.read(id);
  if (!read.ok) return read;
  if (read.value === undefined) return ok('gone');
  // Another server may have been here first.
  if (read.value.spaces.includes(space.name)) return ok('kept');
  const { chunkCount } = read.value.document;
  const vectors: Float32Array[] = [];
  while (vectors.length < chunkCount) {
    const chunks = await documents.readChunks(id, {
      afterIndex: vectors.length - 1,
      limit: maxBatch,
    });
    if (!chunks.ok) return chunks;
    if (chunks.value.length === 0) return ok('gone');
    const texts = chunks.value.map(({ text }) => text);
    const made = await embedder.embed(texts, signal);
    if (!made.ok) return made;
    vectors.push(...made.value);
    onProgress(vectors.length / chunkCount, made.value.length);
    await nextLoop();
  }
  const stored = await documents.putVectors(space, id, vectors);
  return stored.ok ? ok(stored.value ? 'kept' : 'gone') : stored;
}
