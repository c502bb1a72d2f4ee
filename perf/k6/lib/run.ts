import { sleep } from 'k6';
import exec from 'k6/execution';
import type { Options } from 'k6/options';
import * as metrics from './metrics.ts';
import { type Figures, figuresOf, secondsOf } from './scenarios.ts';

/** Refusals that the summary tells apart. */
const REASONS = ['mailbox_full', 'rate_limited', 'overloaded', 'storage_unavailable'];

/** One of any of these fails a run, whatever its speed. */
const CORRECTNESS = [
  metrics.gaps,
  metrics.duplicates,
  metrics.lostAcks,
  metrics.lostEvents,
  metrics.mismatches,
  metrics.brokenTurns,
  metrics.errors,
];

type Thresholds = Record<string, string[]>;

/** The figures of this run; what is wrong with them ends it before it begins. */
export function figures(scenario: string): Figures {
  const found = figuresOf(scenario, __ENV);
  if (typeof found === 'string') throw new Error(found);
  return found;
}

/** VUs that host so many connections. */
function vusFor({ PEOPLE, PER_VU }: Figures): number {
  return Math.ceil(PEOPLE / PER_VU);
}

/** Each VU runs `default` once, and hosts some of the connections. */
export function optionsFor(figures: Figures, thresholds: Thresholds = {}): Options {
  const vus = vusFor(figures);
  const { SLOW } = figures;
  const people = once(vus, figures);
  const slow: Scenarios = SLOW > 0 ? { slow: { ...once(SLOW, figures), exec: 'slow' } } : {};
  return {
    scenarios: { people, ...slow },
    thresholds: { ...correctness(vus + SLOW), ...thresholds },
    summaryTrendStats: ['avg', 'min', 'med', 'p(90)', 'p(95)', 'p(99)', 'max', 'count'],
    // Each tag of k6's own is paid for with every sample.
    systemTags: [],
    setupTimeout: '1h',
    insecureSkipTLSVerify: __ENV['INSECURE_TLS'] === '1',
  };
}

type Scenarios = NonNullable<Options['scenarios']>;

function once(vus: number, figures: Figures): Scenarios[string] {
  return {
    executor: 'per-vu-iterations',
    vus,
    iterations: 1,
    maxDuration: `${Math.ceil(secondsOf(figures))}s`,
    gracefulStop: '2s',
  };
}

/** A gap, a duplicate or a lost ack fails the run; so does a VU that did not come to its end. */
function correctness(vus: number): Thresholds {
  const none = CORRECTNESS.map(({ name }) => [name, ['count==0']] as const);
  const told = REASONS.map((reason) => [`refusals{reason:${reason}}`, ['count>=0']] as const);
  return { ...Object.fromEntries([...none, ...told]), finished: [`count==${vus}`] };
}

/** Nothing is refused, nobody sent away, and 99 of 100 deliveries are in time. */
export function inTime({ P99_MS }: Figures): Thresholds {
  return {
    delivery_ms: [`p(99)<${P99_MS}`],
    ack_ms: [`p(99)<${P99_MS}`],
    deliveries: ['count>0'],
    acks: ['count>0'],
    refusals: ['count==0'],
    closes: ['count==0'],
  };
}

export interface Start {
  /** When the run begins for all VUs, milliseconds since 1970. */
  readonly startAt: number;
  readonly run: string;
}

/** Milliseconds for all VUs to be up. */
const GET_READY_MS = 1_000;

/** k6's `setup`: one beginning for all; START_AT, seconds since 1970, makes it that of several machines. */
export function begin(figures: Figures): Start {
  // An archive keeps the VUs that it was made with: then the figures must be those, too.
  const { vus } = (exec.test.options.scenarios?.['people'] ?? {}) as { vus?: number };
  if (vus !== vusFor(figures)) {
    throw new Error(`this archive is for ${vus} VUs: make it with the figures that it is run with`);
  }
  const asked = Number(__ENV['START_AT'] ?? 0) * 1_000;
  // VUs have only so much time, and wait for nothing; here there is an hour.
  sleep(Math.max(asked - GET_READY_MS - Date.now(), 0) / 1_000);
  return { startAt: Date.now() + GET_READY_MS, run: __ENV['RUN'] ?? `r${Date.now()}` };
}

export function wsUrl(): string {
  return `${baseUrl().replace(/^http/, 'ws')}/v1/ws`;
}

export function baseUrl(): string {
  return (__ENV['BASE_URL'] ?? 'http://127.0.0.1:8080').replace(/\/$/, '');
}

/** The numbers of the connections that this VU hosts. */
export function mine({ PEOPLE, PER_VU }: Figures): number[] {
  const first = exec.scenario.iterationInTest * PER_VU;
  const count = Math.max(Math.min(PER_VU, PEOPLE - first), 0);
  return Array.from({ length: count }, (_, at) => first + at);
}
