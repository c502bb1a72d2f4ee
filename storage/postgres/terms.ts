import { termsOf } from '../../src/text/terms.ts';

/**
 * Texts as Postgres' tsvectors of our own terms, so that every backend finds the same texts, and their rank.
 *
 * A lexeme has one position, which means nothing; its weight says how often the text has the term: D once, C twice,
 * B three to five times, A more often. ts_rank then looks up BM25's saturated frequency, for which Postgres has no
 * function, and positions would fill a tsvector up. Scopes are lexemes of a kind that no term is (`@…`): a search
 * in one conversation meets only the entries of that conversation in the index.
 */
export interface TextTerms {
  /** How many terms the text has, with repetitions. */
  readonly length: number;
  /** One tsvector, or more for a text with more words than one holds; a term is in one of them. */
  readonly parts: readonly string[];
}

/** Half of what Postgres allows a tsvector. */
const MAX_PART_BYTES = 500_000;
/** Two bytes for how many positions there are, two for the position, one to align them. */
const LEXEME_BYTES = 5;

/** The tsvectors of a text, each with the scopes. Linear in the text. */
export function textTerms(text: string, scopes: readonly string[]): TextTerms {
  const terms = termsOf(text);
  const counts = new Map<string, number>();
  for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
  const parts: string[] = [];
  let part = scopes.map(lexeme);
  let bytes = 0;
  for (const [term, count] of counts) {
    bytes += Buffer.byteLength(term) + LEXEME_BYTES;
    if (bytes > MAX_PART_BYTES) {
      parts.push(part.join(' '));
      part = scopes.map(lexeme);
      bytes = 0;
    }
    part.push(`${lexeme(term)}:1${weightOf(count)}`);
  }
  parts.push(part.join(' '));
  return { length: terms.length, parts };
}

/** Quoted for a tsvector and for a tsquery. */
export function lexeme(term: string): string {
  return `'${term.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

function weightOf(count: number): string {
  if (count > 5) return 'A';
  if (count > 2) return 'B';
  return count === 2 ? 'C' : '';
}

/** What is ranked, and where. */
export interface Ranked {
  /**
   * A query named `place`, and others before it: one row with `scope` (a tsquery, or null) and `total`, the number
   * of texts there; or no row.
   */
  readonly place: string;
  /** Has `length` and `terms`; called `m` below. */
  readonly table: string;
  /** The columns of `table` that say which text it is, the order of equals. */
  readonly keys: readonly string[];
  /** Which of the texts in the scope count: a condition on `m` and `p`, the place. */
  readonly seen: string;
  /** As above without the help of a scope: it has to find the texts by an index other than that of the words. */
  readonly walked: string;
}

/** How many entries of the index are looked at, at most, to rank by them. */
const MAX_HITS = 20_000;
/** How many texts are ranked when every term is in more than that. */
const MAX_WALKED = 5_000;
const K1 = 1.2;
const B = 0.75;
/** As in src/text/bm25.ts: in a small place a word that one text has is still worth something. */
const UNSEEN_TEXTS = 20;

/**
 * BM25 (Robertson & Zaragoza 2009) over the texts that have a term: `keys` and `score`, best first. The parameters
 * are those of `place`, then (from `$next`) the terms as `termParameters` gives them, and the limit.
 *
 * Terms are counted first, in the place, and taken from the rarest on until MAX_HITS texts were looked at: what is
 * in more tells nothing beside a rarer one. When there is no rarer one, the newest MAX_WALKED texts are ranked.
 */
export function rankSql({ place, table, keys, seen, walked }: Ranked, next: number): string {
  const columns = keys.map((key) => `m.${key}`).join(', ');
  const newestFirst = keys.map((key) => `${key} DESC`).join(', ');
  return `
WITH ${place},
asked AS MATERIALIZED (
  SELECT a.n, a.term::tsquery AS term, coalesce(a.term::tsquery && p.scope, a.term::tsquery) AS query
  FROM place p, unnest($${next}::text[]) WITH ORDINALITY AS a (term, n)),
counted AS MATERIALIZED (
  SELECT a.n, a.term, a.query, (SELECT count(*) FROM (
    SELECT FROM ${table} m WHERE m.terms @@ a.query AND ${seen} LIMIT ${MAX_HITS}) AS few) AS having
  FROM place p, asked a),
rare AS MATERIALIZED (
  SELECT * FROM (SELECT *, sum(having) OVER (ORDER BY having, n) AS upto FROM counted WHERE having > 0) AS c
  WHERE c.upto < ${MAX_HITS}),
common AS MATERIALIZED (SELECT * FROM counted WHERE having > 0 AND NOT EXISTS (SELECT FROM rare)),
newest AS MATERIALIZED (
  SELECT ${columns}, m.length, m.terms FROM place p CROSS JOIN LATERAL (
    SELECT * FROM ${table} m WHERE ${walked} AND (m.terms @@ $${next + 1}::tsquery) IS TRUE
    ORDER BY ${newestFirst} LIMIT ${MAX_WALKED}) AS m
  WHERE EXISTS (SELECT FROM common)),
hits AS (
  SELECT ${columns}, m.length, m.terms, r.term, r.having
  FROM place p CROSS JOIN rare r CROSS JOIN LATERAL (
    SELECT * FROM ${table} m WHERE m.terms @@ r.query AND ${seen}) AS m
  UNION ALL
  SELECT ${columns}, m.length, m.terms, r.term, r.having
  FROM common r JOIN newest m ON m.terms @@ r.term),
weighed AS (
  SELECT ${columns}, m.terms, m.term,
    ln(1 + (greatest(p.total, m.having) + ${UNSEEN_TEXTS} - m.having + 0.5) / (m.having + 0.5)) AS weight,
    ${K1} * (${1 - B} + ${B} * m.length / avg(m.length) OVER ()) AS norm
  FROM place p, hits m)
SELECT ${columns}, sum(m.weight * ts_rank(
  ARRAY[1 / (1 + m.norm), 2 / (2 + m.norm), 4 / (4 + m.norm), 8 / (8 + m.norm)]::real[], m.terms, m.term)) AS score
FROM weighed m GROUP BY ${columns} ORDER BY score DESC, ${newestFirst} LIMIT $${next + 2}`;
}

/** The terms as a list, and as one query for any of them. */
export function termParameters(terms: readonly string[]): [readonly string[], string] {
  const lexemes = terms.map(lexeme);
  return [lexemes, lexemes.join(' | ')];
}
