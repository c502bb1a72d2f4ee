import { createHash } from 'node:crypto';
import type { DocumentStore, StoredDocument } from '../../storage/document-store.ts';
import type { Unavailable } from '../../storage/unavailable.ts';
import type { Space, VectorSpaces } from '../../storage/vector-spaces.ts';
import type { Chunk, Document } from '../domain/document.ts';
import { type Failure, failure } from '../domain/failure.ts';
import {
  type ConversationId,
  type DocumentId,
  newDocumentId,
  type ParticipantId,
} from '../domain/ids.ts';
import { err, ok, type Result } from '../domain/result.ts';
import type { Log } from '../observability/log.ts';
import type { Meters } from '../observability/meters.ts';
import { type Guard, unguarded } from '../provider/guard.ts';
import type { SearchAnswer } from '../search/answers.ts';
import type { Embedders } from '../search/embedder.ts';
import { type ChunkHit, type DocumentQuery, searchDocuments } from './document-search.ts';
import { EmbeddingJob, type Timing } from './embedding-job.ts';
import type { Order, Reading } from './extract.ts';
import { Extractor } from './extractor.ts';
import { ServingSpace } from './serving-space.ts';

export interface LibraryParts {
  readonly store: {
    readonly documents: DocumentStore;
    readonly spaces: VectorSpaces;
    readonly isShared: boolean;
  };
  readonly embedders: Embedders;
  /** Around what vectors are asked of the store; nothing when absent. */
  readonly guard?: Guard;
  readonly timing: Timing;
  readonly log: Log;
  readonly meters: Meters;
  readonly limits: LibraryLimits;
}

interface LibraryLimits {
  /** Documents that one participant may own. */
  readonly maxDocuments: number;
  readonly maxDocumentChunks: number;
  /** Milliseconds that reading one document may take. */
  readonly extractMs: number;
}

/** A document, and how far its vectors are. Its words are found as soon as it is there. */
export interface ShownDocument {
  readonly document: Document;
  readonly isReady: boolean;
  /** The part of its chunks that have vectors, from 0 to 1. */
  readonly progress: number;
}

/** What a participant says about a document that was read. */
export interface NewDocument {
  readonly owner: ParticipantId;
  readonly title: string;
  readonly conversations: readonly ConversationId[];
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly key: string | null;
  readonly reading: Reading;
}

export interface ListedDocuments {
  readonly seenBy: ParticipantId;
  readonly sharedWith?: ConversationId | undefined;
  readonly afterId?: DocumentId | undefined;
  readonly limit: number;
}

/**
 * The documents that people gave to look things up in: from bytes to text to chunks to vectors, and found again.
 *
 * Owns: the threads that read documents, and the background job that gives them vectors.
 * Does not own: the store, and who may send to a conversation.
 */
export class Library {
  readonly #parts: LibraryParts;
  readonly #documents: DocumentStore;
  readonly #extractor: Extractor;
  readonly #serving: ServingSpace;
  readonly #job: EmbeddingJob | undefined;

