// What idle conversations and connections weigh, and how soon a conversation that is on disk alone answers a send.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Colloquy, startColloquy } from './harness/colloquy.ts';
import { ROOT } from './harness/contender.ts';
import { flagsOf } from './harness/flags.ts';
import { table } from './harness/stats.ts';
import { openPlace } from './harness/stores.ts';
import { coldSends, type Times } from './idle/cold.ts';

const HELP = `idle: memory of a server over SQLite that nobody talks to, and the first send to cold conversations.

  --only conversations,connections,pairs,cold
  --conversations 100000   that are live: someone was there, said something and left
  --connections 10000      that said hello; for \`pairs\`, each in a conversation of two
  --cold 2000              conversations that are stored and not live, each sent one message, one after the other
  --against sqlite,postgres   where those are stored
`;

const options = flagsOf(HELP, {
  only: { type: 'string', default: 'conversations,connections,pairs,cold' },
  conversations: { type: 'string', default: '100000' },
  connections: { type: 'string', default: '10000' },
  cold: { type: 'string', default: '2000' },
  against: { type: 'string', default: 'sqlite,postgres' },
});

/** Connections that make the conversations. */
const MAKERS = 256;
/** Milliseconds until what is idle rests, and its garbage is collected. */
const SETTLE_MS = 12_000;
/** Nothing leaves memory while it is weighed, and nobody is pinged. */
const STILL = ['--idle-ms', '3600000', '--heartbeat-ms', '600000'];
/** How much is durable does not weigh; making a hundred thousand conversations at `FULL` takes minutes. */
const FAST = ['--sqlite-synchronous', 'NORMAL'];
/** The server collects its garbage every few seconds: what is left is held by something. */
const COLLECTING = ['--expose-gc', '--import', join(ROOT, 'perf/run/collect-garbage.ts')];

interface Weighed {
  readonly resident: number;
  readonly heap: number;
}

async function main(): Promise<void> {
  const connections = Number(options.connections);
  const conversations = Number(options.conversations);
  const only = new Set(options.only.split(','));
  const rows: string[][] = [];
  if (only.has('conversations')) {
    const crowd = { connections: MAKERS, conversations, stays: false };
    rows.push(await weigh(`${count(conversations)} live conversations`, conversations, crowd));
  }
  if (only.has('connections')) {
    const crowd = { connections, conversations: 0, stays: true };
    rows.push(await weigh(`${count(connections)} connections`, connections, crowd));
  }
  if (only.has('pairs')) {
    const crowd = { connections, conversations: connections / 2, stays: true };
    rows.push(await weigh(`the same, in conversations of two`, connections, crowd));
  }
  if (rows.length > 0) {
    const head = ['', 'empty MB', 'with them MB', 'growth MB', 'bytes each', 'of it heap'];
    process.stdout.write(`\n${table(head, rows)}\n`);
  }
  if (only.has('cold')) {
    const rows: string[][] = [];
    for (const name of options.against.split(','))
      rows.push(...(await cold(name, Number(options.cold))));
    process.stdout.write(`\n${table(['ack', 'p50 ms', 'p99 ms', 'most ms'], rows)}\n`);
  }
}

interface Crowd {
  readonly connections: number;
  readonly conversations: number;
  readonly stays: boolean;
}

async function weigh(name: string, each: number, crowd: Crowd): Promise<string[]> {
  return inFolder(async (store) => {
    const server = await startColloquy({ store, flags: [...STILL, ...FAST], node: COLLECTING });
    try {
      await sleep(SETTLE_MS / 2);
      const before = await weighed(server);
      const letGo = await comeIn(server.port, crowd);
      await sleep(SETTLE_MS);
      const after = await weighed(server);
      await letGo();
      return rowOf(name, each, { before, after });
    } finally {
      await server.stop();
    }
  });
}

function rowOf(
  name: string,
  each: number,
  { before, after }: { before: Weighed; after: Weighed },
): string[] {
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(0);
  const growth = after.resident - before.resident;
  return [
    name,
    megabytes(before.resident),
    megabytes(after.resident),
    megabytes(growth),
    count(growth / each),
    count((after.heap - before.heap) / each),
  ];
}

async function weighed(server: Colloquy): Promise<Weighed> {
  const heap = (await server.metrics()).get('nodejs_heap_size_used_bytes') ?? Number.NaN;
  return { resident: server.residentBytes(), heap };
}

/** Resolves when all of them are there; what it gives lets them go. */
async function comeIn(port: number, crowd: Crowd): Promise<() => Promise<void>> {
  const { connections, conversations, stays } = crowd;
  const program = join(import.meta.dirname, 'idle/crowd.ts');
  const sizes = [port, connections, conversations].map(String);
  const child = spawn(process.execPath, [program, ...sizes, stays ? 'hold' : 'leave'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const failed = ended.then(() => {
    throw new Error('the crowd did not come in');
  });
  await Promise.race([new Promise((resolve) => child.stdout.once('data', resolve)), failed]);
  return async () => {
    child.stdin.end();
    await ended;
  };
}

/** A server that touched none of them, with an empty cache, and nobody else who wants anything of it. */
async function cold(name: string, conversations: number): Promise<string[][]> {
  const place = await openPlace(name);
  try {
    const { fill, send } = coldSends(conversations);
    const before = await startColloquy({ store: place.url, flags: FAST });
    await fill(before.port);
    await before.stop();
    const server = await startColloquy({ store: place.url });
    try {
      const { first, second } = await send(server.port);
      const ms = ({ p50, p99, most }: Times) => [p50, p99, most].map((time) => time.toFixed(2));
      return [
        [`${place.name}: first send to each of ${count(conversations)} cold ones`, ...ms(first)],
        [`${place.name}: second send`, ...ms(second)],
      ];
    } finally {
      await server.stop();
    }
  } finally {
    await place.clear();
  }
}

async function inFolder<T>(measure: (store: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'colloquy-idle-'));
  try {
    return await measure(`sqlite:${join(folder, 'c.db')}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}

await main();
