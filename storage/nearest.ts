/** What was found, and how near it is. */
export interface Scored {
  /** More is nearer. */
  readonly score: number;
}

/** The best of what is offered, at most `limit`; of equals those that came first. */
export class Best<T extends Scored> {
  readonly #limit: number;
  readonly #items: T[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Best first. */
  get items(): readonly T[] {
    return this.#items;
  }

  /** What does not score more than this is not among them: look before you make an object of it. */
  get bar(): number {
    if (this.#items.length < this.#limit) return Number.NEGATIVE_INFINITY;
    return this.#items.at(-1)?.score ?? Number.POSITIVE_INFINITY;
  }

  /** O(log n) comparisons. */
  offer(item: T): void {
    if (!(item.score > this.bar)) return;
    let [from, to] = [0, this.#items.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.#items[middle]?.score ?? 0) >= item.score) from = middle + 1;
      else to = middle;
    }
    this.#items.splice(from, 0, item);
    if (this.#items.length > this.#limit) this.#items.pop();
  }
}

/** A copy of the same direction and length 1, or of length 0: the inner product of two is their cosine. */
export function unitOf(vector: Float32Array): Float32Array {
  const length = Math.sqrt(innerProduct(vector, vector));
  return length === 0 ? vector.slice() : vector.map((x) => x / length);
}

/** Of vectors of one length. In four sums, since each addition waits for the one before it: twice as fast. */
export function innerProduct(a: Float32Array, b: Float32Array): number {
  let [first, second, third, fourth] = [0, 0, 0, 0];
  const whole = a.length - (a.length % 4);
  for (let at = 0; at < whole; at += 4) {
    first += (a[at] ?? 0) * (b[at] ?? 0);
    second += (a[at + 1] ?? 0) * (b[at + 1] ?? 0);
    third += (a[at + 2] ?? 0) * (b[at + 2] ?? 0);
    fourth += (a[at + 3] ?? 0) * (b[at + 3] ?? 0);
  }
  for (let at = whole; at < a.length; at += 1) first += (a[at] ?? 0) * (b[at] ?? 0);
  return first + second + third + fourth;
}