  constructor(parts: LibraryParts) {
    const { store, embedders, limits, meters } = parts;
    const { documents, spaces, isShared } = store;
    const { configured } = embedders;
    this.#parts = parts;
    this.#documents = documents;
    this.#extractor = new Extractor({ deadlineMs: limits.extractMs });
    this.#serving = new ServingSpace(spaces, embedders);
    if (configured === undefined) return;
    this.#job = new EmbeddingJob({
      ...parts,
      documents,
      spaces,
      isShared,
      configured,
      serving: this.#serving,
      onEmbedded: meters.embedded,
    });
    meters.embeddingBacklog = () => this.#job?.backlog ?? new Map();
  }

  /** Begins to embed in the background: what an earlier process left, too. */
  start(): void {
    this.#job?.start();
  }

  /** Stops reading and embedding; what was stored is embedded after the next start. */
  async close(): Promise<void> {
    await Promise.all([this.#extractor.close(), this.#job?.close()]);
  }

  /** What was uploaded as text in pieces, or why it can't be read. Nothing is stored. */
  read(upload: Omit<Order, 'maxChunks'>): Promise<Result<Reading, Failure>> {
    return this.#extractor.read({ ...upload, maxChunks: this.#parts.limits.maxDocumentChunks });
  }

  /** Whether this participant may own one more. */
  async hasRoomFor(owner: ParticipantId): Promise<Result<void, Failure>> {
    const owned = await this.#documents.countOwned(owner);
    if (!owned.ok) return err(failure('storage_unavailable', { cause: owned.failure.cause }));
    const isFull = owned.value >= this.#parts.limits.maxDocuments;
    return isFull ? err(failure('too_many_documents')) : ok(undefined);
  }

  /** Stores a document; with a key that its owner used before, finds the one that it stored. */
  async add(
    wanted: NewDocument,
  ): Promise<Result<ShownDocument & { readonly isRepeated: boolean }, Failure>> {
    const { reading, owner } = wanted;
    const document = documentOf(wanted, this.#parts.timing.now());
    const added = await this.#documents.add(document, reading.chunks);
    if (added.ok) {
      // Counted afterwards: a repeated request is answered also by a full library, and two at once can't pass.
      const isGone = (await this.#isOver(owner)) && (await this.#documents.remove(document.id)).ok;
      if (isGone) return err(failure('too_many_documents'));
      this.#parts.meters.documentsStored += 1;
      this.#job?.added(document.id);
      const shown = await this.find(document.id, owner);
      // It is stored, so this is no 503.
      return shown.ok ? ok({ ...shown.value, isRepeated: false }) : err(unknown(shown.failure));
    }
    switch (added.failure.reason) {
      case 'storage_unavailable':
        return err(failed(added.failure));
      case 'already_exists':
        return err(failure('internal', { cause: new Error('a new id was taken') }));
      case 'key_taken':
        return this.#repeated(added.failure.id, document);
      default:
        return added.failure satisfies never;
    }
  }

  /** One that this participant may see. */
  async find(id: DocumentId, seenBy: ParticipantId): Promise<Result<ShownDocument, Failure>> {
    const read = await this.#documents.read(id, seenBy);
    if (!read.ok) return err(failure('storage_unavailable', { cause: read.failure.cause }));
    if (read.value === undefined) return err(failure('document_not_found'));
    const [shown] = await this.#shown([read.value]);
    return shown === undefined ? err(failure('document_not_found')) : ok(shown);
  }

  /** Those that a participant may see, by id, after `afterId`. */
  async list({
    seenBy,
    sharedWith,
    afterId,
    limit,
  }: ListedDocuments): Promise<Result<readonly ShownDocument[], Failure>> {
    const read = await this.#documents.list({
      seenBy,
      limit,
      ...(sharedWith === undefined ? {} : { sharedWith }),
      ...(afterId === undefined ? {} : { afterId }),
    });
    if (!read.ok) return err(failure('storage_unavailable', { cause: read.failure.cause }));
    return ok(await this.#shown(read.value));
  }

  /** The chunks of a document that the caller was found to see, after `afterIndex`. */
  async chunks(
    id: DocumentId,
    page: { readonly afterIndex: number; readonly limit: number },
  ): Promise<Result<readonly Chunk[], Failure>> {
    const read = await this.#documents.readChunks(id, page);
    return read.ok ? read : err(failure('storage_unavailable', { cause: read.failure.cause }));
  }

  /** Erases a document of this owner's, from every index. */
  async remove(id: DocumentId, owner: ParticipantId): Promise<Result<void, Failure>> {
    const found = await this.find(id, owner);
    if (!found.ok) return found;
    if (found.value.document.owner !== owner)
      return err(failure('forbidden', { message: 'Only its owner deletes a document.' }));
    const removed = await this.#documents.remove(id);
    if (!removed.ok) return err(failed(removed.failure));
    return removed.value ? ok(undefined) : err(failure('document_not_found'));
  }

  async search(query: DocumentQuery): Promise<Result<SearchAnswer<ChunkHit>, Failure>> {
    const isBehind = (space: Space) => this.#isBehind(space);
    const answer = await searchDocuments(
      {
        documents: this.#documents,
        serving: this.#serving,
        isBehind,
        report: this.#parts.log.warn,
        guard: this.#parts.guard ?? unguarded,
      },
      query,
    );
    if (!answer.ok) return err(failure('storage_unavailable', { cause: answer.failure.cause }));
    this.#parts.meters.documentSearched(query.mode, answer.value.isDegraded);
    return answer;
  }

  /** Of what other servers store this process knows nothing: where there may be others, the store is asked. */
  async #isBehind(space: Space): Promise<Result<boolean, Unavailable>> {
    if (this.#job === undefined || this.#job.isBehind(space.name)) return ok(true);
    if (!this.#parts.store.isShared) return ok(false);
    const without = await this.#documents.withoutVectors(space, { limit: 1 });
    return without.ok ? ok(without.value.count > 0) : without;
  }

  async #isOver(owner: ParticipantId): Promise<boolean> {
    const owned = await this.#documents.countOwned(owner);
    return owned.ok && owned.value > this.#parts.limits.maxDocuments;
  }

  async #repeated(
    id: DocumentId,
    wanted: Document,
  ): Promise<Result<ShownDocument & { readonly isRepeated: boolean }, Failure>> {
    const found = await this.find(id, wanted.owner);
    if (!found.ok) return found;
    if (found.value.document.digest !== wanted.digest) return err(failure('key_reused'));
    return ok({ ...found.value, isRepeated: true });
  }

  async #shown(documents: readonly StoredDocument[]): Promise<readonly ShownDocument[]> {
    const serving = await this.#serving.embedder();
    const isOff = this.#parts.embedders.configured === undefined;
    const space = serving.ok ? serving.value?.space.name : undefined;
    return documents.map(({ document, spaces }) => {
      const isReady = isOff || (space !== undefined && spaces.includes(space));
      const progress = isReady ? 1 : (this.#job?.progressOf(document.id) ?? 0);
      return { document, isReady, progress };
    });
  }
}

/** 503 promises that nothing was stored: where nobody knows, it is not said. */
function failed({ cause, outcome }: Unavailable): Failure {
  return outcome === 'none' ? failure('storage_unavailable', { cause }) : unknown({ cause });
}

function unknown({ cause }: { readonly cause?: unknown }): Failure {
  const message = 'It is not known whether this was done; look again.';
  return failure('internal', { cause, message });
}

function documentOf({ reading, ...wanted }: NewDocument, now: number): Document {
  const { owner, title, conversations, metadata, key } = wanted;
  const { mediaType, chars, chunks } = reading;
  const request = JSON.stringify([title, mediaType, conversations, metadata, reading.digest]);
  return {
    id: newDocumentId(),
    owner,
    conversations,
    title,
    mediaType,
    metadata,
    chars,
    chunkCount: chunks.length,
    createdAt: now,
    createdKey: key,
    digest: createHash('sha256').update(request).digest('hex'),
  };
}
