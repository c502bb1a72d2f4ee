import type { Chunk, Document } from '../../src/domain/document.ts';
import type { ConversationId, DocumentId, ParticipantId } from '../../src/domain/ids.ts';
import { err, ok, type Result } from '../../src/domain/result.ts';
import { rank } from '../../src/text/bm25.ts';
import { termsOf } from '../../src/text/terms.ts';
import { assertChunks } from '../batch.ts';
import type {
  AddFailure,
  ChunkPage,
  ChunkQuery,
  DocumentPage,
  DocumentStore,
  FoundChunk,
  StoredDocument,
  TermsQuery,
  VectorQuery,
} from '../document-store.ts';
import { Best, innerProduct } from '../nearest.ts';
import { searchedText, wellFormedChunk, wellFormedDocument } from '../text.ts';
import type { Unavailable } from '../unavailable.ts';
import type { Space } from '../vector-spaces.ts';
import type { Gate } from './gate.ts';
import type { MemoryConversation } from './memory-conversation.ts';
import type { MemorySpaces } from './memory-spaces.ts';

interface Held {
  document: Document;
  readonly chunks: readonly Chunk[];
  /** The terms of each chunk. */
  readonly terms: ReadonlyArray<readonly string[]>;
}

interface Parts {
  readonly gate: Gate;
  readonly spaces: MemorySpaces;
  readonly conversations: ReadonlyMap<ConversationId, MemoryConversation>;
}

