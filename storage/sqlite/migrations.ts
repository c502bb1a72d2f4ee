import type { Database } from 'better-sqlite3';
import { OpenError } from '../open-error.ts';

/**
 * Forward steps; `PRAGMA user_version` counts those that were taken. A released step never changes: what comes
 * later is a new step. `tests/storage/schemas/` keeps each released schema with data in it.
 *
 * `log` takes the hot write, in rowid order and without another index, and keeps every event. `places` says where
 * a conversation's events stand; the indexer writes it behind the log (docs/adr/0006), and `progress` has the row up
 * to which it has come. Above that row, an event whose seq is not above its conversation's newest place has one, too.
 *
 * What is looked up by words or vectors has a key of 64 bits: the number of its conversation or document in the
 * upper half, its seq or index in the lower (docs/adr/0007). "Loose" documents are parts without their document: it
 * is still being added, or was removed. `indexed` … `message_vectors` are made from the log, and may be dropped.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE conversations (
    cid INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    epoch TEXT NOT NULL,
    first_seq INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    created_key TEXT,
    updated_at INTEGER NOT NULL,
    settings TEXT NOT NULL
  );
  CREATE TABLE members (
    place INTEGER PRIMARY KEY,
    cid INTEGER NOT NULL,
    participant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    kind INTEGER NOT NULL,
    role TEXT NOT NULL,
    conversation_id TEXT NOT NULL,
    UNIQUE (cid, participant_id)
  );
  CREATE INDEX members_by_participant ON members (participant_id, conversation_id);

  CREATE TABLE log (
    row INTEGER PRIMARY KEY,
    cid INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    author_id TEXT NOT NULL,
    author_name TEXT NOT NULL,
    author_kind INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    key TEXT,
    body TEXT NOT NULL
  );
  CREATE TABLE places (
    cid INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    records BLOB NOT NULL,
    PRIMARY KEY (cid, first_seq)
  ) WITHOUT ROWID;
  CREATE TABLE progress (
    name TEXT PRIMARY KEY,
    row INTEGER NOT NULL
  ) WITHOUT ROWID;
  INSERT INTO progress VALUES ('places', 0);
  CREATE TABLE edits (
    cid INTEGER NOT NULL,
    target_seq INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (cid, target_seq, seq)
  ) WITHOUT ROWID;
  CREATE TABLE turns (
    place INTEGER PRIMARY KEY,
    cid INTEGER NOT NULL,
    id TEXT NOT NULL,
    is_open INTEGER NOT NULL,
    record TEXT NOT NULL,
    UNIQUE (cid, id)
  );
  CREATE INDEX turns_open ON turns (cid) WHERE is_open = 1;
  CREATE TABLE removed (
    cid INTEGER PRIMARY KEY,
    last_row INTEGER NOT NULL
  );
  CREATE TABLE secrets (
    name TEXT PRIMARY KEY,
    bytes BLOB NOT NULL
  ) WITHOUT ROWID;
  INSERT INTO secrets VALUES ('sqlite.key-hash', randomblob(12));
  `,
  `
  CREATE INDEX turns_by_conversation ON turns (cid);
  CREATE TABLE trims (
    cid INTEGER PRIMARY KEY,
    erased_to INTEGER NOT NULL,
    last_row INTEGER
  );
  CREATE INDEX trims_open ON trims (last_row) WHERE last_row IS NOT NULL;

  CREATE TABLE spaces (
    sid INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    dimensions INTEGER NOT NULL,
    is_in_use INTEGER NOT NULL
  );
  CREATE TABLE dropped_spaces (
    sid INTEGER PRIMARY KEY
  );

  CREATE TABLE indexed (
    cid INTEGER PRIMARY KEY,
    mark INTEGER NOT NULL
  );
  CREATE TABLE indexed_messages (
    cid INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    text_seq INTEGER NOT NULL,
    text_row INTEGER NOT NULL,
    sid INTEGER NOT NULL,
    PRIMARY KEY (cid, seq)
  ) WITHOUT ROWID;
  CREATE INDEX indexed_by_space ON indexed_messages (cid, sid, seq);
  CREATE VIRTUAL TABLE message_words USING fts5 (terms, content = '', contentless_delete = 1, tokenize = 'ascii');
  INSERT INTO message_words (message_words, rank) VALUES ('automerge', 0);
  CREATE TABLE message_vectors (
    place INTEGER PRIMARY KEY,
    sid INTEGER NOT NULL,
    cid INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    vector BLOB NOT NULL,
    UNIQUE (sid, cid, seq)
  );

  CREATE TABLE documents (
    did INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    created_key TEXT,
    record TEXT NOT NULL,
    UNIQUE (owner, created_key)
  );
  CREATE TABLE loose_documents (
    did INTEGER PRIMARY KEY AUTOINCREMENT
  );
  CREATE TABLE shares (
    did INTEGER NOT NULL,
    cid INTEGER NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY (did, cid)
  ) WITHOUT ROWID;
  CREATE INDEX shares_by_conversation ON shares (cid, did);
  CREATE TABLE chunks (
    key INTEGER PRIMARY KEY,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    text TEXT NOT NULL
  );
  CREATE VIRTUAL TABLE chunk_words USING fts5 (terms, content = '', contentless_delete = 1, tokenize = 'ascii');
  INSERT INTO chunk_words (chunk_words, rank) VALUES ('automerge', 0);
  CREATE TABLE chunk_vectors (
    place INTEGER PRIMARY KEY,
    sid INTEGER NOT NULL,
    did INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    vector BLOB NOT NULL,
    UNIQUE (sid, did, idx)
  );
  CREATE TABLE document_spaces (
    sid INTEGER NOT NULL,
    did INTEGER NOT NULL,
    PRIMARY KEY (sid, did)
  ) WITHOUT ROWID;
  `,
  `
  CREATE TABLE summaries (
    cid INTEGER PRIMARY KEY,
    to_seq INTEGER NOT NULL,
    record TEXT NOT NULL
  );
  CREATE TABLE audit (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    participant_id TEXT,
    conversation_id TEXT,
    record TEXT NOT NULL
  );
  CREATE INDEX audit_by_time ON audit (at);
  CREATE INDEX audit_by_action ON audit (action, at);
  CREATE INDEX audit_by_participant ON audit (participant_id, at);
  CREATE INDEX audit_by_conversation ON audit (conversation_id, at);
  CREATE TABLE spending (
    day INTEGER NOT NULL,
    account TEXT NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cost INTEGER NOT NULL,
    PRIMARY KEY (day, account)
  ) WITHOUT ROWID;
  `,
];

/** Brings the file to the newest schema, in one transaction; an empty file gets all of it. */
export function migrate(db: Database, steps: readonly string[] = MIGRATIONS): void {
  const found = versionOf(db);
  if (found > steps.length) {
    throw new OpenError(
      `has schema ${found}, and this program knows schemas up to ${steps.length}: start a newer program, or use another file`,
    );
  }
  if (found === steps.length) return;
  db.transaction(() => {
    const from = versionOf(db);
    for (const step of steps.slice(from)) db.exec(step);
    db.pragma(`user_version = ${steps.length}`);
  }).immediate();
}

function versionOf(db: Database): number {
  return Number(db.pragma('user_version', { simple: true }));
}
