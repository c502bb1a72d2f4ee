import { median, table } from '../harness/stats.ts';
import { medianOf, type Outcome } from './report.ts';
import type { Run } from './run.ts';

/** What is to be reached, and what was. */
interface Verdict {
  readonly goal: string;
  readonly wanted: string;
  readonly reached: number;
  /** The same by CPU time a message: what holds where the client, or others, left a server no full core. */
  readonly byCpu?: number;
  readonly isMet: boolean;
}

type Outcomes = ReadonlyMap<string, Outcome>;

/** The rate of `of` is at least `least` times that of `beside`: of several works, each with the one it is best at. */
interface RateGoal {
  readonly works: readonly string[];
  readonly of: string;
  readonly beside: string;
  readonly least: number;
}

/** How much a room delivers is asked, and not with how many messages under way: the contenders differ in what suits them. */
const ROOM_100 = ['room100', 'room100x128'];

const RATE_GOALS: readonly RateGoal[] = [
  { works: ['pairs'], of: 'FULL', beside: 'relay', least: 0.72 },
  { works: ['pairs'], of: 'NORMAL', beside: 'relay', least: 0.77 },
  { works: ['pairs'], of: 'postgres', beside: 'relay', least: 0.5 },
  { works: ['pairs'], of: 'FULL', beside: 'ws', least: 1.6 },
  { works: ['pairs'], of: 'FULL', beside: 'socket.io-ws', least: 3.7 },
  { works: ['pairs'], of: 'FULL', beside: 'socket.io-uws', least: 1.45 },
  { works: ['pairs'], of: 'FULL', beside: 'colyseus-uws', least: 1.6 },
  { works: ROOM_100, of: 'FULL', beside: 'relay', least: 0.8 },
  { works: ['room1000'], of: 'FULL', beside: 'relay', least: 0.85 },
  { works: ROOM_100, of: 'FULL', beside: 'socket.io-uws', least: 1 },
  { works: ['room1000'], of: 'FULL', beside: 'socket.io-uws', least: 1 },
  { works: ROOM_100, of: 'FULL', beside: 'colyseus-uws', least: 8 },
  { works: ['room1000'], of: 'FULL', beside: 'colyseus-uws', least: 8 },
];

/** `fdatasync`s that the median may be behind the relay's, and milliseconds that the 99th percentile may. */
const SYNCS_BEHIND = 3;
const P99_MS_BEHIND = 3;

/** The goals that this run can say something about, as Markdown; empty when there are none. */
export function describeGoals(outcomes: Outcomes): string {
  const verdicts = [
    ...RATE_GOALS.flatMap((goal) => rateVerdict(outcomes, goal)),
    ...latencyVerdicts(outcomes.get('rate')),
  ];
  if (verdicts.length === 0) return '';
  const rows = verdicts.map(({ goal, wanted, reached, byCpu, isMet }) => [
    goal,
    wanted,
    reached.toFixed(2),
    byCpu?.toFixed(2) ?? '',
    isMet ? 'yes' : 'no',
  ]);
  return `**Goals**\n\n${table(['', 'goal', 'reached', 'by CPU a message', 'met'], rows)}`;
}

function rateVerdict(outcomes: Outcomes, { works, of, beside, least }: RateGoal): Verdict[] {
  const [best, other] = [bestOf(of, works, outcomes), bestOf(beside, works, outcomes)];
  if (best === undefined || other === undefined) return [];
  const reached = best.rate / other.rate;
  const verdict = {
    goal: `${works.join(' or ')}: \`${of}\` ÷ ${beside}`,
    wanted: `≥ ${least}`,
    reached,
    isMet: reached >= least,
  };
  // What Postgres spends is not in it.
  return [of === 'postgres' ? verdict : { ...verdict, byCpu: other.us / best.us }];
}

interface Rate {
  /** Messages that reach everyone in the room: a peer without acknowledgements could be measured so, too. */
  readonly rate: number;
  /** Microseconds of CPU a message. */
  readonly us: number;
}

function bestOf(name: string, works: readonly string[], outcomes: Outcomes): Rate | undefined {
  const rates = works.flatMap((work): Rate[] => {
    const runs = outcomes.get(work)?.runs.get(name) ?? [];
    if (runs.length === 0) return [];
    return [{ rate: medianOf(runs, 'delivered'), us: medianOf(runs, 'serverUs') }];
  });
  return rates.toSorted((a, b) => b.rate - a.rate)[0];
}

function latencyVerdicts(outcome: Outcome | undefined): Verdict[] {
  const [full, relay] = [outcome?.runs.get('FULL'), outcome?.runs.get('relay')];
  if (outcome === undefined || !full?.length || !relay?.length || outcome.synced.length === 0)
    return [];
  const behindMs = (field: keyof Run) => (medianOf(full, field) - medianOf(relay, field)) / 1_000;
  const syncs = behindMs('p50_us') / median(outcome.synced.map(({ p50 }) => p50));
  const p99 = behindMs('p99_us');
  return [
    {
      goal: 'rate: p50 of `FULL` behind the relay, in `fdatasync`s',
      wanted: `≤ ${SYNCS_BEHIND}`,
      reached: syncs,
      isMet: syncs <= SYNCS_BEHIND,
    },
    {
      goal: 'rate: p99 of `FULL` behind the relay, ms',
      wanted: `≤ ${P99_MS_BEHIND}`,
      reached: p99,
      isMet: p99 <= P99_MS_BEHIND,
    },
  ];
}
