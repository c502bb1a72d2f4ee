/**
 * Step 3: summaries of conversations, the audit log, what was spent. A summary goes with its conversation; the other
 * two outlive it, and hold nothing but ids and numbers.
 */
export const NOTE_SCHEMA = `
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
`;
