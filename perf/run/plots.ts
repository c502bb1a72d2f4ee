import type { Curve, Plot } from '../k6/lib/report.ts';
import { coresOf, type Sample } from './samples.ts';
import type { Seconds } from './seconds.ts';
import type { Kept } from './soak.ts';

const TIMES: readonly (readonly [metric: string, title: string])[] = [
  ['ack_ms', 'Send to ack'],
  ['delivery_ms', 'Send to delivery'],
  ['connect_ms', 'Connect to live'],
  ['resume_ms', 'Reconnect to live'],
  ['first_token_ms', 'Send to first token'],
  ['refusal_ms', 'Send to refusal'],
  ['http_req_duration', 'REST calls'],
];

/** Every plot that has something to show: k6's curves, and the server beside them on the same seconds. */
export function plotsOf(
  seconds: Seconds,
  samples: readonly Sample[],
  kept: readonly Kept[] = [],
): Plot[] {
  const names = new Set(seconds.names);
  const sums = (wanted: readonly string[]): Curve[] =>
    wanted
      .filter((name) => names.has(name))
      .map((name) => ({ name, values: seconds.sums(name) }))
      .filter(({ values }) => values.some((value) => value > 0));
  const times = TIMES.filter(([metric]) => names.has(metric)).map(([metric, title]) => ({
    title,
    unit: 'ms',
    curves: [
      { name: 'p50', values: seconds.quantiles(metric, 0.5) },
      { name: 'p99', values: seconds.quantiles(metric, 0.99) },
    ],
  }));
  const refusals = seconds.names.filter((name) => name.startsWith('refusals{'));
  const plots = [
    { title: 'Messages', unit: 'a second', curves: sums(['sends', 'acks']) },
    { title: 'Deliveries', unit: 'a second', curves: sums(['deliveries', 'replayed']) },
    ...times,
    { title: 'Refusals', unit: 'a second', curves: sums(refusals) },
    { title: 'Turns', unit: 'a second', curves: sums(['turns']) },
    { title: 'REST calls', unit: 'a second', curves: sums(['http_reqs']) },
    ...serverPlots(samples, kept, seconds),
  ];
  return plots.filter(({ curves }) => curves.length > 0);
}

function serverPlots(
  samples: readonly Sample[],
  kept: readonly Kept[],
  { start, length }: Seconds,
): Plot[] {
  if (start === undefined) return [];
  const laid = (values: readonly (number | null)[]) =>
    bridged(
      placed(
        { start, length },
        samples.map(({ at }, index) => [at, values[index] ?? null]),
      ),
    );
  const curve = (name: string, read: (sample: Sample) => number): Curve => ({
    name,
    values: laid(samples.map(read)),
  });
  return [
    {
      title: 'CPU',
      unit: 'cores',
      curves: [
        { name: 'server', values: laid(coresOf(samples, 'cpuSeconds')) },
        { name: 'k6', values: laid(coresOf(samples, 'loadCpuSeconds')) },
      ],
    },
    {
      title: 'Memory of the server',
      unit: 'MB',
      curves: [curve('resident', ({ rssBytes }) => rssBytes / 1e6)],
    },
    {
      title: 'Heap of the server',
      unit: 'MB',
      curves: [
        curve('used', ({ heapBytes }) => heapBytes / 1e6),
        ...(kept.length === 0 ? [] : [keptCurve({ start, length }, kept)]),
      ],
    },
    {
      title: 'Event-loop lag of the server',
      unit: 'ms',
      curves: [curve('p99', ({ lagP99Ms }) => lagP99Ms), curve('max', ({ lagMaxMs }) => lagMaxMs)],
    },
    {
      title: 'Connections',
      unit: 'open',
      curves: [curve('connections', (sample) => sample.connections)],
    },
    {
      title: 'Waiting',
      unit: 'in mailboxes; congested readers',
      curves: [
        curve('drafts', ({ mailboxDepth }) => mailboxDepth),
        curve('congested', ({ congested }) => congested),
      ],
    },
  ];
}

/** What a full collection left, as a step until the next one. */
function keptCurve(axis: Axis, kept: readonly Kept[]): Curve {
  let last: number | null = null;
  const values = placed(
    axis,
    kept.map(({ at, bytes }) => [at, bytes / 1e6]),
  ).map((value) => {
    last = value ?? last;
    return last;
  });
  return { name: 'kept by a full collection', values };
}

type Axis = Pick<Seconds, 'length'> & { readonly start: number };

/** The greatest value of each second, null where there is none. */
function placed(
  { start, length }: Axis,
  points: readonly (readonly [at: number, value: number | null])[],
): (number | null)[] {
  const seconds = new Array<number | null>(length).fill(null);
  for (const [at, value] of points) {
    const second = Math.round(at - start);
    if (second < 0 || second >= length || value === null || Number.isNaN(value)) continue;
    seconds[second] = Math.max(seconds[second] ?? 0, value);
  }
  return seconds;
}

/** A sample that came a moment late leaves a second without one: that is no gap to show. */
function bridged(values: readonly (number | null)[]): (number | null)[] {
  return values.map((value, at) => {
    const [before, after] = [values[at - 1], values[at + 1]];
    if (value !== null || typeof before !== 'number' || typeof after !== 'number') return value;
    return (before + after) / 2;
  });
}
