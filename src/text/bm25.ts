/**
 * Okapi BM25 over a few hundred short texts that are read once and thrown away. Robertson & Zaragoza, "The
 * Probabilistic Relevance Framework: BM25 and Beyond" (2009), with the usual k1 and b.
 */
const K1 = 1.2;
const B = 0.75;

/**
 * Words are weighed as if so many texts more had been read that have none of them: in a conversation of three
 * messages a word that one of them has is still worth something beside a word that none has.
 */
const UNSEEN_TEXTS = 20;

export interface Scored {
  /** The index of the text among those ranked. */
  readonly index: number;
  readonly score: number;
  /** How much of the question's weight the text has, 0 to 1: a rare word of it weighs more than a common one. */
  readonly coverage: number;
}

/**
 * The texts that have a term of the question, best first; of equals the later text first.
 * Linear in all terms together, and n log n in the texts that match.
 */
export function rank(
  question: ReadonlySet<string>,
  texts: readonly (readonly string[])[],
): readonly Scored[] {
  const counts = texts.map((terms) => countOf(question, terms));
  const average =
    texts.reduce((sum, terms) => sum + terms.length, 0) / Math.max(texts.length, 1) || 1;
  const weights = new Map<string, number>();
  let whole = 0;
  for (const term of question) {
    const having = counts.reduce((n, count) => n + (count?.has(term) ? 1 : 0), 0);
    const weight = Math.log(1 + (texts.length + UNSEEN_TEXTS - having + 0.5) / (having + 0.5));
    weights.set(term, weight);
    whole += weight;
  }
  const scored: Scored[] = [];
  counts.forEach((count, index) => {
    if (count === undefined) return;
    let score = 0;
    let covered = 0;
    const norm = 1 - B + (B * (texts[index]?.length ?? 0)) / average;
    for (const [term, n] of count) {
      const weight = weights.get(term) ?? 0;
      score += (weight * n * (K1 + 1)) / (n + K1 * norm);
      covered += weight;
    }
    scored.push({ index, score, coverage: covered / whole });
  });
  return scored.sort((a, b) => b.score - a.score || b.index - a.index);
}

/** Undefined when the text has none: most have none, and are many. */
function countOf(
  question: ReadonlySet<string>,
  terms: readonly string[],
): Map<string, number> | undefined {
  let count: Map<string, number> | undefined;
  for (const term of terms) {
    if (!question.has(term)) continue;
    count ??= new Map();
    count.set(term, (count.get(term) ?? 0) + 1);
  }
  return count;
}
