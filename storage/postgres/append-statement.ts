import type { LogEvent } from '../../src/domain/event.ts';
import type { Append } from '../store.ts';
import { wellFormedEvent } from '../text.ts';
import { ArrayWriter } from './array-writer.ts';
import type { Statement, Value } from './database.ts';

/**
 * Whether the log of `c` ends at the seq that is expected. It is read from there on: a scan for the newest event of all
 * takes in every other of this conversation on the same page of the index, before it gives one.
 */
const standsAt = (expected: string) => `${expected} = greatest(c.first_seq - 1,
    (SELECT e.seq FROM events e WHERE e.cid = c.cid AND e.seq >= ${expected} ORDER BY e.seq DESC LIMIT 1))`;

/**
 * Appends many batches, of a conversation each. A batch goes in if its conversation is there and its log stands at
 * the head that is expected.
 *
 * Plain sub-selects and an array that is looked into by position, no joins: every plan that Postgres can make of
 * this is a look-up in an index for each conversation, also one that was made while the tables were empty. The row of
 * the conversation is locked so that it is not removed before the events are there; appends share that lock.
 */
const STANDING = `
  SELECT array_agg(CASE WHEN ${standsAt('b.expected')} THEN c.cid ELSE 0 END ORDER BY b.n) AS cids
  FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS b (id, expected, n)
  LEFT JOIN LATERAL (SELECT cid, first_seq FROM conversations WHERE id = b.id LIMIT 1 FOR KEY SHARE) c ON true`;
const ROWS = `unnest($3::integer[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[])
    AS r (n, seq, created_at, kind, author_id, author_name, author_kind, key, body)`;
const INSERT = `
  INSERT INTO events (cid, seq, created_at, kind, author_id, author_name, author_kind, key, body)
  SELECT standing.cids[r.n], r.seq, r.created_at, r.kind, r.author_id, r.author_name, r.author_kind, r.key, r.body`;

/** A batch that did not go in: `at` and `seq` say which event has a taken key, and where that is stored. */
export interface Refused {
  /** The batch's place, from 1. */
  readonly n: number;
  /** Null: the conversation is gone, or its head is not the expected one. */
  readonly at: number | null;
  readonly seq: number | null;
}

/** Fails as a whole on a key that is taken. Rows are the batches that did not go in. */
export const APPEND: Statement = {
  name: 'append',
  text: `
WITH standing AS MATERIALIZED (${STANDING}
), added AS (${INSERT}
  FROM standing, ${ROWS}
  WHERE standing.cids[r.n] <> 0
)
SELECT u.n::integer, NULL::bigint AS at, NULL::bigint AS seq
FROM standing, unnest(standing.cids) WITH ORDINALITY AS u (cid, n) WHERE u.cid = 0`,
};

/** Looks every key up first, which costs a tenth more: a batch with a taken key is refused, and the others go in. */
export const APPEND_CHECKED: Statement = {
  name: 'append-checked',
  text: `
WITH standing AS MATERIALIZED (${STANDING}
), r AS MATERIALIZED (SELECT * FROM ${ROWS}
), taken AS MATERIALIZED (
  SELECT n, at, seq FROM (
    SELECT r.n, r.seq AS at, (SELECT e.seq FROM events e
      WHERE e.cid = standing.cids[r.n] AND e.author_id = r.author_id AND e.key = r.key) AS seq
    FROM standing, r WHERE r.key IS NOT NULL) AS looked_up
  WHERE seq IS NOT NULL
), added AS (${INSERT}
  FROM standing, r
  WHERE standing.cids[r.n] <> 0 AND r.n NOT IN (SELECT n FROM taken)
)
SELECT u.n::integer, NULL::bigint AS at, NULL::bigint AS seq
FROM standing, unnest(standing.cids) WITH ORDINALITY AS u (cid, n) WHERE u.cid = 0
UNION ALL SELECT n, at, seq FROM taken`,
};

/**
 * Appends a batch of one event, the usual group of a server that has little to do, without what arrays cost. A row says
 * that it went in.
 */
export const APPEND_ONE: Statement = {
  name: 'append-one',
  text: `
INSERT INTO events (cid, seq, created_at, kind, author_id, author_name, author_kind, key, body)
SELECT c.cid, $2::bigint + 1, $3, $4, $5, $6, $7, $8, $9 FROM conversations c
WHERE c.id = $1 AND ${standsAt('$2::bigint')}
FOR KEY SHARE OF c RETURNING true AS stored`,
};

/** The parameters of `APPEND_ONE`. */
export function oneRow({ id, expectedHead }: Append, event: LogEvent): readonly Value[] {
  const { createdAt, kind, author, key, body } = wellFormedEvent(event);
  return [id, expectedHead, createdAt, kind, author.id, author.name, author.kind, key, body];
}

/** The parameters of the two that take many, in memory that is used again: they must be sent before the next ones are written. */
export class AppendParameters {
  readonly #ids = new ArrayWriter('text');
  readonly #expected = new ArrayWriter('int8');
  readonly #places = new ArrayWriter('int4');
  readonly #events = new EventColumns();

  /** Batches of different conversations, in the order of their ids: whoever waits for another waits in one direction. */
  of(batches: readonly Append[]): readonly Buffer[] {
    for (let at = 0; at < batches.length; at += 1) {
      const batch = batches[at];
      if (batch === undefined) break;
      this.#ids.text(batch.id);
      this.#expected.int8(batch.expectedHead);
      for (const event of batch.events) {
        this.#places.int4(at + 1);
        this.#events.add(event);
      }
    }
    return [this.#ids.take(), this.#expected.take(), this.#places.take(), ...this.#events.take()];
  }
}

/** Events as columns: seq, created_at, kind, author_id, author_name, author_kind, key, body. */
export class EventColumns {
  readonly #seq = new ArrayWriter('int8');
  readonly #createdAt = new ArrayWriter('int8');
  readonly #kind = new ArrayWriter('text');
  readonly #authorId = new ArrayWriter('text');
  readonly #authorName = new ArrayWriter('text');
  readonly #authorKind = new ArrayWriter('text');
  readonly #key = new ArrayWriter('text');
  readonly #body = new ArrayWriter('text');

  add(given: LogEvent): void {
    const { seq, createdAt, kind, author, key, body } = wellFormedEvent(given);
    this.#seq.int8(seq);
    this.#createdAt.int8(createdAt);
    this.#kind.text(kind);
    this.#authorId.text(author.id);
    this.#authorName.text(author.name);
    this.#authorKind.text(author.kind);
    this.#key.text(key);
    this.#body.text(body);
  }

  take(): readonly Buffer[] {
    return [
      this.#seq.take(),
      this.#createdAt.take(),
      this.#kind.take(),
      this.#authorId.take(),
      this.#authorName.take(),
      this.#authorKind.take(),
      this.#key.take(),
      this.#body.take(),
    ];
  }
}
