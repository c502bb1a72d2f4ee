import type { Chunk } from '../../src/domain/document.ts';
import type { ConversationId, DocumentId } from '../../src/domain/ids.ts';
import type {
  ChunkQuery,
  DocumentPage,
  FoundChunk,
  StoredDocument,
  TermsQuery,
} from '../document-store.ts';
import type { FoundMessage, MessageVector, UnembeddedMessage } from '../message-index.ts';

/** What the store asks of its searching thread, by name: what goes there, and what comes back. */
interface Calls {
  readonly messagesByTerms: {
    order: { readonly id: ConversationId; readonly limit: number } & TermsQuery;
    answer: readonly FoundMessage[];
  };
  readonly messagesByVector: {
    order: { readonly id: ConversationId; readonly limit: number } & VectorOrder;
    answer: readonly FoundMessage[];
  };
  readonly messagesWithoutVector: {
    order: { readonly id: ConversationId; readonly sid: number; readonly limit: number };
    answer: readonly UnembeddedMessage[];
  };
  /** Takes in the events from `fromSeq` on, which stand in these rows, as many as there is time for: the new mark. */
  readonly takeIn: {
    order: {
      readonly cid: number;
      readonly firstSeq: number;
      readonly fromSeq: number;
      readonly rows: readonly number[];
    };
    answer: number;
  };
  readonly putMessageVectors: {
    order: {
      readonly cid: number;
      readonly firstSeq: number;
      readonly sid: number;
      readonly vectors: readonly MessageVector[];
    };
    answer: undefined;
  };
  readonly chunksByTerms: {
    order: ChunkQuery & TermsQuery;
    answer: readonly FoundChunk[];
  };
  readonly chunksByVector: {
    order: ChunkQuery & VectorOrder;
    answer: readonly FoundChunk[];
  };
  readonly listDocuments: { order: DocumentPage; answer: readonly StoredDocument[] };
  readonly documentsWithoutVectors: {
    order: { readonly sid: number; readonly afterId?: DocumentId; readonly limit: number };
    answer: { readonly ids: readonly DocumentId[]; readonly count: number };
  };
  /** Adds chunks to a loose document, as many as there is time for: how many. */
  readonly addChunks: {
    order: { readonly did: number; readonly title: string; readonly chunks: readonly Chunk[] };
    answer: number;
  };
  /** The first ones take away the promise that the document has all its vectors in this space. */
  readonly putChunkVectors: {
    order: {
      readonly did: number;
      readonly sid: number;
      readonly fromIndex: number;
      readonly vectors: readonly Float32Array[];
    };
    answer: undefined;
  };
}

interface VectorOrder {
  readonly sid: number;
  readonly vector: Float32Array;
}

export type CallName = keyof Calls;
export type CallOrder<K extends CallName> = Calls[K]['order'];
export type CallAnswer<K extends CallName> = Calls[K]['answer'];

/** How the searching thread answers each call. */
export type CallHandlers = {
  readonly [K in CallName]: (order: CallOrder<K>) => CallAnswer<K>;
};

export interface SearchOrder {
  readonly name: CallName;
  readonly order: CallOrder<CallName>;
}

export type SearchReport =
  | { readonly ok: true; readonly answer: CallAnswer<CallName> }
  /** With SQLite's code, or with none when it is a bug. */
  | { readonly ok: false; readonly code: string | undefined; readonly message: string };

/** Calls that write hold the file's write lock: no commit may run until their report is in. */
const WRITES: ReadonlySet<CallName> = new Set<CallName>([
  'takeIn',
  'putMessageVectors',
  'addChunks',
  'putChunkVectors',
]);

export function isWrite(name: CallName): boolean {
  return WRITES.has(name);
}
