import type { MessageBody } from '../../src/domain/event.ts';
import type { ConversationId } from '../../src/domain/ids.ts';
import { ok, type Result } from '../../src/domain/result.ts';
import type { TermsQuery, VectorQuery } from '../document-store.ts';
import type {
  FoundMessage,
  MessageIndex,
  MessageVector,
  UnembeddedMessage,
} from '../message-index.ts';
import type { Unavailable } from '../unavailable.ts';
import type { Space } from '../vector-spaces.ts';
import type { Database } from './database.ts';
import { holdIndex, takeIn } from './message-level.ts';
import { rankSql, termParameters } from './terms.ts';
import { nearestOf, pageRows, type ScanPage } from './vector-scan.ts';
import {
  columnNames,
  columnParameters,
  columnsOf,
  distance,
  messageVectors,
  type SpaceTables,
  typeOf,
} from './vector-tables.ts';
import {
  encodeVector,
  encodeVectors,
  findSpace,
  holdSpace,
  isLost,
  unlessDropped,
} from './vectors.ts';

const STANDING = {
  name: 'index-is-level',
  text: `SELECT c.head_seq, coalesce(k.mark, 0) AS mark
    FROM conversations c LEFT JOIN message_marks k ON k.cid = c.cid WHERE c.id = $1`,
};

const RANGE = {
  name: 'index-range',
  text: `SELECT c.cid, c.first_seq, k.mark FROM conversations c JOIN message_marks k ON k.cid = c.cid WHERE c.id = $1`,
};

interface Range {
  readonly cid: number;
  readonly first_seq: number;
  readonly mark: number;
}

/** What is trimmed is found by nobody, also before it is cleared. */
const BY_TERMS = {
  text: `SELECT seq, score FROM (${rankSql(
    {
      place: `place AS MATERIALIZED (
        SELECT c.cid, c.first_seq, ('''@' || c.cid || '''')::tsquery AS scope, k.mark::float8 AS total
        FROM conversations c JOIN message_marks k ON k.cid = c.cid WHERE c.id = $1)`,
      table: 'message_terms',
      keys: ['cid', 'seq'],
      // IS TRUE: not by the index of seqs, which has those of all conversations.
      seen: '(m.seq >= p.first_seq) IS TRUE',
      walked: 'm.cid = p.cid AND m.seq >= p.first_seq',
    },
    2,
  )}) AS ranked ORDER BY score DESC, seq DESC`,
};

/** Bytes of bodies that `withoutVector` reads; one message may have more. */
const MAX_TEXTS_BYTES = 4_000_000;

interface UnembeddedRow {
  readonly seq: number;
  readonly text_seq: number;
  readonly body: string;
}

/**
 * The index of messages: texts and their terms in tables of all conversations, vectors in tables of their space. See
 * storage/postgres/index-effects.ts for how it stays clear of what was erased.
 */
export class PostgresMessageIndex implements MessageIndex {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async level(id: ConversationId, limit: number): Promise<Result<boolean, Unavailable>> {
    const found = await this.#db.read<{ head_seq: number; mark: number }>(STANDING, [id]);
    if (!found.ok) return found;
    const [at] = found.value;
    if (at === undefined || at.mark >= at.head_seq) return ok(true);
    return this.#db.transaction(async (tx) => {
      const cid = await holdIndex(tx, id);
      return cid === undefined || (await takeIn(tx, cid, limit)) >= at.head_seq;
    });
  }

  async byTerms(
    id: ConversationId,
    { terms, limit }: TermsQuery & { readonly limit: number },
  ): Promise<Result<readonly FoundMessage[], Unavailable>> {
    return this.#db.read<FoundMessage>(BY_TERMS, [id, ...termParameters(terms), limit]);
  }

  async byVector(
    id: ConversationId,
    query: VectorQuery & { readonly limit: number },
  ): Promise<Result<readonly FoundMessage[], Unavailable>> {
    const found = await findSpace(this.#db, query.space);
    if (!found.ok) return found;
    const tables = found.value;
    if (tables === undefined) return ok([]);
    return unlessDropped(() =>
      tables.storage === 'bytes' ? this.#scan(tables, id, query) : this.#nearest(tables, id, query),
    );
  }

  async withoutVector(
    id: ConversationId,
    space: Space,
    limit: number,
  ): Promise<Result<readonly UnembeddedMessage[], Unavailable>> {
    const found = await findSpace(this.#db, space);
    // None can be given one, so none is lacking: that there are no vectors is said by who looks for the nearest.
    if (!found.ok) return isLost(found.failure) ? ok([]) : found;
    const text = withoutVectorSql(found.value);
    const read = await unlessDropped(() => this.#db.read<UnembeddedRow>({ text }, [id, limit]));
    if (!read.ok) return read;
    return ok(
      read.value.map(({ seq, text_seq, body }) => {
        const { content = '' } = JSON.parse(body) as MessageBody;
        return { seq, textSeq: text_seq, text: content };
      }),
    );
  }

  async putVectors(
    id: ConversationId,
    space: Space,
    vectors: readonly MessageVector[],
  ): Promise<Result<void, Unavailable>> {
    const given = [...new Map(vectors.map((one) => [one.seq, one])).values()];
    return this.#db.transaction(async (tx) => {
      const tables = await holdSpace(tx, space);
      if (tables === undefined) return;
      const cid = await holdIndex(tx, id);
      if (cid === undefined) return;
      const embeddings = encodeVectors(
        tables,
        given.map(({ vector }) => vector),
      );
      await tx.run({ text: putVectorsSql(tables) }, [
        cid,
        given.map(({ seq }) => seq),
        given.map(({ textSeq }) => textSeq),
        ...embeddings,
      ]);
    });
  }

  #nearest(
    tables: SpaceTables,
    id: ConversationId,
    { vector, limit }: VectorQuery & { readonly limit: number },
  ) {
    const away = distance(tables, 'v.embedding', `$2::${typeOf(tables)}`);
    return this.#db.read<FoundMessage>(
      {
        text: `SELECT v.seq, -${away} AS score
          FROM conversations c JOIN ${messageVectors(tables)} v ON v.cid = c.cid AND v.seq >= c.first_seq
          WHERE c.id = $1 ORDER BY ${away}, v.seq DESC LIMIT $3`,
      },
      [id, encodeVector(tables, vector), limit],
    );
  }

  #scan(
    tables: SpaceTables,
    id: ConversationId,
    { vector, limit }: VectorQuery & { readonly limit: number },
  ): Promise<Result<readonly FoundMessage[], Unavailable>> {
    const scanned = { tables, table: messageVectors(tables), keys: ['cid', 'seq'] } as const;
    return this.#db.snapshot(async (tx) => {
      const [range] = await tx.rows<Range>(RANGE, [id]);
      if (range === undefined) return [];
      const pages = pagesOf(tables, range);
      const near = await nearestOf(tx, scanned, { wanted: vector, limit, pages });
      return near.map(({ second, score }) => ({ seq: second, score }));
    });
  }
}

