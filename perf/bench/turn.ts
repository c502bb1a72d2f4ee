// What a turn costs beside the same LangGraph agent called directly: to the first token, per token, and in CPU.

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startColloquy } from './harness/colloquy.ts';
import { pinned, ROOT, SERVER_CORE, startServer } from './harness/contender.ts';
import { flagsOf } from './harness/flags.ts';
import { median, percentile, spread, table } from './harness/stats.ts';
import { type Measured, type Plan, usesTool } from './turn/measured.ts';
import { askEverywhere } from './turn/people.ts';

const HELP = `turn: an answer of an agent, beside the same LangGraph agent called directly, alternating.

  --only quick,tool,real,crowd   which loads (all)
  --rounds 3                runs of each, of which the median counts
  --against memory,FULL     which stores (both)

The model is a stub over bare sockets in a process of its own. Each turn is the first of its conversation. The agent
has no tools, on either side; in \`tool\` it has one, \`current_time\`, and uses it once.
`;

interface Scenario {
  readonly title: string;
  readonly plan: Omit<Plan, 'base'>;
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  quick: {
    title: '20 tokens at once, one turn after the other',
    plan: { answer: '20@0', turns: 400, atOnce: 1 },
  },
  tool: {
    title: '20 tokens at once after one call of a tool, one turn after the other',
    plan: { answer: '20@0 with a tool', turns: 400, atOnce: 1 },
  },
  real: {
    title: '200 tokens at 50 a second, 10 turns at once',
    plan: { answer: '200@50', turns: 10, atOnce: 10 },
  },
  crowd: {
    title: '100 tokens at 50 a second, 1,000 turns at once',
    plan: { answer: '100@50', turns: 1_000, atOnce: 1_000 },
  },
};

const STORES = ['memory', 'FULL'] as const;
type Contender = 'direct' | (typeof STORES)[number];
const NAMES: Readonly<Record<Contender, string>> = {
  direct: 'LangGraph, called directly',
  memory: '`memory:`',
  FULL: 'SQLite `FULL`',
};
/** Bytes of the direct agent's figures as JSON. */
const MAX_OUTPUT = 64 * 2 ** 20;

const values = flagsOf(HELP, {
  only: { type: 'string', default: Object.keys(SCENARIOS).join() },
  rounds: { type: 'string', default: '3' },
  against: { type: 'string', default: STORES.join() },
});
await main(values.only.split(','), values.against.split(','), Number(values.rounds));

async function main(names: readonly string[], against: readonly string[], rounds: number) {
  const program = join(ROOT, 'perf/bench/turn/model.ts');
  const model = await startServer([process.execPath, program]);
  const base = `http://127.0.0.1:${model.port}/v1`;
  const stores = STORES.filter((store) => against.includes(store));
  try {
    for (const [name, { title, plan }] of Object.entries(SCENARIOS)) {
      if (!names.includes(name)) continue;
      const runs = await alternating(['direct', ...stores], { ...plan, base }, rounds);
      process.stdout.write(`\n**${title}** (\`${name}\`)\n\n${describe(runs)}\n`);
    }
  } finally {
    await model.stop();
  }
}

type Runs = ReadonlyMap<Contender, readonly Measured[]>;

async function alternating(
  contenders: readonly Contender[],
  plan: Plan,
  rounds: number,
): Promise<Runs> {
  const runs = new Map<Contender, Measured[]>(contenders.map((name) => [name, []]));
  for (let round = 1; round <= rounds; round += 1) {
    for (const name of round % 2 === 0 ? contenders.toReversed() : contenders) {
      const run = name === 'direct' ? await direct(plan) : await colloquy(name, plan);
      if (run.wholeMs.length === 0) throw new Error(`${name}: no turn was answered`);
      runs.get(name)?.push(run);
      process.stderr.write(
        `${plan.answer}, round ${round}, ${name}: ${run.seconds.toFixed(1)} s\n`,
      );
    }
  }
  return runs;
}

async function direct(plan: Plan): Promise<Measured> {
  const program = join(ROOT, 'perf/bench/turn/direct.ts');
  const command = pinned(SERVER_CORE, [process.execPath, program, JSON.stringify(plan)]);
  const [file = '', ...args] = command;
  const { stdout } = await promisify(execFile)(file, args, { cwd: ROOT, maxBuffer: MAX_OUTPUT });
  return JSON.parse(stdout) as Measured;
}

async function colloquy(store: string, { base, ...load }: Plan): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'colloquy-turn-'));
  const url = store === 'memory' ? 'memory:' : `sqlite:${join(folder, 'c.db')}`;
  const agent = ['--agent', 'openai', '--openai-base-url', base, '--model', 'bench'];
  const tools = usesTool(load) ? 'current_time' : 'none';
  const flags = [...agent, '--tools', tools, '--max-conversations-per-connection', '10000'];
  const server = await startColloquy({ store: url, flags });
  try {
    return await askEverywhere(server, load);
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function describe(runs: Runs): string {
  const head = [
    '',
    'first token p50 ms',
    'p99 ms',
    'added p50 ms',
    'a token p50 ms',
    'p99 ms',
    'whole p50 ms',
    'whole ÷ direct',
    'CPU ms a turn',
    'CPU ÷ direct',
    'failed',
  ];
  const bare = runs.get('direct') ?? [];
  const middle = (list: readonly Measured[], of: (run: Measured) => number) => median(list.map(of));
  const first = ({ firstMs }: Measured) => percentile(firstMs, 0.5);
  const whole = ({ wholeMs }: Measured) => percentile(wholeMs, 0.5);
  const cpu = ({ cpuSeconds, turns }: Measured) => (cpuSeconds * 1_000) / turns;
  const ms = (value: number) => value.toFixed(2);
  const rows = [...runs].map(([name, list]) => [
    NAMES[name],
    spread(list.map(first), ms),
    ms(middle(list, ({ firstMs }) => percentile(firstMs, 0.99))),
    name === 'direct' ? '' : ms(middle(list, first) - middle(bare, first)),
    ms(middle(list, ({ tokenMs }) => percentile(tokenMs, 0.5))),
    ms(middle(list, ({ tokenMs }) => percentile(tokenMs, 0.99))),
    spread(list.map(whole), ms),
    name === 'direct' ? '1' : (middle(list, whole) / middle(bare, whole)).toFixed(3),
    spread(list.map(cpu), ms),
    name === 'direct' ? '1' : (middle(list, cpu) / middle(bare, cpu)).toFixed(2),
    String(list.reduce((sum, { failed }) => sum + failed, 0)),
  ]);
  return table(head, rows);
}
