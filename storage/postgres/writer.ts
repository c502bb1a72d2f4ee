import type { ConversationState } from '../../src/domain/conversation.ts';
import type { LogEvent } from '../../src/domain/event.ts';
import type { ConversationId } from '../../src/domain/ids.ts';
import { err, ok, type Result } from '../../src/domain/result.ts';
import type { CreateFailure } from '../store.ts';
import { wellFormedState } from '../text.ts';
import type { Unavailable } from '../unavailable.ts';
import { EventColumns } from './append-statement.ts';
import type { Database, Statement } from './database.ts';
import { encodeSettings } from './rows.ts';

const CREATE: Statement = {
  name: 'create',
  text: `
WITH made AS (
  INSERT INTO conversations (id, epoch, first_seq, cleared_seq, created_at, created_by, created_key, updated_at, settings)
  VALUES ($1, $2, $3, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING RETURNING cid, id
), joined AS (
  INSERT INTO members (cid, conversation_id, participant_id, name, kind, role)
  SELECT made.cid, made.id, m.participant_id, m.name, m.kind, m.role
  FROM made, unnest($9::text[], $10::text[], $11::text[], $12::text[])
    WITH ORDINALITY AS m (participant_id, name, kind, role, n) ORDER BY m.n
), added AS (
  INSERT INTO events (cid, seq, created_at, kind, author_id, author_name, author_kind, key, body)
  SELECT made.cid, e.*
  FROM made, unnest($13::bigint[], $14::bigint[], $15::text[], $16::text[], $17::text[], $18::text[], $19::text[], $20::text[]) AS e
)
SELECT cid FROM made`,
};
/** What is large is deleted behind; shares and marks go by their foreign keys. */
const REMOVE: Statement = {
  name: 'remove',
  text: `
WITH gone AS (DELETE FROM conversations WHERE id = $1 RETURNING cid),
  left_alone AS (DELETE FROM members m USING gone WHERE m.cid = gone.cid),
  noted AS (INSERT INTO removed (cid) SELECT cid FROM gone)
SELECT cid FROM gone`,
};
const SECRET: Statement = { name: 'secret', text: 'SELECT bytes FROM secrets WHERE name = $1' };
const PUT_SECRET: Statement = {
  name: 'put-secret',
  text: 'INSERT INTO secrets (name, bytes) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING',
};

/** The writes of the log that are not appends, a statement each. */
export class Writer {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async create(
    given: ConversationState,
    events: readonly LogEvent[],
  ): Promise<Result<void, CreateFailure>> {
    const { conversation, members } = wellFormedState(given);
    const { id, epoch, firstSeq, createdAt, createdBy, createdKey, updatedAt } = conversation;
    const rows = new EventColumns();
    for (const event of events) rows.add(event);
    const made = await this.#db.write(CREATE, [
      id,
      epoch,
      firstSeq,
      createdAt,
      createdBy,
      createdKey,
      updatedAt,
      encodeSettings(conversation),
      members.map((member) => member.id),
      members.map((member) => member.name),
      members.map((member) => member.kind),
      members.map((member) => member.role),
      ...rows.take(),
    ]);
    if (!made.ok) return made;
    return made.value.length > 0 ? ok(undefined) : err({ reason: 'already_exists' });
  }

  async remove(id: ConversationId): Promise<Result<boolean, Unavailable>> {
    const removed = await this.#db.write(REMOVE, [id]);
    return removed.ok ? ok(removed.value.length > 0) : removed;
  }

  async secret(name: string, make: () => Uint8Array): Promise<Result<Uint8Array, Unavailable>> {
    const stored = await this.#stored(name);
    if (!stored.ok || stored.value !== undefined) return stored as Result<Uint8Array, Unavailable>;
    const put = await this.#db.write(PUT_SECRET, [name, Buffer.from(make())]);
    if (!put.ok) return put;
    const first = await this.#stored(name);
    if (!first.ok) return first;
    if (first.value === undefined) throw new Error(`the secret ${name} is gone`);
    return ok(first.value);
  }

  async #stored(name: string): Promise<Result<Uint8Array | undefined, Unavailable>> {
    const found = await this.#db.read<{ bytes: Uint8Array }>(SECRET, [name]);
    if (!found.ok) return found;
    const [row] = found.value;
    return ok(row && Uint8Array.from(row.bytes));
  }
}