/** Pages of seqs, not of rows: a page in the order of its rows may be a sort of them all. */
function* pagesOf(tables: SpaceTables, { cid, first_seq, mark }: Range): Generator<ScanPage> {
  const rows = pageRows(tables);
  const from = `${messageVectors(tables)} v WHERE v.cid = $1 AND v.seq >= $2 AND v.seq < $3`;
  for (let seq = first_seq; seq <= mark; seq += rows)
    yield { from, values: [cid, seq, seq + rows] };
}

/**
 * The newest first, each with the body of the event that has its text now. `embedded_in` says where a text has most
 * lately got a vector, so that those that have one in this space are passed over by the index.
 */
function withoutVectorSql(tables: SpaceTables | undefined): string {
  const lacking = (condition: string, but = '') => `(
    SELECT t.cid, t.seq, t.text_seq FROM message_texts t, place p
    WHERE t.cid = p.cid AND t.seq >= p.first_seq AND ${condition} ${but} ORDER BY t.seq DESC LIMIT $2)`;
  const texts =
    tables === undefined
      ? lacking('true')
      : [
          lacking('t.embedded_in = 0'),
          ...[`> ${tables.sid}`, `BETWEEN 1 AND ${tables.sid - 1}`].map((others) =>
            lacking(
              `t.embedded_in ${others}`,
              `AND NOT EXISTS (SELECT FROM ${messageVectors(tables)} v WHERE v.cid = t.cid AND v.seq = t.seq)`,
            ),
          ),
        ].join(' UNION ALL ');
  return `WITH place AS MATERIALIZED (SELECT cid, first_seq FROM conversations WHERE id = $1)
    SELECT seq, text_seq, body FROM (
      SELECT t.seq, t.text_seq, e.body,
        sum(octet_length(e.body)) OVER (ORDER BY t.seq DESC) - octet_length(e.body) AS bytes_before
      FROM (SELECT * FROM (${texts}) AS few ORDER BY seq DESC LIMIT $2) AS t
      JOIN events e ON e.cid = t.cid AND e.seq = t.text_seq) AS page
    WHERE bytes_before < ${MAX_TEXTS_BYTES} ORDER BY seq DESC`;
}

function putVectorsSql(tables: SpaceTables): string {
  const columns = columnNames(tables);
  const changes = columnsOf(tables).map(({ name }) => `${name} = excluded.${name}`);
  return `WITH given AS MATERIALIZED (
      SELECT t.cid, t.seq, ${columns}
      FROM unnest($2::bigint[], $3::bigint[], ${columnParameters(tables, 4)})
        AS g (seq, text_seq, ${columns})
      JOIN message_texts t ON t.cid = $1 AND t.seq = g.seq AND t.text_seq = g.text_seq),
    marked AS (
      UPDATE message_texts t SET embedded_in = ${tables.sid} FROM given g
      WHERE t.cid = g.cid AND t.seq = g.seq AND t.embedded_in <> ${tables.sid})
    INSERT INTO ${messageVectors(tables)} (cid, seq, ${columns}) SELECT cid, seq, ${columns} FROM given
    ON CONFLICT (cid, seq) DO UPDATE SET ${changes.join(', ')}`;
}
