export interface DistributionOptions {
  readonly name: string;
  readonly help: string;
  /** Upper bounds, ascending. */
  readonly buckets: readonly number[];
}

/** A Prometheus histogram that costs an addition to observe; the client library's costs an object each. */
export class Distribution {
  readonly #options: DistributionOptions;
  /** How many fell into each bucket, and behind the last bound. */
  readonly #counts: number[];
  #sum = 0;

  constructor(options: DistributionOptions) {
    this.#options = options;
    this.#counts = new Array<number>(options.buckets.length + 1).fill(0);
  }

  observe(value: number): void {
    const { buckets } = this.#options;
    let at = 0;
    while (at < buckets.length && value > (buckets[at] ?? 0)) at += 1;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sum += value;
  }

  /** In the text format that Prometheus scrapes. */
  text(): string {
    const { name, help, buckets } = this.#options;
    let count = 0;
    const rows = [...buckets, '+Inf'].map((bound, at) => {
      count += this.#counts[at] ?? 0;
      return `${name}_bucket{le="${bound}"} ${count}`;
    });
    const head = [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`];
    return [...head, ...rows, `${name}_sum ${this.#sum}`, `${name}_count ${count}`, ''].join('\n');
  }
}
