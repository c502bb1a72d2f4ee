// What part of a message's CPU is the statechart's, from a profile of the server under load.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CpuProfile, sharesOf } from './chart/profile.ts';
import { startColloquy } from './harness/colloquy.ts';
import { ROOT } from './harness/contender.ts';
import { flagsOf } from './harness/flags.ts';
import { table } from './harness/stats.ts';
import { LoadClient } from './load/load.ts';

const HELP = `chart: the statechart's share of the server's main thread, by self time in a CPU profile.

  --seconds 5      of load, as fast as it goes and at a rate
  --store sqlite   at FULL: its share holds what the thread waits for the disk. memory waits for none
`;

const options = flagsOf(HELP, {
  seconds: { type: 'string', default: '5' },
  store: { type: 'string', default: 'sqlite' },
});

/** A closed loop keeps conversations writing; with seconds between two sends each falls silent and begins again. */
const LOADS = {
  '1,000 conversations of 2, closed loop': { rooms: 1_000, rate: 0 },
  '4,000 conversations of 2, a send in 4 s each': { rooms: 4_000, rate: 1_000 },
} as const;

async function main(): Promise<void> {
  const client = new LoadClient();
  try {
    const all: Array<ReadonlyMap<string, number>> = [];
    for (const load of Object.values(LOADS)) all.push(await profile(client, load));
    const parts = [...new Set(all.flatMap((shares) => [...shares.keys()]))];
    const rows = parts.map((part) => [
      part,
      ...all.map((shares) => `${((shares.get(part) ?? 0) * 100).toFixed(1)} %`),
    ]);
    const head = ['share of the main thread', ...Object.keys(LOADS)];
    process.stdout.write(`\n${table(head, rows)}\n`);
  } finally {
    client.remove();
  }
}

async function profile(
  client: LoadClient,
  { rooms, rate }: { readonly rooms: number; readonly rate: number },
): Promise<ReadonlyMap<string, number>> {
  const folder = mkdtempSync(join(tmpdir(), 'colloquy-chart-'));
  const node = ['--cpu-prof', `--cpu-prof-dir=${folder}`];
  const store = options.store === 'memory' ? 'memory:' : `sqlite:${join(folder, 'c.db')}`;
  const server = await startColloquy({ store, node });
  try {
    const measureMs = Number(options.seconds) * 1_000;
    const load = { rooms, people: 2, senders: 2, window: 1, rate, warmMs: 1_000, measureMs };
    // What comes before the messages is not of them: a start, and conversations that are made and woken.
    const ends: number[] = [];
    const to = { port: server.port, protocol: 'colloquy' } as const;
    await client.run(load, to, () => ends.push(Number(process.hrtime.bigint() / 1_000n)));
    await server.stop();
    const [from = 0, until = 0] = ends;
    return sharesOf(profileIn(folder), ROOT, { from, to: until });
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Of the main thread: a file says so by a thread of number 0. */
function profileIn(folder: string): CpuProfile {
  const file = readdirSync(folder).find((name) => /\.0\.\d+\.cpuprofile$/.test(name));
  if (file === undefined) throw new Error('the server wrote no profile');
  return JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile;
}

await main();