/** The documents of the memory store: every search looks at every chunk that may be seen. */
export class MemoryDocuments implements DocumentStore {
  readonly #parts: Parts;
  readonly #documents = new Map<DocumentId, Held>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  add(given: Document, chunks: readonly Chunk[]): Promise<Result<void, AddFailure>> {
    return this.#parts.gate.attempt((): Result<void, AddFailure> => {
      assertChunks(given, chunks);
      if (this.#documents.has(given.id)) return err({ reason: 'already_exists' });
      const document = wellFormedDocument({
        ...given,
        conversations: given.conversations.filter((id) => this.#parts.conversations.has(id)),
      });
      const twin = this.#withKeyOf(document);
      if (twin !== undefined) return err({ reason: 'key_taken', id: twin });
      const stored = chunks.map(wellFormedChunk);
      const terms = stored.map((chunk) => termsOf(searchedText(document.title, chunk)));
      this.#documents.set(document.id, { document, chunks: stored, terms });
      return ok(undefined);
    });
  }

  read(
    id: DocumentId,
    seenBy?: ParticipantId,
  ): Promise<Result<StoredDocument | undefined, Unavailable>> {
    return this.#parts.gate.answer(() => {
      const held = this.#documents.get(id);
      return held !== undefined && this.#isSeen(held.document, { seenBy })
        ? this.#stored(held)
        : undefined;
    });
  }

  list(page: DocumentPage): Promise<Result<readonly StoredDocument[], Unavailable>> {
    const { afterId, limit } = page;
    return this.#parts.gate.answer(() =>
      this.#seen(page)
        .filter(({ document: { id } }) => afterId === undefined || id > afterId)
        .sort(byId)
        .slice(0, limit)
        .map((held) => this.#stored(held)),
    );
  }

  countOwned(owner: ParticipantId): Promise<Result<number, Unavailable>> {
    return this.#parts.gate.answer(
      () => [...this.#documents.values()].filter(({ document }) => document.owner === owner).length,
    );
  }

  readChunks(id: DocumentId, page: ChunkPage): Promise<Result<readonly Chunk[], Unavailable>> {
    const start = (page.afterIndex ?? -1) + 1;
    return this.#parts.gate.answer(
      () => this.#documents.get(id)?.chunks.slice(start, start + page.limit) ?? [],
    );
  }

  remove(id: DocumentId): Promise<Result<boolean, Unavailable>> {
    return this.#parts.gate.answer(() => {
      for (const { documents } of this.#parts.spaces.all()) documents.delete(id);
      return this.#documents.delete(id);
    });
  }

  /** A conversation that is gone has no documents. */
  unshare(conversation: ConversationId): void {
    for (const held of this.#documents.values()) {
      const conversations = held.document.conversations.filter((id) => id !== conversation);
      held.document = { ...held.document, conversations };
    }
  }

  byTerms(query: ChunkQuery & TermsQuery): Promise<Result<readonly FoundChunk[], Unavailable>> {
    return this.#parts.gate.answer(() => {
      const places: Array<Omit<FoundChunk, 'score'>> = [];
      const texts: Array<readonly string[]> = [];
      for (const { document, chunks, terms } of this.#seen(query)) {
        for (const chunk of chunks) places.push({ document, chunk });
        texts.push(...terms);
      }
      return rank(new Set(query.terms), texts)
        .slice(0, query.limit)
        .flatMap(({ index, score }) => {
          const place = places[index];
          return place === undefined ? [] : [{ ...place, score }];
        });
    });
  }

  byVector(query: ChunkQuery & VectorQuery): Promise<Result<readonly FoundChunk[], Unavailable>> {
    return this.#parts.gate.answer(() => {
      const space = this.#parts.spaces.find(query.space);
      const wanted = space?.unitOf(query.vector);
      if (space === undefined || wanted === undefined) return [];
      const best = new Best<FoundChunk>(query.limit);
      for (const { document, chunks } of this.#seen(query)) {
        for (const [index, vector] of (space.documents.get(document.id) ?? []).entries()) {
          const score = innerProduct(wanted, vector);
          const chunk = chunks[index];
          if (score > best.bar && chunk !== undefined) best.offer({ document, chunk, score });
        }
      }
      return best.items;
    });
  }

  withoutVectors(
    space: Space,
    { afterId, limit }: { readonly afterId?: DocumentId; readonly limit: number },
  ): Promise<Result<{ readonly ids: readonly DocumentId[]; readonly count: number }, Unavailable>> {
    return this.#parts.gate.answer(() => {
      const having = this.#parts.spaces.find(space)?.documents;
      const ids = [...this.#documents.keys()].filter((id) => having?.has(id) !== true).sort();
      const after = ids.filter((id) => afterId === undefined || id > afterId);
      return { ids: after.slice(0, limit), count: ids.length };
    });
  }

  putVectors(
    given: Space,
    id: DocumentId,
    vectors: readonly Float32Array[],
  ): Promise<Result<boolean, Unavailable>> {
    return this.#parts.gate.answer(() => {
      const space = this.#parts.spaces.find(given);
      const held = this.#documents.get(id);
      if (space === undefined || held === undefined) return false;
      if (vectors.length !== held.chunks.length)
        throw new RangeError(`${vectors.length} vectors for ${held.chunks.length} chunks`);
      space.documents.set(
        id,
        vectors.map((vector) => space.unitOf(vector)),
      );
      return true;
    });
  }

  #stored({ document }: Held): StoredDocument {
    const spaces = this.#parts.spaces.all().filter(({ documents }) => documents.has(document.id));
    return { document, spaces: spaces.map(({ name }) => name) };
  }

  #seen(who: Who): Held[] {
    return [...this.#documents.values()].filter(({ document }) => this.#isSeen(document, who));
  }

  #isSeen({ owner, conversations }: Document, { seenBy, sharedWith }: Who): boolean {
    if (sharedWith !== undefined && !conversations.includes(sharedWith)) return false;
    if (seenBy === undefined || seenBy === owner) return true;
    return conversations.some((id) => this.#parts.conversations.get(id)?.members.has(seenBy));
  }

  #withKeyOf({ owner, createdKey }: Document): DocumentId | undefined {
    if (createdKey === null) return undefined;
    const twin = [...this.#documents.values()].find(
      ({ document }) => document.owner === owner && document.createdKey === createdKey,
    );
    return twin?.document.id;
  }
}

interface Who {
  readonly seenBy?: ParticipantId | undefined;
  readonly sharedWith?: ConversationId | undefined;
}

function byId(a: Held, b: Held): number {
  return a.document.id < b.document.id ? -1 : 1;
}
