/** Of these the distribution in each second is kept, and not only the sum. */
const TIMES = new Set([
  'ack_ms',
  'delivery_ms',
  'connect_ms',
  'resume_ms',
  'refusal_ms',
  'first_token_ms',
  'http_req_duration',
]);
/** A bucket is so much wider than the one below: a quantile is off by 1 % at most. */
const GROWTH = 1.02;
const LOG_GROWTH = Math.log(GROWTH);
/** Milliseconds below which all times are one. */
const LEAST_MS = 0.01;

interface Second {
  sum: number;
  count: number;
  readonly buckets: Map<number, number>;
}

/**
 * What k6 measured, second by second, from its CSV output. Bound: the seconds of a run, times the metrics, times
 * some 100 buckets each.
 */
export class Seconds {
  readonly #metrics = new Map<string, Map<number, Second>>();
  #first = Number.POSITIVE_INFINITY;
  #last = Number.NEGATIVE_INFINITY;

  /** A line of the CSV: name, seconds since 1970, value, tags. The header and what is not a sample is skipped. */
  add(line: string): void {
    const [name = '', time, text, tags = ''] = line.split(',', 4);
    const second = Number(time);
    const value = Number(text);
    if (!Number.isInteger(second) || second === 0 || !Number.isFinite(value)) return;
    this.#first = Math.min(this.#first, second);
    this.#last = Math.max(this.#last, second);
    this.#put(name, second, value);
    if (tags !== '') this.#put(`${name}{${tags}}`, second, value);
  }

  /** Seconds since 1970 of the first value of a curve; undefined when nothing came. */
  get start(): number | undefined {
    return Number.isFinite(this.#first) ? this.#first : undefined;
  }

  get length(): number {
    return this.start === undefined ? 0 : this.#last - this.#first + 1;
  }

  /** All names, also `name{tags}`. */
  get names(): readonly string[] {
    return [...this.#metrics.keys()];
  }

  /** The sum in each second. */
  sums(name: string): number[] {
    return this.#each(name, (second) => second?.sum ?? 0);
  }

  /** A quantile of each second, null where there was nothing. */
  quantiles(name: string, quantile: number): (number | null)[] {
    return this.#each(name, (second) =>
      second === undefined ? null : quantileOf(second, quantile),
    );
  }

  #each<T>(name: string, read: (second: Second | undefined) => T): T[] {
    const seconds = this.#metrics.get(name);
    return Array.from({ length: this.length }, (_, at) => read(seconds?.get(this.#first + at)));
  }

  #put(name: string, at: number, value: number): void {
    let seconds = this.#metrics.get(name);
    if (seconds === undefined) {
      seconds = new Map();
      this.#metrics.set(name, seconds);
    }
    let second = seconds.get(at);
    if (second === undefined) {
      second = { sum: 0, count: 0, buckets: new Map() };
      seconds.set(at, second);
    }
    second.sum += value;
    second.count += 1;
    if (!TIMES.has(name)) return;
    const bucket = Math.round(Math.log(Math.max(value, LEAST_MS) / LEAST_MS) / LOG_GROWTH);
    second.buckets.set(bucket, (second.buckets.get(bucket) ?? 0) + 1);
  }
}

function quantileOf({ count, buckets }: Second, quantile: number): number | null {
  let left = Math.max(Math.ceil(count * quantile), 1);
  for (const [bucket, held] of [...buckets].sort(([a], [b]) => a - b)) {
    left -= held;
    if (left <= 0) return LEAST_MS * GROWTH ** bucket;
  }
  return null;
}
