// What the server delivers, and how soon, beside peers that do the same work on the same machine: a table of ratios.

import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PostgresServer } from '../../tests/support/postgres-server.ts';
import { pinned, SERVER_CORE } from './harness/contender.ts';
import { flagsOf } from './harness/flags.ts';
import { short } from './harness/stats.ts';
import { type Load, LoadClient } from './load/load.ts';
import { CONTENDER_NAMES, contender } from './peers/contenders.ts';
import type { Synced } from './peers/fdatasync.ts';
import { describeGoals } from './peers/goals.ts';
import { installPeers } from './peers/install.ts';
import { circumstances, describe, describeSlow, type Outcome } from './peers/report.ts';
import { type Ground, type Run, runOnce } from './peers/run.ts';
import { compareTurns, TURN_NAMES } from './peers/turns/compare.ts';
import { ROUND_TRIPS, SLOW, WORKS, type Work } from './peers/works.ts';

const PARTS = [...ROUND_TRIPS, 'slow', 'store', 'turns'];
const HELP = `peers: the same work by Colloquy and by its peers, alternating, on a core each for server and client.

  --only ${PARTS.join(',')}
                      which works (all)
  --against NAMES     which contenders (all but colyseus-ws): ${CONTENDER_NAMES.join(', ')}, ${TURN_NAMES.join(', ')}
  --rounds 5          runs of each, of which the median counts
  --seconds 3         of measuring in each run; before it as many of \`pairs\`, 3 at most, and 1 of the work itself
  --turns 20          one after the other in each round
  --quick             one round of one second, 5 turns: to see that all of it works

The peers are installed into perf/peers/node_modules the first time. Needs Linux, a C compiler and \`taskset\`.
`;

const options = flagsOf(HELP, {
  only: { type: 'string', default: PARTS.join(',') },
  against: { type: 'string' },
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  turns: { type: 'string' },
  quick: { type: 'boolean', default: false },
});
const rounds = Number(options.rounds ?? (options.quick ? 1 : 5));
const seconds = Number(options.seconds ?? (options.quick ? 1 : 3));
const turns = Number(options.turns ?? (options.quick ? 5 : 20));

await main();

async function main(): Promise<void> {
  const parts = options.only.split(',');
  const unknown = [...parts.filter((part) => !PARTS.includes(part)), ...unknownContenders()];
  if (unknown.length > 0) throw new Error(`nothing is called ${unknown.join(', ')}`);
  await installPeers();
  let cluster: Promise<PostgresServer> | undefined;
  const postgres = () => {
    cluster ??= PostgresServer.start();
    return cluster;
  };
  const client = new LoadClient();
  try {
    if (parts.some((part) => part !== 'store' && part !== 'turns'))
      await messages(parts, { client, postgres });
    if (parts.includes('store')) console.log(`\n${await bareInserts()}`);
    if (parts.includes('turns'))
      console.log(`\n${await compareTurns({ rounds, turns, isTaking })}`);
  } finally {
    client.remove();
    await (await cluster)?.end();
  }
}

function unknownContenders(): string[] {
  const known = [...CONTENDER_NAMES, ...TURN_NAMES];
  return options.against?.split(',').filter((name) => !known.includes(name)) ?? [];
}

function isTaking(name: string): boolean {
  return options.against === undefined || options.against.split(',').includes(name);
}

async function messages(parts: readonly string[], base: Omit<Ground, 'sizes'>): Promise<void> {
  const sizing = { ...WORKS['pairs']?.load, warmMs: 0, measureMs: 200 } as Load;
  const sizes = await runOnce('memory', sizing, {
    ...base,
    sizes: { ack_bytes: 0, event_bytes: 0 },
  });
  const ground = { ...base, sizes };
  const outcomes = new Map<string, Outcome>();
  for (const [name, work] of Object.entries(WORKS)) {
    if (!parts.includes(name)) continue;
    const outcome = await compare(work, ground);
    outcomes.set(name, outcome);
    console.log(`\n${describe({ ...outcome, title: `${work.title} (\`${name}\`)` })}`);
  }
  if (parts.includes('slow')) console.log(`\n${await slowReader(ground)}`);
  const goals = describeGoals(outcomes);
  if (goals !== '') console.log(`\n${goals}`);
  console.log(`\n${circumstances([...outcomes.values()], sizes, sizes.send_bytes)}`);
}

/** Rounds of one run each, every other one backwards, so that a drift of the machine meets all alike. */
async function compare({ title, load, contenders }: Work, ground: Ground): Promise<Outcome> {
  const names = options.against === undefined ? contenders : CONTENDER_NAMES.filter(isTaking);
  const measureMs = seconds * 1_000;
  const whole = { ...load, measureMs, warmMs: 1_000 };
  const runs = new Map<string, Run[]>(names.map((name) => [name, []]));
  const failures = new Map<string, string>();
  const synced: Synced[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    if (load.rate > 0) synced.push(bareSyncs());
    for (const name of round % 2 === 0 ? names.toReversed() : names) {
      const run = await orFailure(name, failures, () => runOnce(name, whole, ground));
      if (run === undefined) continue;
      runs.get(name)?.push(run);
      console.error(`${title}, round ${round}, ${name}: ${short(run.acked)} acked/s`);
    }
  }
  return { title, isOpen: load.rate > 0, runs, failures, synced };
}

/** Who fails is told of in its row, and the others go on; when it is ours, the benchmark fails in the end. */
async function orFailure(
  name: string,
  failures: Map<string, string>,
  run: () => Promise<Run>,
): Promise<Run | undefined> {
  try {
    return await run();
  } catch (error) {
    if (contender(name).kind === 'ours') process.exitCode = 1;
    const why = String(error instanceof Error ? error.message : error).split('\n')[0] ?? '';
    failures.set(name, why);
    console.error(`${name}: ${why}`);
    return undefined;
  }
}

/** In a process of its own, on the server's core, as the server would do it. */
function bareSyncs(): Synced {
  const folder = mkdtempSync(join(tmpdir(), 'colloquy-bench-'));
  try {
    const loop = join(import.meta.dirname, 'peers/fdatasync.ts');
    const [program = '', ...args] = pinned(SERVER_CORE, [process.execPath, loop, folder, '1']);
    return JSON.parse(execFileSync(program, args, { encoding: 'utf8' })) as Synced;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function slowReader(ground: Ground): Promise<string> {
  const runs = new Map<string, Run>();
  const failures = new Map<string, string>();
  // Its frames are as much longer as its content is.
  const longer = SLOW.load.contentBytes - 128;
  const sizes = { ...ground.sizes, event_bytes: ground.sizes.event_bytes + longer };
  for (const name of SLOW.contenders.filter(isTaking)) {
    const run = await orFailure(name, failures, () =>
      runOnce(name, SLOW.load, { ...ground, sizes }),
    );
    if (run !== undefined) runs.set(name, run);
  }
  return describeSlow(`${SLOW.title} (\`slow\`)`, runs, failures);
}

/** The store beside a bare insert loop: the benchmark `append`, in its shortest form that says something. */
async function bareInserts(): Promise<string> {
  const program = join(import.meta.dirname, 'append.ts');
  const flags = ['--batches', '64', '--conversations', '100', '--seconds', '1'];
  const args = [program, ...flags, '--rounds', String(rounds)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return `**64 events a commit in 100 conversations, by a bare insert loop and through the store's port** (\`store\`, \`npm run bench -- append\`)\n\n${stdout.trim()}`;
}
