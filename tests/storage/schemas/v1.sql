-- Schema 1 with data: an edited, an erased and a pending message, turns, a removed conversation.
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
PRAGMA user_version = 1;
