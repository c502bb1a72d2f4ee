import type { Chunk, Document } from '../../src/domain/document.ts';
import type { ConversationId, ParticipantId } from '../../src/domain/ids.ts';
import type { FoundChunk, StoredDocument } from '../document-store.ts';
import type { Value } from './database.ts';

/** The columns of a document `d` that `documentOf` reads. */
export const DOCUMENT_COLUMNS = `d.record, ARRAY(
    SELECT c.id FROM document_shares s JOIN conversations c ON c.cid = s.cid
    WHERE s.did = d.did ORDER BY s.place) AS conversations`;

/** Beside them, those that `storedDocumentOf` reads. */
export const SPACES_COLUMN = `ARRAY(
    SELECT v.name FROM document_spaces s JOIN vector_spaces v ON v.sid = s.sid
    WHERE s.did = d.did ORDER BY v.sid) AS spaces`;

export interface DocumentRow {
  readonly record: string;
  readonly conversations: readonly ConversationId[];
}

export interface StoredDocumentRow extends DocumentRow {
  readonly spaces: readonly string[];
}

/** The columns of a chunk `k` that `chunkOf` reads. */
export const CHUNK_COLUMNS = 'k.place, k.first_char, k.end_char, k.text';

export interface ChunkRow {
  readonly place: number;
  readonly first_char: number;
  readonly end_char: number;
  readonly text: string;
}

/** What is kept of a document in one text; who may see it is kept in rows. */
export function recordOf({ conversations: _, ...record }: Document): string {
  return JSON.stringify(record);
}

function documentOf({ record, conversations }: DocumentRow): Document {
  return { ...(JSON.parse(record) as Omit<Document, 'conversations'>), conversations };
}

export function storedDocumentOf(row: StoredDocumentRow): StoredDocument {
  return { document: documentOf(row), spaces: row.spaces };
}

export function chunkOf({ place, first_char, end_char, text }: ChunkRow): Chunk {
  return { index: place, start: first_char, end: end_char, text };
}

export function foundChunkOf(row: DocumentRow & ChunkRow & { readonly score: number }): FoundChunk {
  return { document: documentOf(row), chunk: chunkOf(row), score: row.score };
}

/** Who looks, and where. */
export interface Who {
  readonly seenBy?: ParticipantId | undefined;
  readonly sharedWith?: ConversationId | undefined;
}

/** A part of a statement whose parameters are the statement's first ones. */
export interface Part {
  readonly text: string;
  readonly values: readonly Value[];
}

/**
 * The numbers of the documents that are seen (D2), as a query: what one owns, and what is shared with conversations
 * that one is a member of.
 */
export function seenDocuments({ seenBy, sharedWith }: Who): Part {
  if (sharedWith !== undefined) return sharedDocuments(sharedWith, seenBy);
  if (seenBy === undefined) return { text: 'SELECT d.did FROM documents d', values: [] };
  return {
    text: `SELECT d.did FROM documents d WHERE d.owner = $1
      UNION SELECT s.did FROM members m JOIN document_shares s ON s.cid = m.cid WHERE m.participant_id = $1`,
    values: [seenBy],
  };
}

function sharedDocuments(sharedWith: ConversationId, seenBy: ParticipantId | undefined): Part {
  const shared = `SELECT d.did FROM conversations c
    JOIN document_shares o ON o.cid = c.cid JOIN documents d ON d.did = o.did WHERE c.id = $1`;
  if (seenBy === undefined) return { text: shared, values: [sharedWith] };
  return { text: `${shared} AND ${isSeen('$2')}`, values: [sharedWith, seenBy] };
}

/** Whether a participant sees the document `d`. */
export function isSeen(participant: string): string {
  return `(d.owner = ${participant} OR EXISTS (
    SELECT FROM document_shares s JOIN members m ON m.cid = s.cid AND m.participant_id = ${participant}
    WHERE s.did = d.did))`;
}
