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
   * of texts there (float8); or no row.
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

/** A term in more texts of the place than this tells little: it is common. */
const MAX_TEXTS = 5_000;
/** How many of the newest texts with a common term are ranked when there are too few with a rarer one; or the limit. */
const MIN_WALKED = 2_000;
const K1 = 1.2;
const B = 0.75;
/** As in src/text/bm25.ts: in a small place a word that one text has is still worth something. */
const UNSEEN_TEXTS = 20;

/** ts_rank gives the weight of the one lexeme by this number; the weights are 1, 2, 4 and 8 eighths. */
const FREQUENCY = `(13.1594725 * ts_rank('{0.125, 0.25, 0.5, 1}', m.terms, a.term)) AS frequency`;

/**
 * BM25 (Robertson & Zaragoza 2009) over the texts that have a term: `keys` and `score`, best first. The parameters
 * are those of `place`, then (from `$next`) the terms as `termParameters` gives them, and the limit.
 *
 * The work is bounded by the terms, not by the texts. Of a term that is common we do not look all texts up: it
 * counts, for little, in texts that have a rarer one; and when those are fewer than the limit, in the newest ones.
 */
export function rankSql({ place, table, keys, seen, walked }: Ranked, next: number): string {
  const columns = keys.map((key) => `m.${key}`).join(', ');
  const names = keys.join(', ');
  // OFFSET 0, where this is used: the candidates are looked up one by one, whatever their number is thought to be.
  const same = keys.map((key) => `m.${key} = k.${key}`).join(' AND ');
  const newestFirst = keys.map((key) => `${key} DESC`).join(', ');
  return `
WITH ${place},
asked AS MATERIALIZED (
  SELECT a.n, a.term::tsquery AS term, coalesce(a.term::tsquery && p.scope, a.term::tsquery) AS query
  FROM place p, unnest($${next}::text[]) WITH ORDINALITY AS a (term, n)),
found AS MATERIALIZED (
  SELECT a.n, ${columns}, m.length, m.frequency
  FROM place p CROSS JOIN asked a CROSS JOIN LATERAL (
    SELECT ${columns}, m.length, ${FREQUENCY} FROM ${table} m
    WHERE m.terms @@ a.query AND ${seen} LIMIT ${MAX_TEXTS}) AS m),
counted AS MATERIALIZED (SELECT n, count(*) AS texts FROM found GROUP BY n),
common AS MATERIALIZED (SELECT a.* FROM asked a JOIN counted c ON c.n = a.n WHERE c.texts = ${MAX_TEXTS}),
rare AS MATERIALIZED (
  SELECT f.*, c.texts::float8 FROM found f JOIN counted c ON c.n = f.n WHERE c.texts < ${MAX_TEXTS}),
newest AS MATERIALIZED (
  SELECT ${columns} FROM place p CROSS JOIN LATERAL (
    SELECT ${columns} FROM ${table} m WHERE ${walked} AND (m.terms @@ $${next + 1}::tsquery) IS TRUE
    ORDER BY ${newestFirst} LIMIT greatest(${MIN_WALKED}, $${next + 2}::integer)) AS m
  WHERE EXISTS (SELECT FROM common)
    AND (SELECT count(*) FROM (SELECT DISTINCT ${names} FROM rare) AS r) < $${next + 2}::integer),
candidates AS MATERIALIZED (
  SELECT ${names} FROM rare WHERE EXISTS (SELECT FROM common) UNION SELECT ${names} FROM newest),
hits AS (
  SELECT ${names}, length, frequency, texts FROM rare
  UNION ALL
  SELECT ${columns}, m.length, ${FREQUENCY}, greatest(${MAX_TEXTS}, p.total / 2)
  FROM place p CROSS JOIN candidates k CROSS JOIN LATERAL (
    SELECT * FROM ${table} m WHERE ${same} OFFSET 0) AS m JOIN common a ON m.terms @@ a.term),
normed AS (SELECT *, ${K1} * (${1 - B} + ${B} * length / avg(length) OVER ())::float8 AS norm FROM hits)
SELECT ${columns}, sum(frequency / (frequency + norm)
  * ln(1 + (greatest(p.total, texts) + ${UNSEEN_TEXTS} - texts + 0.5) / (texts + 0.5))) AS score
FROM place p, normed m GROUP BY ${columns} ORDER BY score DESC, ${newestFirst} LIMIT $${next + 2}::integer`;
}

/** The terms as a list, and as one query for any of them. */
export function termParameters(terms: readonly string[]): [readonly string[], string] {
  const lexemes = terms.map(lexeme);
  return [lexemes, lexemes.join(' | ')];
}
