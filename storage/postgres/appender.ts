import type { LogEvent } from '../../src/domain/event.ts';
import type { ConversationId } from '../../src/domain/ids.ts';
import { err, ok, type Result } from '../../src/domain/result.ts';
import { keyText, takenKeys } from '../batch.ts';
import type { Append, AppendFailure, TakenKey } from '../store.ts';
import { wellFormedEvent } from '../text.ts';
import { type Unavailable, unavailable } from '../unavailable.ts';
import {
  APPEND,
  APPEND_CHECKED,
  APPEND_ONE,
  type AppendParameters,
  oneRow,
  type Refused,
} from './append-statement.ts';
import type { Database, Statement, Transaction } from './database.ts';
import { type Affected, applyEffects } from './effects.ts';
import { isUniqueViolation } from './errors.ts';

/** The answers to a group's batches, in their order; or the failure of all of them. */
export type Appended = Result<readonly Result<void, AppendFailure>[], Unavailable>;

/** Groups that look up each key first after one met a key that was taken: such things come in storms. */
const CHECKED_GROUPS = 1_000;
/** How often a group that met another server's rows is tried as a whole. */
const TRIES = 3;

const DONE = ok(undefined);
const HEAD_CONFLICT = err({ reason: 'head_conflict' } as const);

const LOCK: Statement = {
  name: 'lock-conversations',
  text: `SELECT c.id, c.cid FROM unnest($1::text[]) WITH ORDINALITY AS b (id, n)
    CROSS JOIN LATERAL (SELECT id, cid FROM conversations WHERE id = b.id LIMIT 1 FOR NO KEY UPDATE) c ORDER BY b.n`,
};
const STANDING: Statement = {
  name: 'standing',
  text: 'SELECT c.cid, c.head_seq FROM conversations c WHERE c.id = $1',
};
const STORED_KEYS: Statement = {
  name: 'stored-keys',
  text: `SELECT k.author_id, k.key, (SELECT e.seq FROM events e
      WHERE e.cid = $1 AND e.author_id = k.author_id AND e.key = k.key) AS seq
    FROM unnest($2::text[], $3::text[]) AS k (author_id, key)`,
};

/**
 * Stores groups of batches, of a conversation each, in the order of their ids.
 *
 * Invariants:
 * A1. A batch goes in whole, or nothing of it does; a refused one takes no other with it.
 * A2. A seq is stored once: the head is compared in the statement's snapshot, and what another server stored since
 *     then meets UNIQUE (cid, seq), which undoes the statement. It is tried again, and sees those rows.
 * A3. A key is stored once, in the same way. So whether keys are looked up first is a matter of cost alone.
 */
export class Appender {
  readonly #db: Database;
  #checkedGroups = 0;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Batches without effects: one statement, which is its own transaction. */
  async plain(group: readonly Append[], parameters: AppendParameters): Promise<Appended> {
    for (let tries = 1; tries <= TRIES; tries += 1) {
      const isChecked = this.#checkedGroups > 0 || tries > 1;
      this.#checkedGroups = Math.max(0, this.#checkedGroups - 1);
      if (isChecked && group.some(hasTwins))
        return this.#eachAlone(group, (batch) =>
          hasTwins(batch) ? this.#refuseTwins(batch) : this.plain([batch], parameters),
        );
      try {
        if (!isChecked && isOneEvent(group)) return await this.#one(group);
        const statement = isChecked ? APPEND_CHECKED : APPEND;
        const refused = await this.#db.write<Refused>(statement, parameters.of(group));
        return refused.ok ? ok(answers(group, refused.value)) : refused;
      } catch (error) {
        if (!isUniqueViolation(error)) throw error;
        this.#checkedGroups = CHECKED_GROUPS;
      }
    }
    return this.#contended(group, (batch) => this.plain([batch], parameters));
  }

  async #one([batch]: OneEvent): Promise<Appended> {
    const stored = await this.#db.write(APPEND_ONE, oneRow(batch, batch.events[0]));
    if (!stored.ok) return stored;
    return ok([stored.value.length > 0 ? DONE : HEAD_CONFLICT]);
  }

  /** Batches with effects: a transaction for all of them, on conversations that it locks first. */
  async withEffects(group: readonly Append[], parameters: AppendParameters): Promise<Appended> {
    if (group.some(hasTwins))
      return this.#eachAlone(group, (batch) =>
        hasTwins(batch) ? this.#refuseTwins(batch) : this.withEffects([batch], parameters),
      );
    for (let tries = 1; tries <= TRIES; tries += 1) {
      try {
        return await this.#db.transaction((tx) => appendIn(tx, group, parameters));
      } catch (error) {
        if (!isUniqueViolation(error)) throw error;
      }
    }
    return this.#contended(group, (batch) => this.withEffects([batch], parameters));
  }

  /** A conversation that others write to all the time is told apart from its neighbours, and refused. */
  async #contended(
    group: readonly Append[],
    alone: (batch: Append) => Promise<Appended>,
  ): Promise<Appended> {
    if (group.length === 1) return ok([HEAD_CONFLICT]);
    return this.#eachAlone(group, alone);
  }

  /** When the server does not answer one of them, the rest is not sent: each would wait as long. */
  async #eachAlone(
    group: readonly Append[],
    alone: (batch: Append) => Promise<Appended>,
  ): Promise<Appended> {
    const all: Result<void, AppendFailure>[] = [];
    let unsent: Result<never, Unavailable> | undefined;
    for (const batch of group) {
      const answered: Appended = unsent ?? (await alone(batch));
      if (!answered.ok) unsent = err(unavailable(answered.failure.cause));
      const [answer = HEAD_CONFLICT] = answered.ok ? answered.value : [answered];
      all.push(answer);
    }
    return ok(all);
  }

  /** A batch that has a key twice is never stored: it is told which keys, on the head it was made for. */
  async #refuseTwins({ id, expectedHead, events }: Append): Promise<Appended> {
    const found = await this.#db.snapshot(async (tx): Promise<Result<void, AppendFailure>> => {
      const [at] = await tx.rows<{ cid: number; head_seq: number }>(STANDING, [id]);
      if (at === undefined || at.head_seq !== expectedHead) return HEAD_CONFLICT;
      const seqs = await storedKeys(tx, at.cid, events);
      const taken = takenKeys(events.map(wellFormedEvent), (sender, key) =>
        seqs.get(keyText(sender, key)),
      );
      return err({ reason: 'keys_taken', taken: taken ?? [] });
    });
    return found.ok ? ok([found.value]) : found;
  }
}

