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

/** Of one work, the rate of `of` is at least `least` times that of `beside`. */
interface RateGoal {
  readonly work: string;
  readonly of: string;
  readonly beside: string;
  readonly least: number;
}

const RATE_GOALS: readonly RateGoal[] = [
  { work: 'pairs', of: 'FULL', beside: 'relay', least: 0.72 },
  { work: 'pairs', of: 'NORMAL', beside: 'relay', least: 0.77 },
  { work: 'pairs', of: 'postgres', beside: 'relay', least: 0.5 },
  { work: 'pairs', of: 'FULL', beside: 'ws', least: 1.6 },
  { work: 'pairs', of: 'FULL', beside: 'socket.io-ws', least: 3.7 },
  { work: 'pairs', of: 'FULL', beside: 'socket.io-uws', least: 1.45 },
  { work: 'pairs', of: 'FULL', beside: 'colyseus-uws', least: 1.6 },
  { work: 'room100', of: 'FULL', beside: 'relay', least: 0.8 },
  { work: 'room100x128', of: 'FULL', beside: 'relay', least: 0.8 },
  { work: 'room1000', of: 'FULL', beside: 'relay', least: 0.85 },
  { work: 'room100', of: 'FULL', beside: 'socket.io-uws', least: 1 },
  { work: 'room100x128', of: 'FULL', beside: 'socket.io-uws', least: 1 },
  { work: 'room1000', of: 'FULL', beside: 'socket.io-uws', least: 1 },
  { work: 'room100', of: 'FULL', beside: 'colyseus-uws', least: 8 },
  { work: 'room100x128', of: 'FULL', beside: 'colyseus-uws', least: 8 },
  { work: 'room1000', of: 'FULL', beside: 'colyseus-uws', least: 8 },
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

function rateVerdict(outcomes: Outcomes, { work, of, beside, least }: RateGoal): Verdict[] {
  const outcome = outcomes.get(work);
  // What reaches everyone in the room: a peer without acknowledgements could be measured so, too.
  const rate = (name: string) => medianOf(outcome?.runs.get(name), 'delivered');
  const reached = rate(of) / rate(beside);
  if (Number.isNaN(reached)) return [];
  const cpu = (name: string) => medianOf(outcome?.runs.get(name), 'serverUs');
  const verdict = {
    goal: `${work}: \`${of}\` ÷ ${beside}`,
    wanted: `≥ ${least}`,
    reached,
    isMet: reached >= least,
  };
  // What Postgres spends is not in it.
  return [of === 'postgres' ? verdict : { ...verdict, byCpu: cpu(beside) / cpu(of) }];
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
