CREATE TABLE schema_version (version integer NOT NULL);
INSERT INTO schema_version VALUES (4);

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

CREATE TABLE chunk_vectors_1 (
  did bigint NOT NULL,
  place bigint NOT NULL,
  embedding bytea NOT NULL,
  PRIMARY KEY (did, place)
);
ALTER TABLE chunk_vectors_1 ALTER COLUMN embedding SET STORAGE EXTERNAL,
  ADD FOREIGN KEY (did, place) REFERENCES chunks ON DELETE CASCADE;
CREATE TABLE message_vectors_1 (
  cid bigint NOT NULL,
  seq bigint NOT NULL,
  embedding bytea NOT NULL,
  PRIMARY KEY (cid, seq)
);
ALTER TABLE message_vectors_1 ALTER COLUMN embedding SET STORAGE EXTERNAL,
  ADD FOREIGN KEY (cid, seq) REFERENCES message_texts ON DELETE CASCADE;

CREATE TABLE summaries (
  cid bigint PRIMARY KEY REFERENCES conversations ON DELETE CASCADE,
  to_seq bigint NOT NULL,
  record text NOT NULL
);

CREATE TABLE audit (
  place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at bigint NOT NULL,
  action text COLLATE "C" NOT NULL,
  participant_id text COLLATE "C",
  conversation_id text COLLATE "C",
  record text NOT NULL
);
CREATE INDEX audit_by_time ON audit (at, place);
CREATE INDEX audit_by_action ON audit (action, at, place);
CREATE INDEX audit_by_participant ON audit (participant_id, at, place);
CREATE INDEX audit_by_conversation ON audit (conversation_id, at, place);

CREATE TABLE spending (
  day integer NOT NULL,
  account text COLLATE "C" NOT NULL,
  input_tokens bigint NOT NULL,
  output_tokens bigint NOT NULL,
  cost bigint NOT NULL,
  PRIMARY KEY (day, account)
);

CREATE UNLOGGED TABLE turn_orders (
  id text COLLATE "C" PRIMARY KEY,
  placed_at timestamptz NOT NULL DEFAULT now(),
  conversation_id text COLLATE "C" NOT NULL,
  turn_id text COLLATE "C" NOT NULL,
  record text NOT NULL,
  is_taken boolean NOT NULL DEFAULT false,
  answer text
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
INSERT INTO documents (did, id, owner, created_key, chunk_count, record) OVERRIDING SYSTEM VALUE VALUES ('1', 'd_one', 'p_ann', 'made with this', '2', '{"id":"d_one","owner":"p_ann","title":"Document one","mediaType":"text/markdown","metadata":{"colour":"blue","nested":{"list":[1,"two",null]}},"chars":17,"chunkCount":2,"createdAt":1770000000123,"createdKey":"made with this","digest":"7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"}');
SELECT setval(pg_get_serial_sequence('documents', 'did'), (SELECT max(did) FROM documents));
INSERT INTO document_shares (did, cid, place) VALUES ('1', '1', '1');
INSERT INTO chunks (did, place, first_char, end_char, text) VALUES ('1', '0', '0', '8', 'yellow a');
INSERT INTO chunks (did, place, first_char, end_char, text) VALUES ('1', '1', '9', '17', 'blue one');
INSERT INTO chunk_terms (did, place, part, length, terms) VALUES ('1', '0', '0', '1', '''@c1'' ''@op_ann'' ''yellow'':1');
INSERT INTO chunk_terms (did, place, part, length, terms) VALUES ('1', '1', '0', '2', '''@c1'' ''@op_ann'' ''blu'':1 ''one'':1');
INSERT INTO message_marks (cid, mark) VALUES ('1', '5');
INSERT INTO message_texts (cid, seq, text_seq, embedded_in) VALUES ('1', '1', '3', '1');
INSERT INTO message_texts (cid, seq, text_seq, embedded_in) VALUES ('1', '4', '4', '1');
INSERT INTO message_terms (cid, seq, part, length, terms) VALUES ('1', '1', '0', '1', '''@1'' ''edit'':1');
INSERT INTO message_terms (cid, seq, part, length, terms) VALUES ('1', '4', '0', '2', '''4'':1 ''@1'' ''messag'':1');
INSERT INTO vector_spaces (sid, name, dimensions, in_use, storage) OVERRIDING SYSTEM VALUE VALUES ('1', 'hashing-v1:2', '2', 'true', 'bytes');
SELECT setval(pg_get_serial_sequence('vector_spaces', 'sid'), (SELECT max(sid) FROM vector_spaces));
INSERT INTO document_spaces (did, sid) VALUES ('1', '1');
INSERT INTO chunk_vectors_1 (did, place, embedding) VALUES ('1', '0', E'\\x0000803f00000000');
INSERT INTO chunk_vectors_1 (did, place, embedding) VALUES ('1', '1', E'\\x000000000000803f');
INSERT INTO message_vectors_1 (cid, seq, embedding) VALUES ('1', '1', E'\\x0000803f00000000');
INSERT INTO message_vectors_1 (cid, seq, embedding) VALUES ('1', '4', E'\\x0000803f00000000');
INSERT INTO summaries VALUES (1, 4, '{"fromSeq":1,"toSeq":4,"text":"They said what they said.","createdAt":1770000000129}');
INSERT INTO audit OVERRIDING SYSTEM VALUE VALUES (1, 1770000000130, 'message.deleted', 'p_ann', 'c_one', '{"at":1770000000130,"action":"message.deleted","outcome":"ok","participantId":"p_ann","from":"127.0.0.1","conversationId":"c_one","target":"2"}');
INSERT INTO audit OVERRIDING SYSTEM VALUE VALUES (2, 1770000000131, 'signin.refused', NULL, NULL, '{"at":1770000000131,"action":"signin.refused","outcome":"bad_token","participantId":null,"from":"127.0.0.1","conversationId":null,"target":null}');
INSERT INTO spending VALUES (20486, 'participant:p_ann', 120, 30, 5000);
SELECT setval(pg_get_serial_sequence('audit', 'place'), (SELECT max(place) FROM audit));
INSERT INTO turn_orders VALUES ('o_one', '2026-02-02T00:00:00Z', 'c_one', 't_one', '{"kind":"cancel"}', true, NULL);
