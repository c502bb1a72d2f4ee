import type { Chunk, Document } from '../../src/domain/document.ts';
import type { DocumentId } from '../../src/domain/ids.ts';
import { err, ok, type Result } from '../../src/domain/result.ts';
import type { AddFailure } from '../document-store.ts';
import { searchedText } from '../text.ts';
import type { Unavailable } from '../unavailable.ts';
import type { Transaction } from './database.ts';
import { recordOf } from './document-rows.ts';
import { textTerms } from './terms.ts';

/** Characters of text, and rows, that go into one statement: other work comes between two. One chunk may have more. */
const MAX_BATCH_CHARS = 200_000;
const MAX_BATCH_ROWS = 200;
/** How often the twin that stood in the way may be gone when it is looked for. */
const TRIES = 3;

const INSERT = {
  name: 'document-add',
  text: `INSERT INTO documents (id, owner, created_key, chunk_count, record) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT DO NOTHING RETURNING did`,
};
const TWIN = {
  name: 'document-twin',
  text: `SELECT id FROM documents WHERE id = $1 OR (owner = $2 AND created_key = $3) ORDER BY id <> $1 LIMIT 1`,
};
/** The conversations stay until this is over. */
const SHARE = {
  name: 'document-share',
  text: `INSERT INTO document_shares (did, cid, place)
    SELECT $1, c.cid, g.place FROM unnest($2::text[]) WITH ORDINALITY AS g (id, place)
    JOIN conversations c ON c.id = g.id FOR KEY SHARE OF c
    ON CONFLICT DO NOTHING RETURNING cid`,
};
const ADD_CHUNKS = {
  name: 'document-add-chunks',
  text: `INSERT INTO chunks (did, place, first_char, end_char, text)
    SELECT $1, * FROM unnest($2::bigint[], $3::integer[], $4::integer[], $5::text[])`,
};
const ADD_TERMS = {
  name: 'document-add-terms',
  text: `INSERT INTO chunk_terms (did, place, part, length, terms)
    SELECT $1, t.place, t.part, t.length, t.terms::tsvector
    FROM unnest($2::bigint[], $3::integer[], $4::integer[], $5::text[]) AS t (place, part, length, terms)`,
};

/** Stores a document with everything that is made of it; the transaction is the caller's. */
export async function addDocument(
  tx: Transaction,
  document: Document,
  chunks: readonly Chunk[],
): Promise<Result<void, Exclude<AddFailure, Unavailable>>> {
  const inserted = await insert(tx, document);
  if (!inserted.ok) return inserted;
  const did = inserted.value;
  const shares = await tx.rows<{ cid: number }>(SHARE, [did, document.conversations]);
  const scopes = [ownerScope(document.owner), ...shares.map(({ cid }) => conversationScope(cid))];
  const { title } = document;
  for (const batch of batches(chunks)) await addChunks(tx, batch, { did, scopes, title });
  return ok(undefined);
}

async function insert(
  tx: Transaction,
  document: Document,
): Promise<Result<number, Exclude<AddFailure, Unavailable>>> {
  const { id, owner, createdKey, chunkCount } = document;
  const record = recordOf(document);
  for (let tries = 1; tries <= TRIES; tries += 1) {
    const [made] = await tx.rows<{ did: number }>(INSERT, [
      id,
      owner,
      createdKey,
      chunkCount,
      record,
    ]);
    if (made !== undefined) return ok(made.did);
    const [twin] = await tx.rows<{ id: DocumentId }>(TWIN, [id, owner, createdKey]);
    if (twin?.id === id) return err({ reason: 'already_exists' });
    if (twin !== undefined) return err({ reason: 'key_taken', id: twin.id });
  }
  throw new Error('a document is in the way, and is not there');
}

interface Added {
  readonly did: number;
  /** The lexemes of who sees it. */
  readonly scopes: readonly string[];
  readonly title: string;
}

async function addChunks(
  tx: Transaction,
  chunks: readonly Chunk[],
  { did, scopes, title }: Added,
): Promise<void> {
  const parts = chunks.flatMap((chunk) => {
    const { length, parts } = textTerms(searchedText(title, chunk), scopes);
    return parts.map((terms, part) => ({ index: chunk.index, part, length, terms }));
  });
  await tx.run(ADD_CHUNKS, [
    did,
    chunks.map(({ index }) => index),
    chunks.map(({ start }) => start),
    chunks.map(({ end }) => end),
    chunks.map(({ text }) => text),
  ]);
  await tx.run(ADD_TERMS, [
    did,
    parts.map(({ index }) => index),
    parts.map(({ part }) => part),
    parts.map(({ length }) => length),
    parts.map(({ terms }) => terms),
  ]);
}

function* batches(chunks: readonly Chunk[]): Generator<readonly Chunk[]> {
  let batch: Chunk[] = [];
  let chars = 0;
  for (const chunk of chunks) {
    if (batch.length > 0 && (batch.length >= MAX_BATCH_ROWS || chars >= MAX_BATCH_CHARS)) {
      yield batch;
      batch = [];
      chars = 0;
    }
    batch.push(chunk);
    chars += chunk.text.length;
  }
  if (batch.length > 0) yield batch;
}

/** The lexeme of what a participant owns. */
export function ownerScope(owner: Document['owner']): string {
  return `@o${owner}`;
}

/** The lexeme of what was shared with a conversation when it was added. */
function conversationScope(cid: number): string {
  return `@c${cid}`;
}
