// How many events a second each store takes through its port, beside the bare driver inserting the same rows.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { databaseOn } from '../../tests/support/postgres.ts';
import { PostgresServer } from '../../tests/support/postgres-server.ts';
import { type Load, type Measured, makeRooms, measure, type Target } from './append/load.ts';
import { barePostgres, portPostgres } from './append/postgres.ts';
import { bareSqlite, portSqlite, type Synchronous } from './append/sqlite.ts';
import { flagsOf } from './harness/flags.ts';
import { median, short, spread, table } from './harness/stats.ts';

const HELP = `append: events a second through the Store port, and by a bare insert loop, alternating.

  --batches 1,64              events a commit, spread over as many conversations as there are
  --conversations 1,100,10000 that there are
  --against FULL,NORMAL,postgres
                              PRAGMA synchronous of SQLite on both sides; a Postgres of its own
  --in-flight 4               commits under way at once on Postgres; SQLite has one
  --rounds 3                  runs of each, of which the median counts
  --seconds 2                 of measuring in each run, after half as many of warming up
  --cache                     with the cache in front of the store, at its default size
  --no-keys                   events without idempotency keys
`;

const options = flagsOf(HELP, {
  batches: { type: 'string', default: '1,64' },
  conversations: { type: 'string', default: '1,100,10000' },
  against: { type: 'string', default: 'FULL,NORMAL,postgres' },
  'in-flight': { type: 'string', default: '4' },
  rounds: { type: 'string', default: '3' },
  seconds: { type: 'string', default: '2' },
  cache: { type: 'boolean', default: false },
  'no-keys': { type: 'boolean', default: false },
});

/** Opens both sides of a comparison, each for one round. */
interface Engine {
  readonly name: string;
  readonly inFlight: number;
  readonly bare: (load: Load) => Promise<Measured>;
  readonly port: (load: Load) => Promise<Measured>;
  readonly stop: () => Promise<void>;
}

async function main(): Promise<void> {
  const rows: string[][] = [];
  for (const name of options.against.split(',')) {
    const engine = name === 'postgres' ? await postgres() : sqlite(name);
    try {
      for (const conversations of options.conversations.split(',').map(Number)) {
        for (const size of options.batches.split(',').map(Number)) {
          rows.push(await compare(engine, { conversations, size }));
        }
      }
    } finally {
      await engine.stop();
    }
  }
  const head = ['store', 'conversations', 'events a commit', 'bare, events/s', 'port, events/s'];
  const more = ['ratio', 'bare CPU µs', 'port CPU µs', 'bare p50/p99 ms', 'port p50/p99 ms'];
  process.stdout.write(`\n${table([...head, ...more], rows)}\n`);
}

async function compare(
  { name, inFlight, bare, port }: Engine,
  { conversations, size }: { conversations: number; size: number },
): Promise<string[]> {
  const seconds = Number(options.seconds);
  const load: Load = { conversations, size, inFlight, seconds, hasKeys: !options['no-keys'] };
  const [bares, ports]: [Measured[], Measured[]] = [[], []];
  for (let round = 0; round < Number(options.rounds); round += 1) {
    bares.push(await bare(load));
    ports.push(await port(load));
  }
  return [name, conversations.toLocaleString('en'), String(size), ...columnsOf(bares, ports)];
}

function columnsOf(bares: readonly Measured[], ports: readonly Measured[]): string[] {
  const of = (runs: readonly Measured[], what: keyof Measured) => runs.map((run) => run[what]);
  const times = (runs: readonly Measured[]) =>
    `${median(of(runs, 'p50')).toFixed(2)}/${median(of(runs, 'p99')).toFixed(2)}`;
  const ratios = bares.map((run, index) => (ports[index]?.perSecond ?? 0) / run.perSecond);
  return [
    spread(of(bares, 'perSecond'), short),
    spread(of(ports, 'perSecond'), short),
    spread(ratios, (ratio) => ratio.toFixed(2)),
    median(of(bares, 'cpuUs')).toFixed(1),
    median(of(ports, 'cpuUs')).toFixed(1),
    times(bares),
    times(ports),
  ];
}

function sqlite(synchronous: string): Engine {
  if (!isSynchronous(synchronous)) throw new Error(`--against has no ${synchronous}`);
  return {
    name: `SQLite \`${synchronous}\``,
    inFlight: 1,
    bare: (load) => inFolder((folder) => run(load, async () => bareSqlite(folder, synchronous))),
    port: (load) =>
      inFolder((folder) =>
        run(load, (rooms) => portSqlite({ folder, synchronous, hasCache: options.cache }, rooms)),
      ),
    stop: async () => {},
  };
}

/** With the settings that a Postgres comes with: every commit is synced. */
async function postgres(): Promise<Engine> {
  const inFlight = Number(options['in-flight']);
  const server = await PostgresServer.start();
  const inDatabase = async (measure: (url: string) => Promise<Measured>) => {
    const database = await databaseOn((name) => server.url(name));
    try {
      return await measure(database.url);
    } finally {
      await database.drop();
    }
  };
  return {
    name: 'Postgres',
    inFlight,
    bare: (load) => inDatabase((url) => run(load, () => barePostgres(url, inFlight))),
    port: (load) =>
      inDatabase((url) =>
        run(load, (rooms) => portPostgres({ url, hasCache: options.cache }, rooms)),
      ),
    stop: () => server.end(),
  };
}

async function run(
  load: Load,
  open: (rooms: ReturnType<typeof makeRooms>) => Promise<Target>,
): Promise<Measured> {
  const rooms = makeRooms(load.conversations);
  const target = await open(rooms);
  try {
    return await measure(target, rooms, load);
  } finally {
    await target.close();
  }
}

async function inFolder<T>(measure: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'colloquy-bench-'));
  try {
    return await measure(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function isSynchronous(text: string): text is Synchronous {
  return text === 'FULL' || text === 'NORMAL';
}

await main();
