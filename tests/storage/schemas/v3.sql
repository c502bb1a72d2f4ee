-- Schema 2 with data: what schema 1 had, a trimmed conversation, an index of messages, documents,
-- loose parts, and spaces with vectors.
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
INSERT INTO conversations VALUES (1, 'c_one', 'e_first', 1, 1770000000123, 'p_ann', 'made with this', 1770000000123, '{"title":"A title","visibility":"open","agent":{"id":"assistant","name":"Assistant","speaks":"auto","whileBusy":"enqueue"},"metadata":{"colour":"blue","nested":{"list":[1,"two",null]}}}');
INSERT INTO members VALUES (1, 1, 'p_ann', 'ann', 0, 'owner', 'c_one');
INSERT INTO members VALUES (2, 1, 'p_bob', 'bob', 0, 'member', 'c_one');
INSERT INTO log VALUES (1, 1, 1, 0, 'p_ann', 'ann', 0, 1770000000124, 'placed', '{"content":"message 1"}');
INSERT INTO log VALUES (2, 1, 2, 0, 'p_ann', 'ann', 0, 1770000000125, NULL, '{"deleted":true}');
INSERT INTO log VALUES (3, 1, 3, 1, 'p_ann', 'ann', 0, 1770000000126, NULL, '{"target_seq":1,"content":"edited"}');
INSERT INTO log VALUES (4, 1, 4, 0, 'p_ann', 'ann', 0, 1770000000127, 'pending', '{"content":"message 4"}');
INSERT INTO log VALUES (5, 1, 5, 2, 'p_ann', 'ann', 0, 1770000000128, NULL, '{"target_seq":2}');
INSERT INTO log VALUES (6, 2, 1, 0, 'p_ann', 'ann', 0, 1770000000124, NULL, '{"content":"message 1"}');
INSERT INTO log VALUES (7, 2, 2, 0, 'p_ann', 'ann', 0, 1770000000125, NULL, '{"content":"message 2"}');
INSERT INTO places VALUES (1, 1, X'0100000000005bf8df0a0002000000000000000000000300000000000000000001');
INSERT INTO progress VALUES ('places', 3);
INSERT INTO edits VALUES (1, 1, 3);
INSERT INTO turns VALUES (1, 1, 't_ended', 0, '{"id":"t_ended","conversationId":"c_one","agentId":"assistant","agentName":"Assistant","triggerSeq":1,"state":"completed","attempt":0,"createdAt":1770000000123,"startedAt":null,"endedAt":null,"usage":null,"error":null,"messageSeq":null}');
INSERT INTO turns VALUES (2, 1, 't_open', 1, '{"id":"t_open","conversationId":"c_one","agentId":"assistant","agentName":"Assistant","triggerSeq":1,"state":"queued","attempt":0,"createdAt":1770000000123,"startedAt":null,"endedAt":null,"usage":null,"error":null,"messageSeq":null}');
INSERT INTO removed VALUES (2, 7);
INSERT INTO secrets VALUES ('sqlite.key-hash', X'ade3d1bf889b69ac80d9bc3b');
INSERT INTO secrets VALUES ('tokens', X'0102');
INSERT INTO conversations VALUES (3, 'c_trimmed', 'e_second', 4, 1770000000123, 'p_ann', NULL, 1770000000123, '{"title":null,"visibility":"invite","agent":null,"metadata":{}}');
INSERT INTO members VALUES (3, 3, 'p_bob', 'bob', 0, 'owner', 'c_trimmed');
INSERT INTO log VALUES (8, 3, 1, 0, 'p_bob', 'bob', 0, 1770000000124, 'kept', '{"content":"not yet erased"}');
INSERT INTO log VALUES (9, 3, 2, 0, 'p_bob', 'bob', 0, 1770000000125, NULL, '{"content":"not yet erased"}');
INSERT INTO log VALUES (10, 3, 3, 0, 'p_bob', 'bob', 0, 1770000000126, NULL, '{"content":"not yet erased"}');
INSERT INTO log VALUES (11, 3, 4, 0, 'p_bob', 'bob', 0, 1770000000127, NULL, '{"content":"message 4"}');
INSERT INTO trims VALUES (3, 1, 11);
INSERT INTO spaces VALUES (1, 'hashing-v1:2', 2, 1);
INSERT INTO spaces VALUES (3, 'other:2', 2, 0);
INSERT INTO dropped_spaces VALUES (2);
INSERT INTO indexed VALUES (1, 3);
INSERT INTO indexed_messages VALUES (1, 1, 3, 3, 1);
INSERT INTO message_words (rowid, terms) VALUES (1 << 32 | 1, 'edit');
INSERT INTO message_vectors VALUES (1, 1, 1, 1, X'0000803F00000000');
INSERT INTO message_vectors VALUES (2, 2, 1, 1, X'0000803F00000000');
INSERT INTO loose_documents VALUES (1);
INSERT INTO loose_documents VALUES (2);
DELETE FROM loose_documents WHERE did = 2;
INSERT INTO documents VALUES (2, 'd_one', 'p_ann', 'made with this', '{"title":"A title","mediaType":"text/plain","metadata":{"nested":{"list":[1,"two",null]}},"chars":17,"chunkCount":2,"createdAt":1770000000123,"digest":"0000000000000000000000000000000000000000000000000000000000000000"}');
INSERT INTO shares VALUES (2, 1, 0);
INSERT INTO chunks VALUES (1 << 32 | 0, 0, 5, 'loose');
INSERT INTO chunks VALUES (2 << 32 | 0, 0, 8, 'yellow a');
INSERT INTO chunks VALUES (2 << 32 | 1, 9, 17, 'blue one');
INSERT INTO chunk_words (rowid, terms) VALUES (1 << 32 | 0, 'loose');
INSERT INTO chunk_words (rowid, terms) VALUES (2 << 32 | 0, 'yellow');
INSERT INTO chunk_words (rowid, terms) VALUES (2 << 32 | 1, 'blue one');
INSERT INTO chunk_vectors VALUES (1, 1, 2, 0, X'0000803F00000000');
INSERT INTO chunk_vectors VALUES (2, 1, 2, 1, X'000000000000803F');
INSERT INTO document_spaces VALUES (1, 2);
INSERT INTO summaries VALUES (1, 4, '{"fromSeq":1,"toSeq":4,"text":"They said what they said.","createdAt":1770000000129}');
INSERT INTO audit VALUES (1, 1770000000130, 'message.deleted', 'p_ann', 'c_one', '{"at":1770000000130,"action":"message.deleted","outcome":"ok","participantId":"p_ann","from":"127.0.0.1","conversationId":"c_one","target":"2"}');
INSERT INTO audit VALUES (2, 1770000000131, 'signin.refused', NULL, NULL, '{"at":1770000000131,"action":"signin.refused","outcome":"bad_token","participantId":null,"from":"127.0.0.1","conversationId":null,"target":null}');
INSERT INTO spending VALUES (20486, 'participant:p_ann', 120, 30, 5000);
PRAGMA user_version = 3;
