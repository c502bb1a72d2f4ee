import { median, short, spread, table } from '../harness/stats.ts';
import type { FrameSizes } from './contenders.ts';
import { contender } from './contenders.ts';
import type { Synced } from './fdatasync.ts';
import type { Run } from './run.ts';

/** All runs of one work; a contender that failed has what it failed with. */
export interface Outcome {
  readonly title: string;
  readonly isOpen: boolean;
  readonly runs: ReadonlyMap<string, readonly Run[]>;
  readonly failures: ReadonlyMap<string, string>;
  readonly synced: readonly Synced[];
}

/** Above this share of a core, it was the client that was measured. */
const CLIENT_LIMIT = 0.9;
/** Below this share of a core in a closed loop, for server and client, others held them back. */
const CORE_LIMIT = 0.85;

const HEAD = [
  '',
  'acked/s',
  'delivered/s',
  'rate ÷ relay',
  'Colloquy `FULL` ÷ it',
  'CPU: relay ÷ it',
  'p50 ms',
  'p99 ms',
  'server µs/message',
  'server cores',
  'client cores',
];

export function medianOf(runs: readonly Run[] | undefined, field: keyof Run): number {
  return median((runs ?? []).map((run) => run[field]));
}

/** One work as Markdown: the table, and what is to be said of it. */
export function describe(outcome: Outcome): string {
  const rows = [...outcome.runs].map(([name, runs]) => row(name, runs, outcome));
  const notes = notesOn(outcome).map((note) => `- ${note}`);
  return [`**${outcome.title}**`, table(HEAD, rows), notes.join('\n')].filter(Boolean).join('\n\n');
}

function row(
  name: string,
  runs: readonly Run[],
  { runs: all, isOpen, failures }: Outcome,
): string[] {
  const { title } = contender(name);
  if (runs.length === 0)
    return [title, failures.get(name) ?? 'no run', ...HEAD.slice(2).map(() => '')];
  const [relay, full] = [all.get('relay'), all.get('FULL')];
  const every = (field: keyof Run) => runs.map((run) => run[field]);
  const ms = (us: number) => short(us / 1_000);
  const rate = medianOf(runs, 'acked');
  const ratio = (over: number) => (Number.isNaN(over) || isOpen ? '' : over.toFixed(2));
  const atLimit = medianOf(runs, 'cpu') > CLIENT_LIMIT ? ' (client at its limit)' : '';
  return [
    title,
    spread(every('acked'), short),
    spread(every('delivered'), short),
    ratio(rate / medianOf(relay, 'acked')),
    name === 'FULL' ? '' : ratio(medianOf(full, 'acked') / rate),
    cpuRatio(relay, runs),
    spread(every('p50_us'), ms),
    spread(every('p99_us'), ms),
    spread(every('serverUs'), (us) => us.toPrecision(3)),
    medianOf(runs, 'serverCpu').toFixed(2),
    medianOf(runs, 'cpu').toFixed(2) + atLimit,
  ];
}

function cpuRatio(relay: readonly Run[] | undefined, runs: readonly Run[]): string {
  const over = medianOf(relay, 'serverUs') / medianOf(runs, 'serverUs');
  return Number.isNaN(over) ? '' : over.toFixed(2);
}

function notesOn({ runs, isOpen, failures, synced }: Outcome): string[] {
  const notes: string[] = [];
  const heldBack = isOpen ? [] : [...runs].filter(([name, list]) => isHeldBack(name, list));
  if (heldBack.length > 0) {
    const isAll = heldBack.length >= runs.size - Number(runs.has('postgres'));
    const names = heldBack.map(([name]) => contender(name).title).join('; ');
    notes.push(
      `Neither server nor client had most of a core (${isAll ? 'all of them' : names}): others had it, and the rates and their ratios say little. Look at the CPU.`,
    );
  }
  for (const [name, list] of runs) {
    const lost = list.reduce((sum, run) => sum + run.lost, 0);
    if (lost > 0) notes.push(`${contender(name).title} lost ${lost} frames.`);
  }
  for (const [name, why] of failures) notes.push(`${contender(name).title} failed: ${why}`);
  if (synced.length > 0) notes.push(syncNote(synced));
  return notes;
}

function isHeldBack(name: string, runs: readonly Run[]): boolean {
  // The server waits for another process, which has a core when it can get one.
  if (name === 'postgres' || runs.length === 0) return false;
  return median(runs.map(({ serverCpu, cpu }) => Math.max(serverCpu, cpu))) < CORE_LIMIT;
}

function syncNote(synced: readonly Synced[]): string {
  const ms = (value: number) => short(value);
  const of = (field: keyof Synced) =>
    spread(
      synced.map((loop) => loop[field]),
      ms,
    );
  return `A bare loop of 4 KiB appends with \`fdatasync\`, once a round: p50 ${of('p50')} ms, p99 ${of('p99')} ms.`;
}

/** What stands under all the tables of a run. */
export function circumstances(
  outcomes: readonly Outcome[],
  sizes: FrameSizes,
  sendBytes: number,
): string {
  const others = outcomes.flatMap(({ runs }) =>
    [...runs]
      .filter(([name]) => name !== 'postgres')
      .flatMap(([, list]) => list.map((run) => run.othersCpu)),
  );
  const bytes = (size: number) => Math.round(size);
  return [
    `Frames: ${sendBytes} bytes to the server, ${bytes(sizes.ack_bytes)} back to the sender, ${bytes(sizes.event_bytes)} to everyone in the room, the sender too; the peers' are made as long.`,
    others.length === 0
      ? ''
      : `Other work on the machine took ${spread(others, (cores) => cores.toFixed(2))} cores meanwhile.`,
  ]
    .filter(Boolean)
    .join(' ');
}

/** Who tells a slow reader what it missed. */
export function describeSlow(
  title: string,
  runs: ReadonlyMap<string, Run>,
  failures: ReadonlyMap<string, string>,
): string {
  const rows = [...runs].map(([name, run]) => [
    contender(name).title,
    String(run.sent),
    String(run.slow_got),
    String(run.sent - run.slow_got),
    whatItKnows(run),
  ]);
  for (const [name, why] of failures) rows.push([contender(name).title, why, '', '', '']);
  const head = ['', 'sent', 'came to the slow reader', 'did not', ''];
  return `**${title}**\n\n${table(head, rows)}`;
}

function whatItKnows({ sent, slow_got, slow_code }: Run): string {
  if (slow_got === sent) return 'caught up';
  if (slow_code === 0) return 'connected, and not told';
  return `closed with ${slow_code}${slow_code === 4002 ? ' `slow_consumer`: joins again where it was' : ''}`;
}
