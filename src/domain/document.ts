import type { ConversationId, DocumentId, ParticipantId } from './ids.ts';

/**
 * A text that people gave the conversation to look things up in. Immutable but for who may see it: a
 * conversation that is removed takes its share away. Its owner sees it, and so does every member of the
 * conversations it is shared with.
 */
export interface Document {
  readonly id: DocumentId;
  readonly owner: ParticipantId;
  /** Those it is shared with, in the order given. */
  readonly conversations: readonly ConversationId[];
  readonly title: string;
  /** What it was before it became text: `text/plain`, `text/markdown`, `text/html`, `application/json`, `application/pdf`. */
  readonly mediaType: string;
  /** A JSON object, 4 KiB at most. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Characters of its text; the offsets of its chunks count them. */
  readonly chars: number;
  readonly chunkCount: number;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** The `Idempotency-Key` it was stored with, unique to its owner. */
  readonly createdKey: string | null;
  /** SHA-256, in hex, of the request that stored it: the same key with another request is refused. */
  readonly digest: string;
}

/** A piece of a document that is found by itself. Pieces may overlap; together they have all of its words. */
export interface Chunk {
  /** 0, 1, 2, … in its document. */
  readonly index: number;
  /** The document's characters `start … end - 1`. */
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The public name of a chunk. */
export function chunkId(document: DocumentId, index: number): string {
  return `${document}.${index}`;
}
