import { readScrape, type Sample, sampleOf } from './samples.ts';

const EVERY_MS = 1_000;
const SCRAPE_MS = 5_000;
/** The first scrape tells how late the event loop was before the load. */
const LAG_BEFORE = { lagP99Ms: Number.NaN, lagMaxMs: Number.NaN };

/** Scrapes the server every second, as Prometheus would, beside the load. */
export class Sampler {
  readonly samples: Sample[] = [];
  readonly #url: string;
  readonly #loadCpuSeconds: () => number;
  #isOver = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(url: string, loadCpuSeconds: () => number) {
    this.#url = url;
    this.#loadCpuSeconds = loadCpuSeconds;
    void this.#look();
  }

  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    const startedAt = performance.now();
    const scrape = await this.#scrape();
    if (this.#isOver) return;
    const at = (performance.timeOrigin + performance.now()) / 1_000;
    if (scrape !== undefined) {
      const sample = sampleOf(scrape, { at, loadCpuSeconds: this.#loadCpuSeconds() });
      const isFirst = this.samples.length === 0;
      this.samples.push(isFirst ? { ...sample, ...LAG_BEFORE } : sample);
    }
    const waitMs = Math.max(EVERY_MS - (performance.now() - startedAt), 0);
    this.#timer = setTimeout(() => void this.#look(), waitMs);
  }

  /** A server that does not answer in time is a gap in the curves. */
  async #scrape(): Promise<ReadonlyMap<string, number> | undefined> {
    try {
      const signal = AbortSignal.timeout(SCRAPE_MS);
      const answer = await fetch(`${this.#url}/metrics`, { signal });
      return answer.ok ? readScrape(await answer.text()) : undefined;
    } catch {
      return undefined;
    }
  }
}
