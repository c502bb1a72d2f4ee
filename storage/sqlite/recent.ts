/**
 * What was used lately, of `maxBytes` together at most: two generations. What is used moves to the young one; when
 * that has half of the bytes, the old one goes. Keeps what an LRU would keep, roughly, at the cost of a look into a
 * map, where the list of an LRU costs three times that (perf/README.md).
 */
export class Recent<K, V> {
  readonly #maxBytes: number;
  readonly #bytesOf: (value: V) => number;
  #young = new Map<K, V>();
  #old = new Map<K, V>();
  #youngBytes = 0;

  constructor(maxBytes: number, bytesOf: (value: V) => number) {
    this.#maxBytes = maxBytes;
    this.#bytesOf = bytesOf;
  }

  get(key: K): V | undefined {
    return this.#young.get(key) ?? this.#renewed(key);
  }

  /** Also when the value has become larger than it was. */
  set(key: K, value: V): void {
    const before = this.#young.get(key);
    this.#old.delete(key);
    this.#young.set(key, value);
    this.#youngBytes += this.#bytesOf(value) - (before === undefined ? 0 : this.#bytesOf(before));
    if (this.#youngBytes * 2 <= this.#maxBytes) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngBytes = 0;
  }

  delete(key: K): void {
    const before = this.#young.get(key);
    if (before !== undefined) this.#youngBytes -= this.#bytesOf(before);
    this.#young.delete(key);
    this.#old.delete(key);
  }

  clear(): void {
    this.#young = new Map();
    this.#old = new Map();
    this.#youngBytes = 0;
  }

  #renewed(key: K): V | undefined {
    const value = this.#old.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }
}
