import type { MetricSummary } from '../k6/lib/report.ts';
import type { Figures } from '../k6/lib/scenarios.ts';
import { type Findings, noFindings, Reader } from './reader.ts';

/** Milliseconds that a reader gets to come to the end when all was sent. */
const CATCH_UP_MS = 10_000;

export interface StreamsPlan {
  readonly url: string;
  /** Conversations are called `RUN-0`, `RUN-1`, … */
  readonly run: string;
  readonly figures: Pick<Figures, 'STREAMS' | 'PEOPLE' | 'PER_ROOM' | 'EVERY' | 'P99_MS'>;
}

/** The event streams of a run, spread over its conversations, beside k6, which has no client for them. */
export class Streams {
  readonly #found: Findings = noFindings();
  readonly #readers: readonly Reader[];
  readonly #mostMs: number;

  constructor({ url, run, figures }: StreamsPlan) {
    const rooms = Math.ceil(figures.PEOPLE / figures.PER_ROOM);
    this.#mostMs = figures.P99_MS;
    this.#readers = Array.from({ length: figures.STREAMS }, (_, index) => {
      const conversationId = `${run}-${index % rooms}`;
      // They do not all drop their streams at the same time.
      const everyMs = figures.EVERY * (1_000 + 10 * (index % 100));
      return new Reader({ url, conversationId, name: `reader ${index}`, everyMs }, this.#found);
    });
  }

  /** Ends every reader, once it has come to the end of its conversation; at once when the run was cut. */
  async end(isWhole: boolean): Promise<void> {
    await Promise.all(this.#readers.map((reader) => reader.end(isWhole ? CATCH_UP_MS : 0)));
  }

  /** As k6 gives its own, so that the report has one table. None when there were no streams. */
  metrics(): Record<string, MetricSummary> {
    return this.#readers.length === 0 ? {} : metricsOf(this.#found, this.#mostMs);
  }
}

/** What was found as metrics with thresholds: nothing missing, nothing twice, 99 of 100 in time. */
export function metricsOf(found: Findings, mostMs: number): Record<string, MetricSummary> {
  const sorted = [...found.deliveryMs].sort((a, b) => a - b);
  const at = (part: number) => sorted[Math.max(Math.ceil(sorted.length * part), 1) - 1] ?? 0;
  const sum = sorted.reduce((total, value) => total + value, 0);
  const values = {
    count: sorted.length,
    avg: sorted.length === 0 ? 0 : sum / sorted.length,
    med: at(0.5),
    'p(90)': at(0.9),
    'p(95)': at(0.95),
    'p(99)': at(0.99),
    max: at(1),
  };
  const counter = (count: number, threshold?: string, ok = true): MetricSummary => ({
    type: 'counter',
    values: { count },
    ...(threshold !== undefined && { thresholds: { [threshold]: { ok } } }),
  });
  return {
    stream_delivery_ms: {
      type: 'trend',
      contains: 'time',
      values,
      thresholds: { [`p(99)<${mostMs}`]: { ok: values['p(99)'] < mostMs } },
    },
    stream_events: counter(found.events, 'count>0', found.events > 0),
    stream_gaps: counter(found.gaps, 'count==0', found.gaps === 0),
    stream_duplicates: counter(found.duplicates, 'count==0', found.duplicates === 0),
    stream_resumes: counter(found.resumes),
    stream_ends: counter(found.ends, 'count==0', found.ends === 0),
  };
}
