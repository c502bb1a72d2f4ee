import { z } from 'zod';
import { type Chunk, chunkId, type Document } from '../domain/document.ts';
import type { ConversationId, DocumentId } from '../domain/ids.ts';
import { wireTime } from './encode.ts';
import { ConversationIdField, DocumentIdField, MetadataField } from './fields.ts';
import { Limit, Whole } from './rest.ts';

/** The bodies, queries and answers about documents. Unknown fields are ignored. */

/** Characters, after trimming. */
const MAX_TITLE_CHARS = 300;
/** Conversations that one document may be shared with. */
const MAX_CONVERSATIONS = 32;

const TitleField = z
  .string()
  .trim()
  .min(1)
  .max(MAX_TITLE_CHARS)
  .regex(/^[^\p{Cc}\p{Cs}]+$/u, 'no control characters');

const ConversationsField = z
  .array(ConversationIdField)
  .max(MAX_CONVERSATIONS)
  .transform((ids): readonly ConversationId[] => [...new Set(ids)])
  .default([]);

/**
 * What a JSON body says about a document besides `content` and `media_type`; those two are read where the document
 * is, in a thread of its own.
 */
export const DocumentFields = z.object({
  title: TitleField,
  conversations: ConversationsField,
  metadata: MetadataField.default({}),
});

/** The same in the query of an upload: `conversations` may be there many times, `metadata` is JSON. */
export const UploadQuery = z.object({
  title: TitleField,
  conversations: ConversationsField,
  metadata: z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue({ code: 'custom', message: 'not JSON' });
        return z.NEVER;
      }
    })
    .pipe(MetadataField)
    .default({}),
});

/** A `next_cursor` of documents is the id of the last one. */
export const DocumentsQuery = z.object({
  cursor: DocumentIdField.optional(),
  conversation_id: ConversationIdField.optional(),
  limit: Limit,
});

/** A `next_cursor` of chunks is the index of the last one. */
export const ChunksQuery = z.object({ cursor: Whole.optional(), limit: Limit });

export const DocumentPath = z.object({ id: DocumentIdField });

/** Characters of a query: a long paragraph. */
const MAX_QUERY_CHARS = 2_000;
const MAX_HITS = 50;
const DEFAULT_HITS = 10;

export const SearchDocuments = z.object({
  query: z.string().trim().min(1).max(MAX_QUERY_CHARS),
  mode: z.enum(['hybrid', 'keyword', 'vector']).default('hybrid'),
  limit: z.int().min(1).max(MAX_HITS).default(DEFAULT_HITS),
  conversation_id: ConversationIdField.optional(),
});

export interface DocumentState {
  readonly document: Document;
  readonly isReady: boolean;
  readonly progress: number;
}

/** `conversations`: those of its own that the reader may know of. */
export function wireDocument(
  { document, isReady, progress }: DocumentState,
  conversations: readonly ConversationId[],
) {
  return {
    document_id: document.id,
    title: document.title,
    media_type: document.mediaType,
    owner: document.owner,
    conversations,
    metadata: document.metadata,
    chars: document.chars,
    chunks: document.chunkCount,
    state: isReady ? 'ready' : 'embedding',
    progress,
    created_at: wireTime(document.createdAt),
  };
}

export function wireChunk(of: DocumentId, { index, start, end, text }: Chunk) {
  return { chunk_id: chunkId(of, index), index, start, end, text };
}

export function wireHit({
  document,
  chunk,
  score,
  snippet,
}: {
  readonly document: Document;
  readonly chunk: Chunk;
  readonly score: number;
  readonly snippet: string;
}) {
  const { id, title, metadata } = document;
  return { document_id: id, title, score, snippet, ...wireChunk(id, chunk), metadata };
}
