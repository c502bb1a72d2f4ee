import type { Report } from '../k6/lib/report.ts';
import { shortNumber } from '../k6/lib/report.ts';
import { coresOf, meanCores, type Sample } from './samples.ts';

/** Of all cores, from this part on what is measured is also the waiting for one. */
const FULL = 0.85;

/** What the server's log says that somebody should look at. */
export interface LogCount {
  readonly errors: number;
  readonly warnings: number;
  /** The first error, as it was written. */
  readonly first: string | undefined;
}

export function countLog(text: string): LogCount {
  const lines = text.split('\n');
  const errors = lines.filter((line) => line.includes('"level":"error"'));
  const warnings = lines.filter((line) => line.includes('"level":"warn"')).length;
  return { errors: errors.length, warnings, first: errors[0]?.slice(0, 500) };
}

type Fact = readonly [string, string];

/** What the server cost: CPU, memory, event-loop lag, and the CPU of a message. */
export function costFacts(
  samples: readonly Sample[],
  { metrics, cores }: { readonly metrics: Report['metrics']; readonly cores: number },
): Fact[] {
  if (samples.length < 2) return [['server', 'was not sampled']];
  const most = (read: (sample: Sample) => number) => Math.max(...known(samples.map(read)));
  const mean = meanCores(samples, 'cpuSeconds');
  const peak = Math.max(...known(coresOf(samples, 'cpuSeconds')));
  const load = meanCores(samples, 'loadCpuSeconds');
  const facts: Fact[] = [
    ['CPU of the server', `${shortNumber(mean)} cores on average, ${shortNumber(peak)} at most`],
    ['memory of the server', `${shortNumber(most(({ rssBytes }) => rssBytes) / 1e6)} MB at most`],
    ['event-loop lag', lagOf(samples)],
    ['connections', `${shortNumber(most(({ connections }) => connections))} at most`],
    ...perMessage(samples, metrics),
  ];
  if (Number.isFinite(load)) facts.push(['CPU of k6', `${shortNumber(load)} cores on average`]);
  if (mean + load > FULL * cores) {
    facts.push([
      'note',
      `server and k6 had nearly all of the ${cores} cores: times include waiting`,
    ]);
  }
  return facts;
}

function lagOf(samples: readonly Sample[]): string {
  const p99 = known(samples.map(({ lagP99Ms }) => lagP99Ms)).sort((a, b) => a - b);
  const max = Math.max(...known(samples.map(({ lagMaxMs }) => lagMaxMs)));
  const median = p99[Math.floor(p99.length / 2)] ?? Number.NaN;
  return `p99 of a second ${shortNumber(median)} ms at the median, the longest ${shortNumber(max)} ms`;
}

/** CPU time over the whole run, connections and all, shared among the messages and among the deliveries. */
function perMessage(samples: readonly Sample[], metrics: Report['metrics']): Fact[] {
  const used = ((samples.at(-1)?.cpuSeconds ?? 0) - (samples[0]?.cpuSeconds ?? 0)) * 1e6;
  const count = (name: string) => metrics[name]?.values['count'] ?? 0;
  const [acks, deliveries] = [count('acks'), count('deliveries')];
  if (acks === 0) return [];
  const each = deliveries === 0 ? '' : `, ${shortNumber(used / deliveries)} µs a delivery`;
  return [['CPU of the server by work', `${shortNumber(used / acks)} µs a message${each}`]];
}

function known(values: readonly (number | null)[]): number[] {
  return values.filter((value) => value !== null && Number.isFinite(value)) as number[];
}
