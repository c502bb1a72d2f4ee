/**
 * Step 2: documents, the index of messages, and the spaces of vectors.
 *
 * Documents and their chunks are what was given; `chunk_terms` and the two `message_` tables are made from texts.
 * A text has one row of terms; one with more words than a tsvector holds has more, each word in one of them. A
 * conversation that goes takes its shares and its mark with it by the foreign key; its texts are deleted behind,
 * and are found by nobody (the numbers of conversations are never used again).
 *
 * The vectors of each space are in two tables of their own (storage/postgres/vector-tables.ts), so that dropping a
 * space with all of them is quick.
 */
export const SEARCH_SCHEMA = `
CREATE TABLE documents (
  did bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text COLLATE "C" NOT NULL UNIQUE,
  owner text COLLATE "C" NOT NULL,
  created_key text COLLATE "C",
  chunk_count integer NOT NULL,
  record text NOT NULL,
  UNIQUE (owner, created_key)
);

CREATE TABLE document_shares (
  did bigint NOT NULL REFERENCES documents ON DELETE CASCADE,
  cid bigint NOT NULL REFERENCES conversations ON DELETE CASCADE,
  place integer NOT NULL,
  PRIMARY KEY (did, cid)
);
CREATE INDEX document_shares_by_conversation ON document_shares (cid, did);

CREATE TABLE chunks (
  did bigint NOT NULL REFERENCES documents ON DELETE CASCADE,
  place bigint NOT NULL,
  first_char integer NOT NULL,
  end_char integer NOT NULL,
  text text NOT NULL,
  PRIMARY KEY (did, place)
);

CREATE TABLE chunk_terms (
  did bigint NOT NULL,
  place bigint NOT NULL,
  part integer NOT NULL,
  length integer NOT NULL,
  terms tsvector NOT NULL,
  PRIMARY KEY (did, place, part),
  FOREIGN KEY (did, place) REFERENCES chunks ON DELETE CASCADE
);
CREATE INDEX chunk_terms_words ON chunk_terms USING gin (terms);

CREATE TABLE message_marks (
  cid bigint PRIMARY KEY REFERENCES conversations ON DELETE CASCADE,
  mark bigint NOT NULL
);

CREATE TABLE message_texts (
  cid bigint NOT NULL,
  seq bigint NOT NULL,
  text_seq bigint NOT NULL,
  embedded_in integer NOT NULL DEFAULT 0,
  PRIMARY KEY (cid, seq)
);
CREATE INDEX message_texts_by_space ON message_texts (cid, embedded_in, seq);

CREATE TABLE message_terms (
  cid bigint NOT NULL,
  seq bigint NOT NULL,
  part integer NOT NULL,
  length integer NOT NULL,
  terms tsvector NOT NULL,
  PRIMARY KEY (cid, seq, part),
  FOREIGN KEY (cid, seq) REFERENCES message_texts ON DELETE CASCADE
);
CREATE INDEX message_terms_words ON message_terms USING gin (terms);

CREATE TABLE vector_spaces (
  sid integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE,
  dimensions integer NOT NULL,
  in_use boolean NOT NULL,
  storage text NOT NULL
);
CREATE UNIQUE INDEX vector_spaces_in_use ON vector_spaces (in_use) WHERE in_use;

CREATE TABLE document_spaces (
  did bigint NOT NULL REFERENCES documents ON DELETE CASCADE,
  sid integer NOT NULL REFERENCES vector_spaces ON DELETE CASCADE,
  PRIMARY KEY (did, sid)
);
`;