type OneEvent = readonly [Append & { readonly events: readonly [LogEvent] }];

function isOneEvent(group: readonly Append[]): group is OneEvent {
  return group.length === 1 && group[0]?.events.length === 1;
}

async function appendIn(
  tx: Transaction,
  group: readonly Append[],
  parameters: AppendParameters,
): Promise<readonly Result<void, AppendFailure>[]> {
  const locked = await tx.rows<{ id: ConversationId; cid: number }>(LOCK, [
    group.map(({ id }) => id),
  ]);
  const cids = new Map(locked.map(({ id, cid }) => [id, cid]));
  const refused = await tx.rows<Refused>(APPEND_CHECKED, parameters.of(group));
  const all = answers(group, refused);
  const affected = group.flatMap(({ id, effects }, at): Affected[] => {
    const cid = cids.get(id);
    return cid === undefined || !all[at]?.ok ? [] : [{ cid, id, effects }];
  });
  await applyEffects(tx, affected);
  return all;
}

/** Nothing was refused, nearly always. */
function answers(
  group: readonly Append[],
  refused: readonly Refused[],
): readonly Result<void, AppendFailure>[] {
  const all: Result<void, AppendFailure>[] = group.map(() => DONE);
  const taken = new Map<number, TakenKey[]>();
  for (const { n, at, seq } of refused) {
    const batch = group[n - 1];
    if (at === null || seq === null || batch === undefined) {
      all[n - 1] = HEAD_CONFLICT;
      continue;
    }
    const keys = taken.get(n) ?? [];
    taken.set(n, keys);
    keys.push({ index: at - batch.expectedHead - 1, seq });
  }
  for (const [n, keys] of taken) {
    keys.sort((a, b) => a.index - b.index);
    all[n - 1] = err({ reason: 'keys_taken', taken: keys });
  }
  return all;
}

function hasTwins({ events }: Append): boolean {
  return events.length > 1 && takenKeys(events.map(wellFormedEvent), () => undefined) !== undefined;
}

async function storedKeys(
  tx: Transaction,
  cid: number,
  events: readonly LogEvent[],
): Promise<ReadonlyMap<string, number>> {
  const keyed = events
    .map(wellFormedEvent)
    .flatMap(({ author, key }) => (key === null ? [] : [{ sender: author.id, key }]));
  const rows = await tx.rows<{
    author_id: LogEvent['author']['id'];
    key: string;
    seq: number | null;
  }>(STORED_KEYS, [cid, keyed.map(({ sender }) => sender), keyed.map(({ key }) => key)]);
  return new Map(
    rows.flatMap(({ author_id, key, seq }) =>
      seq === null ? [] : [[keyText(author_id, key), seq]],
    ),
  );
}
