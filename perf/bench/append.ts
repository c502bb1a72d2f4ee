// How many events a second the SQLite store takes through its port, beside better-sqlite3 alone inserting the same rows.

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Sqlite from 'better-sqlite3';
import type { LogEvent } from '../../src/domain/event.ts';
import { type ConversationId, conversationId, epoch, participantId } from '../../src/domain/ids.ts';
import { openStore } from '../../storage/open.ts';
import type { Store } from '../../storage/store.ts';
import { median, short, spread, table } from './harness/stats.ts';

const HELP = `append: events a second through the Store port, and by a bare insert loop, alternating.

  --batches 1,8,64,512     events a commit; each is a conversation's own append
  --against FULL,NORMAL    PRAGMA synchronous of both
  --conversations 1000     that the events are spread over
  --rounds 3               runs of each, of which the median counts
  --seconds 2              of measuring in each run, after half as many of warming up
  --cache                  with the cache in front of the store, at its default size
  --no-keys                events without idempotency keys
`;

const { values: options } = parseArgs({
  options: {
    batches: { type: 'string', default: '1,8,64,512' },
    against: { type: 'string', default: 'FULL,NORMAL' },
    conversations: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '2' },
    cache: { type: 'boolean', default: false },
    'no-keys': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const SYNCHRONOUS = ['FULL', 'NORMAL'] as const;
type Synchronous = (typeof SYNCHRONOUS)[number];

interface Measured {
  readonly perSecond: number;
  /** Microseconds of CPU an event, all threads. */
  readonly cpuUs: number;
  /** Milliseconds of a batch, from the call to the answer. */
  readonly p50: number;
  readonly p99: number;
}

/** Stores one batch of `size` events; what a round calls again and again. */
type Write = (size: number) => Promise<void>;

async function main(): Promise<void> {
  const rows: string[][] = [];
  for (const synchronous of SYNCHRONOUS.filter((one) => options.against.includes(one))) {
    for (const size of options.batches.split(',').map(Number)) {
      const [bare, port]: [Measured[], Measured[]] = [[], []];
      for (let round = 0; round < Number(options.rounds); round += 1) {
        bare.push(await inFolder((path) => measureBare(path, synchronous, size)));
        port.push(await inFolder((path) => measurePort(path, synchronous, size)));
      }
      rows.push([synchronous, String(size), ...compare(bare, port)]);
    }
  }
  const head = ['synchronous', 'events a commit', 'bare, events/s', 'port, events/s', 'ratio'];
  const more = ['bare CPU µs', 'port CPU µs', 'bare p50/p99 ms', 'port p50/p99 ms'];
  process.stdout.write(`${table([...head, ...more], rows)}\n`);
}

function compare(bare: readonly Measured[], port: readonly Measured[]): string[] {
  const of = (runs: readonly Measured[], what: keyof Measured) => runs.map((run) => run[what]);
  const times = (runs: readonly Measured[]) =>
    `${median(of(runs, 'p50')).toFixed(2)}/${median(of(runs, 'p99')).toFixed(2)}`;
  const ratios = bare.map((run, index) => (port[index]?.perSecond ?? 0) / run.perSecond);
  return [
    spread(of(bare, 'perSecond'), short),
    spread(of(port, 'perSecond'), short),
    spread(ratios, (ratio) => ratio.toFixed(2)),
    median(of(bare, 'cpuUs')).toFixed(1),
    median(of(port, 'cpuUs')).toFixed(1),
    times(bare),
    times(port),
  ];
}

async function inFolder<T>(measure: (path: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'colloquy-bench-'));
  try {
    return await measure(join(folder, 'bench.db'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The same columns, a transaction a batch, in rowid order: as fast as the driver goes, and no promises kept. */
async function measureBare(path: string, synchronous: Synchronous, size: number) {
  const db = new Sqlite(path);
  db.pragma('journal_mode = WAL');
  db.pragma(`synchronous = ${synchronous}`);
  db.exec(`CREATE TABLE log (row INTEGER PRIMARY KEY, cid INTEGER, seq INTEGER, kind INTEGER, author_id TEXT,
    author_name TEXT, author_kind INTEGER, created_at INTEGER, key TEXT, body TEXT)`);
  const insert = db.prepare(
    'INSERT INTO log (cid, seq, kind, author_id, author_name, author_kind, created_at, key, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const nextRoom = roundRobin(makeRooms());
  const insertBatch = db.transaction((count: number) => {
    for (let at = 0; at < count; at += 1) {
      const room = nextRoom();
      const { seq, author, createdAt, key, body } = nextEvent(room);
      insert.run(room.number, seq, 0, author.id, author.name, 0, createdAt, key, body);
    }
  });
  const measured = await measure(async (count) => insertBatch.immediate(count), size);
  db.close();
  return measured;
}

async function measurePort(path: string, synchronous: Synchronous, size: number) {
  const cacheBytes = options.cache ? undefined : 0;
  const store = await openStore(`sqlite:${path}`, {
    synchronous,
    ...(cacheBytes === undefined ? {} : { cacheBytes }),
    onError: (error) => process.stderr.write(`${String(error)}\n`),
  });
  const rooms = makeRooms();
  await createAll(store, rooms);
  const nextRoom = roundRobin(rooms);
  const write: Write = async (count) => {
    const answers = [];
    const each = Math.max(1, Math.ceil(count / rooms.length));
    for (let left = count; left > 0; left -= each) {
      const room = nextRoom();
      const { id, head: expectedHead } = room;
      const events = Array.from({ length: Math.min(each, left) }, () => nextEvent(room));
      answers.push(store.append({ id, expectedHead, events, effects: [] }));
    }
    for (const answer of await Promise.all(answers)) {
      if (!answer.ok) throw new Error('refused', { cause: answer.failure });
    }
  };
  const measured = await measure(write, size);
  await store.close();
  return measured;
}

/** As a server does it: a batch a turn of the event loop. */
async function measure(write: Write, size: number): Promise<Measured> {
  const ms = Number(options.seconds) * 1_000;
  await runFor(write, size, ms / 2);
  const cpu = process.cpuUsage();
  const started = performance.now();
  const times = await runFor(write, size, ms);
  const seconds = (performance.now() - started) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const events = times.length * size;
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor(times.length * share)] ?? Number.NaN;
  return {
    perSecond: events / seconds,
    cpuUs: (user + system) / events,
    p50: at(0.5),
    p99: at(0.99),
  };
}

async function runFor(write: Write, size: number, ms: number): Promise<number[]> {
  const times: number[] = [];
  for (const end = performance.now() + ms; performance.now() < end; ) {
    const before = performance.now();
    await write(size);
    times.push(performance.now() - before);
    await new Promise(setImmediate);
  }
  return times;
}

interface Room {
  readonly number: number;
  readonly id: ConversationId;
  readonly author: LogEvent['author'];
  head: number;
}

function makeRooms(): Room[] {
  return Array.from({ length: Number(options.conversations) }, (_, number) => ({
    number,
    id: conversationId(`c_bench_${number}`),
    author: {
      id: participantId(`p_${randomBytes(15).toString('base64url')}`),
      name: 'Somebody',
      kind: 'human',
    },
    head: 0,
  }));
}

function roundRobin(rooms: readonly Room[]): () => Room {
  let next = 0;
  return () => {
    const room = rooms[next % rooms.length];
    if (room === undefined) throw new Error('no conversations');
    next += 1;
    return room;
  };
}

const CONTENT = 'x'.repeat(200);

/** 300 bytes with all that stands around the content; a fresh key each time, as from a client. */
function nextEvent(room: Room): LogEvent {
  room.head += 1;
  const seq = room.head;
  return {
    seq,
    kind: 'message',
    author: room.author,
    createdAt: 1_770_000_000_000 + seq,
    key: options['no-keys'] ? null : `${room.author.id}.${seq}`,
    body: JSON.stringify({ content: CONTENT, seq }),
  };
}

async function createAll(store: Store, rooms: readonly Room[]): Promise<void> {
  const bare = { title: null, visibility: 'open', agent: null, metadata: {} } as const;
  const times = { createdAt: 0, updatedAt: 0, headSeq: 0, firstSeq: 1 };
  const made = { epoch: epoch('e'), createdBy: participantId('p_bench'), createdKey: null };
  await Promise.all(
    rooms.map(({ id }) => {
      const conversation = { id, ...bare, ...times, ...made };
      return store.create({ conversation, members: [] }, []);
    }),
  );
}

if (options.help) process.stdout.write(HELP);
else await main();
