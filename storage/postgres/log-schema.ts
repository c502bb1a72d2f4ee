/**
 * Step 1: conversations and their logs.
 *
 * Ids and keys are in the order of bytes, whatever the database's own order is. `events` refers to conversations by
 * number and without a foreign key, which would cost a look-up for each event. Bodies, settings and turns are JSON
 * in text: they come back as they were given.
 *
 * The head of a log is not stored: it is the newest event's seq, one step down an index that an append walks in any
 * case, and `c.head_seq` for whoever asks (docs/adr/0008). The two UNIQUE indexes of `events` are what keeps
 * two servers from storing one seq, or one key, twice.
 *
 * What is large is deleted behind: events from `cleared_seq` on and below `first_seq` are to be emptied, and what is
 * left of the conversations in `removed` is to be deleted.
 */
export const LOG_SCHEMA = `
CREATE TABLE conversations (
  cid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text COLLATE "C" NOT NULL UNIQUE,
  epoch text NOT NULL,
  first_seq bigint NOT NULL,
  cleared_seq bigint NOT NULL,
  created_at bigint NOT NULL,
  created_by text NOT NULL,
  created_key text,
  updated_at bigint NOT NULL,
  settings text NOT NULL
);
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

CREATE FUNCTION head_seq(c conversations) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT greatest(c.first_seq - 1, (SELECT e.seq FROM events e WHERE e.cid = c.cid ORDER BY e.seq DESC LIMIT 1))
$$;

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
