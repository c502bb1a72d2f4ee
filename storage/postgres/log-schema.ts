/**
 * Step 1: conversations and their logs.
 *
 * Ids and keys are in the order of bytes, whatever the database's own order is. `events` refers to conversations by
 * number and without a foreign key, which would cost a look-up for each event. Bodies, settings and turns are JSON
 * in text: they come back as they were given. `head_seq` is in no index, so moving it makes no new index entry.
 *
 * What is large is deleted behind: events below `first_seq` and from `cleared_seq` on are to be emptied, and what is
 * left of the conversations in `removed` is to be deleted.
 */
export const LOG_SCHEMA = `
CREATE TABLE conversations (
  cid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text COLLATE "C" NOT NULL UNIQUE,
  epoch text NOT NULL,
  first_seq bigint NOT NULL,
  head_seq bigint NOT NULL,
  cleared_seq bigint NOT NULL,
  created_at bigint NOT NULL,
  created_by text NOT NULL,
  created_key text,
  updated_at bigint NOT NULL,
  settings text NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX conversations_to_clear ON conversations (cid) WHERE cleared_seq < first_seq;

CREATE TABLE members (
  cid bigint NOT NULL,
  participant_id text COLLATE "C" NOT NULL,
  conversation_id text COLLATE "C" NOT NULL,
  place bigint GENERATED ALWAYS AS IDENTITY,
  name text NOT NULL,
  kind text NOT NULL,
  role text NOT NULL,
  PRIMARY KEY (cid, participant_id)
);
CREATE INDEX members_by_participant ON members (participant_id, conversation_id);

CREATE TABLE events (
  cid bigint NOT NULL,
  seq bigint NOT NULL,
  created_at bigint NOT NULL,
  kind text NOT NULL,
  author_id text COLLATE "C" NOT NULL,
  author_name text NOT NULL,
  author_kind text NOT NULL,
  key text COLLATE "C",
  body text NOT NULL,
  PRIMARY KEY (cid, seq)
);
CREATE UNIQUE INDEX events_keys ON events (cid, author_id, key) WHERE key IS NOT NULL;

CREATE TABLE edits (
  cid bigint NOT NULL,
  target_seq bigint NOT NULL,
  seq bigint NOT NULL,
  PRIMARY KEY (cid, target_seq, seq)
);

CREATE TABLE turns (
  cid bigint NOT NULL,
  id text COLLATE "C" NOT NULL,
  place bigint GENERATED ALWAYS AS IDENTITY,
  is_open boolean NOT NULL,
  record text NOT NULL,
  PRIMARY KEY (cid, id)
);
CREATE INDEX turns_in_order ON turns (cid, place);
CREATE INDEX turns_open ON turns (cid) WHERE is_open;

CREATE TABLE removed (cid bigint PRIMARY KEY);

CREATE TABLE secrets (
  name text COLLATE "C" PRIMARY KEY,
  bytes bytea NOT NULL
);
`;
