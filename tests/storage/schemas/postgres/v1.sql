CREATE TABLE schema_version (version integer NOT NULL);
INSERT INTO schema_version VALUES (1);

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

INSERT INTO conversations (cid, id, epoch, first_seq, cleared_seq, created_at, created_by, created_key, updated_at, settings) OVERRIDING SYSTEM VALUE VALUES ('1', 'c_one', 'e_first', '1', '1', '1770000000123', 'p_ann', 'made with this', '1770000000123', '{"title":"A title","visibility":"open","agent":{"id":"assistant","name":"Assistant","speaks":"auto","whileBusy":"enqueue"},"metadata":{"colour":"blue","nested":{"list":[1,"two",null]}}}');
INSERT INTO conversations (cid, id, epoch, first_seq, cleared_seq, created_at, created_by, created_key, updated_at, settings) OVERRIDING SYSTEM VALUE VALUES ('3', 'c_trimmed', 'e_first', '4', '1', '1770000000123', 'p_ann', 'made with this', '1770000000123', '{"title":"A title","visibility":"open","agent":{"id":"assistant","name":"Assistant","speaks":"auto","whileBusy":"enqueue"},"metadata":{"colour":"blue","nested":{"list":[1,"two",null]}}}');
SELECT setval(pg_get_serial_sequence('conversations', 'cid'), (SELECT max(cid) FROM conversations));
INSERT INTO members (cid, participant_id, conversation_id, place, name, kind, role) OVERRIDING SYSTEM VALUE VALUES ('1', 'p_ann', 'c_one', '1', 'ann', 'human', 'owner');
INSERT INTO members (cid, participant_id, conversation_id, place, name, kind, role) OVERRIDING SYSTEM VALUE VALUES ('1', 'p_bob', 'c_one', '2', 'bob', 'human', 'member');
INSERT INTO members (cid, participant_id, conversation_id, place, name, kind, role) OVERRIDING SYSTEM VALUE VALUES ('3', 'p_bob', 'c_trimmed', '4', 'bob', 'human', 'owner');
SELECT setval(pg_get_serial_sequence('members', 'place'), (SELECT max(place) FROM members));
INSERT INTO events (cid, seq, created_at, kind, author_id, author_name, author_kind, key, body) VALUES ('1', '1', '1770000000124', 'message', 'p_ann', 'ann', 'human', 'placed', '{"content":"message 1"}');
INSERT INTO events (cid, seq, created_at, kind, author_id, author_name, author_kind, key, body) VALUES ('1', '2', '1770000000125', 'message', 'p_ann', 'ann', 'human', NULL, '{"deleted":true}');
INSERT INTO events (cid, seq, created_at, kind, author_id, author_name, author_kind, key, body) VALUES ('1', '3', '1770000000126', 'message.edited', 'p_ann', 'ann', 'human', NULL, '{"target_seq":1,"content":"edited"}');
INSERT INTO events (cid, seq, created_at, kind, author_id, author_name, author_kind, key, body) VALUES ('1', '4', '1770000000127', 'message', 'p_ann', 'ann', 'human', 'pending', '{"content":"message 4"}');
INSERT INTO events (cid, seq, created_at, kind, author_id, author_name, author_kind, key, body) VALUES ('1', '5', '1770000000128', 'message.deleted', 'p_ann', 'ann', 'human', NULL, '{"target_seq":2}');
INSERT INTO events (cid, seq, created_at, kind, author_id, author_name, author_kind, key, body) VALUES ('2', '1', '1770000000124', 'message', 'p_ann', 'ann', 'human', NULL, '{"content":"message 1"}');
INSERT INTO events (cid, seq, created_at, kind, author_id, author_name, author_kind, key, body) VALUES ('2', '2', '1770000000125', 'message', 'p_ann', 'ann', 'human', NULL, '{"content":"message 2"}');
INSERT INTO events (cid, seq, created_at, kind, author_id, author_name, author_kind, key, body) VALUES ('3', '1', '1770000000124', 'message', 'p_bob', 'bob', 'human', 'kept', '{"content":"not yet erased"}');
INSERT INTO events (cid, seq, created_at, kind, author_id, author_name, author_kind, key, body) VALUES ('3', '2', '1770000000125', 'message', 'p_ann', 'ann', 'human', NULL, '{"content":"not yet erased"}');
INSERT INTO events (cid, seq, created_at, kind, author_id, author_name, author_kind, key, body) VALUES ('3', '3', '1770000000126', 'message', 'p_ann', 'ann', 'human', NULL, '{"content":"not yet erased"}');
INSERT INTO events (cid, seq, created_at, kind, author_id, author_name, author_kind, key, body) VALUES ('3', '4', '1770000000127', 'message', 'p_ann', 'ann', 'human', NULL, '{"content":"message 4"}');
INSERT INTO edits (cid, target_seq, seq) VALUES ('1', '1', '3');
INSERT INTO turns (cid, id, place, is_open, record) OVERRIDING SYSTEM VALUE VALUES ('1', 't_ended', '1', 'false', '{"id":"t_ended","conversationId":"c_one","agentId":"assistant","agentName":"Assistant","triggerSeq":1,"state":"completed","attempt":0,"createdAt":1770000000123,"startedAt":null,"endedAt":null,"usage":null,"error":null,"messageSeq":null}');
INSERT INTO turns (cid, id, place, is_open, record) OVERRIDING SYSTEM VALUE VALUES ('1', 't_open', '2', 'true', '{"id":"t_open","conversationId":"c_one","agentId":"assistant","agentName":"Assistant","triggerSeq":1,"state":"queued","attempt":0,"createdAt":1770000000123,"startedAt":null,"endedAt":null,"usage":null,"error":null,"messageSeq":null}');
SELECT setval(pg_get_serial_sequence('turns', 'place'), (SELECT max(place) FROM turns));
INSERT INTO removed (cid) VALUES ('2');
INSERT INTO secrets (name, bytes) VALUES ('tokens', E'\\x0102');
