import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { LOAD_CORE, pinned } from '../../harness/contender.ts';
import { median, short, spread, table } from '../../harness/stats.ts';
import { AT_ONCE, type MeasuredTurns, SERVERS, TOKENS } from './measure.ts';

export const TURN_NAMES = Object.keys(SERVERS);

interface Plan {
  readonly rounds: number;
  readonly turns: number;
  readonly isTaking: (name: string) => boolean;
}

const TITLES: Readonly<Record<string, string>> = {
  colloquy: 'Colloquy, SQLite `FULL`',
  langgraph: "LangGraph's server, `langgraphjs dev`",
};

const GOALS = { first: 25, end: 100, cpu: 4 };

/** Turns of an agent whose model answers at once, as Markdown. */
export async function compareTurns({ rounds, turns, isTaking }: Plan): Promise<string> {
  const names = TURN_NAMES.filter(isTaking);
  const runs = new Map<string, MeasuredTurns[]>(names.map((name) => [name, []]));
  for (let round = 1; round <= rounds; round += 1) {
    for (const name of round % 2 === 0 ? names.toReversed() : names) {
      const run = await runOnce(name, turns);
      runs.get(name)?.push(run);
      console.error(`turns, round ${round}, ${name}: ${short(run.perSecond)} turns/s`);
    }
  }
  const title = `**turns of ${TOKENS} tokens, each in a new conversation, by a model that answers at once** (\`turns\`)`;
  return [title, describe(runs), goals(runs)].filter(Boolean).join('\n\n');
}

async function runOnce(name: string, turns: number): Promise<MeasuredTurns> {
  const program = join(import.meta.dirname, 'measure.ts');
  const command = [process.execPath, program, name, String(turns)];
  const [file = '', ...args] = pinned(LOAD_CORE, command);
  const { stdout } = await promisify(execFile)(file, args);
  return JSON.parse(stdout) as MeasuredTurns;
}

type Runs = ReadonlyMap<string, readonly MeasuredTurns[]>;

function describe(runs: Runs): string {
  const head = [
    '',
    'first delta p50 ms',
    'p99 ms',
    'end after the last token p50 ms',
    'p99 ms',
    'CPU ms a turn',
    `turns/s, ${AT_ONCE} at once`,
    'CPU ms a turn then',
  ];
  const rows = [...runs].map(([name, list]) => {
    const at = (field: 'first' | 'end', share: number) =>
      spread(
        list.map((run) => percentile(run[field], share)),
        short,
      );
    return [
      TITLES[name] ?? name,
      at('first', 0.5),
      at('first', 0.99),
      at('end', 0.5),
      at('end', 0.99),
      spread(
        list.map(({ cpuMs }) => cpuMs),
        short,
      ),
      spread(
        list.map(({ perSecond }) => perSecond),
        short,
      ),
      spread(
        list.map(({ cpuMsAtOnce }) => cpuMsAtOnce),
        short,
      ),
    ];
  });
  return table(head, rows);
}

function goals(runs: Runs): string {
  const [ours, theirs] = [runs.get('colloquy'), runs.get('langgraph')];
  if (!ours?.length || !theirs?.length) return '';
  const ratio = (of: (run: MeasuredTurns) => number) =>
    median(theirs.map(of)) / median(ours.map(of));
  const row = (goal: string, wanted: number, reached: number) => [
    goal,
    `≥ ${wanted}`,
    reached.toFixed(1),
    reached >= wanted ? 'yes' : 'no',
  ];
  const p50 = (field: 'first' | 'end') => ratio((run) => percentile(run[field], 0.5));
  const rows = [
    row('first delta, times sooner', GOALS.first, p50('first')),
    row('end of the stream after the last token, times sooner', GOALS.end, p50('end')),
    row(
      `CPU a turn, ${AT_ONCE} at once, times less`,
      GOALS.cpu,
      ratio(({ cpuMsAtOnce }) => cpuMsAtOnce),
    ),
  ];
  return table(['', 'goal', 'reached', 'met'], rows);
}

function percentile(times: readonly number[], share: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
}
