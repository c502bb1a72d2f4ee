/**
 * Joins rankings of the same things by their places alone: Cormack, Clarke & Büttcher, "Reciprocal Rank Fusion
 * outperforms Condorcet and individual Rank Learning Methods" (2009), with their k.
 */
const K = 60;

export interface Ranking<T> {
  /** Best first, each once. */
  readonly items: readonly T[];
  /** How much a place in it counts; 1 when absent. */
  readonly weight?: number;
}

export interface Fused<T> {
  readonly item: T;
  /** More is better; comparable within one answer. */
  readonly score: number;
}

/**
 * Best first, at most `limit`. Items with one key are one item, of which the first is kept. Of equal scores the one
 * with the better best place comes first; of equal places the one whose ranking was given first.
 */
export function fuse<T>(
  rankings: readonly Ranking<T>[],
  { keyOf, limit }: { readonly keyOf: (item: T) => string | number; readonly limit: number },
): readonly Fused<T>[] {
  const fused = new Map<string | number, { item: T; score: number; place: number }>();
  for (const { items, weight = 1 } of rankings) {
    items.forEach((item, place) => {
      const gain = weight / (K + place + 1);
      const known = fused.get(keyOf(item));
      if (known === undefined) {
        fused.set(keyOf(item), { item, score: gain, place });
        return;
      }
      known.score += gain;
      known.place = Math.min(known.place, place);
    });
  }
  // Sorting is stable: of equals the one that came into the map first stays first.
  return [...fused.values()]
    .sort((a, b) => b.score - a.score || a.place - b.place)
    .slice(0, limit)
    .map(({ item, score }) => ({ item, score }));
}
