// How fast a cold conversation wakes, a resume of 1,000 events is read, and what a cached conversation weighs.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { ConversationId } from '../../src/domain/ids.ts';
import { CachedStore } from '../../storage/cache/cached-store.ts';
import { openStore } from '../../storage/open.ts';
import type { Store } from '../../storage/store.ts';
import { makeRooms, portOf, type Room } from './append/load.ts';
import { flagsOf } from './harness/flags.ts';
import { median, short, table } from './harness/stats.ts';
import { openPlace, PLACE_NAMES, runtimeOn } from './harness/stores.ts';
import { resumeOverTheWire } from './reads/over-the-wire.ts';

const HELP = `reads: waking, resuming, and the cache.

  --against ${PLACE_NAMES.join(',')}
  --conversations 2000   that are cold, of 1,000 events each for the first 20 and 20 for the others
`;

const options = flagsOf(HELP, {
  against: { type: 'string', default: PLACE_NAMES.join(',') },
  conversations: { type: 'string', default: '2000' },
});

const LONG = { rooms: 20, events: 1_000 };
const SHORT_EVENTS = 20;
const APPEND = 250;
/** Events a page of a replay. */
const PAGE = 256;
const RESUMES = 200;
/** Events that a cache may keep which has those of a long conversation, and of joining it. */
const HOLDS = 2_000;

async function main(): Promise<void> {
  const rows: Row[] = [];
  for (const name of options.against.split(',')) {
    const place = await openPlace(name);
    try {
      rows.push({ name: place.name, ...(await measure(place.url)) });
    } finally {
      await place.clear();
    }
  }
  const wakes = rows.map(({ name, cells }) => [name, ...cells]);
  const head = ['', 'wake p50 ms', 'p99 ms', 'cached: heap bytes each', 'as counted'];
  process.stdout.write(`\n${table(head, wakes)}\n`);
  const resumed = rows.flatMap(({ name, resumes }) =>
    resumes.map(([from, ...cells]) => [name, from ?? '', ...cells]),
  );
  const columns = ['through the port, events/s', 'over a WebSocket, events/s', 'server CPU µs'];
  process.stdout.write(
    `\nA resume of ${LONG.events} events\n\n${table(['', 'from', ...columns], resumed)}\n`,
  );
}

interface Row {
  readonly name: string;
  /** Of waking, and of what is cached. */
  readonly cells: readonly string[];
  readonly resumes: ReadonlyArray<readonly string[]>;
}

async function measure(url: string): Promise<Omit<Row, 'name'>> {
  const rooms = makeRooms(Number(options.conversations));
  const made = await openStore(url, { cacheBytes: 0 });
  await fill(made, rooms);
  // What is in memory alone is measured where it was made.
  if (url === 'memory:') {
    const events = await resumes(made, rooms);
    await made.close();
    return { cells: ['', '', '', ''], resumes: [['memory', short(events), '', '']] };
  }
  await made.close();
  const [p50, p99] = await wakes(url, rooms);
  const bare = await openStore(url, { cacheBytes: 0 });
  const fromStore = await resumes(bare, rooms);
  const limits = { maxBytes: 2 ** 30, maxConversations: 100_000 };
  const cached = new CachedStore(bare, limits);
  const before = heapBytes();
  for (const { id } of rooms) await warm(cached, id);
  const weighs = (heapBytes() - before) / rooms.length;
  const counted = cached.stats().bytes / rooms.length;
  const holding = new CachedStore(bare, { ...limits, tailEvents: HOLDS });
  for (const { id } of rooms.slice(0, LONG.rooms)) await warm(holding, id);
  const [fromTail, fromCache] = [await resumes(cached, rooms), await resumes(holding, rooms)];
  await bare.close();
  const ids = rooms.slice(0, LONG.rooms).map(({ id }) => id);
  const overTheWire = (name: string, value: number) =>
    resumeOverTheWire(url, { ids, events: LONG.events }, [`--${name}`, String(value)]);
  const kinds = [
    ['the store, without a cache', fromStore, await overTheWire('cache-bytes', 0)],
    ['the cache as it is set: the newest 256', fromTail, await overTheWire('cache-events', 256)],
    ['the cache, which holds all', fromCache, await overTheWire('cache-events', HOLDS)],
  ] as const;
  return {
    cells: [p50.toFixed(2), p99.toFixed(2), weighs.toFixed(0), counted.toFixed(0)],
    resumes: kinds.map(([from, port, { perSecond, cpuUs }]) => [
      from,
      short(port),
      short(perSecond),
      cpuUs.toFixed(1),
    ]),
  };
}

/** Milliseconds until a conversation that nobody has touched since the start is there to take a message. */
async function wakes(url: string, rooms: readonly Room[]): Promise<[number, number]> {
  const graph = await runtimeOn(url);
  const times: number[] = [];
  for (const { id } of rooms) {
    const before = performance.now();
    const actor = await graph.registry.get(id);
    if (!actor.ok) throw new Error(actor.failure.reason);
    times.push(performance.now() - before);
  }
  await graph.drain();
  await graph.close();
  times.sort((a, b) => a - b);
  return [median(times), times[Math.floor(times.length * 0.99)] ?? Number.NaN];
}

/** Events a second, in pages as a replay reads them, of the long conversations. */
async function resumes(store: Store, rooms: readonly Room[]): Promise<number> {
  const long = rooms.slice(0, LONG.rooms);
  for (const { id } of long) await resume(store, id);
  const before = performance.now();
  let events = 0;
  for (let at = 0; at < RESUMES; at += 1) {
    const room = long[at % long.length];
    if (room !== undefined) events += await resume(store, room.id);
  }
  return events / ((performance.now() - before) / 1_000);
}

async function resume(store: Store, id: ConversationId): Promise<number> {
  let afterSeq = 0;
  for (;;) {
    const page = await store.readEvents(id, { afterSeq, limit: PAGE });
    if (!page.ok) throw new Error('no answer', { cause: page.failure.cause });
    afterSeq = page.value.at(-1)?.seq ?? afterSeq;
    if (page.value.length < PAGE) return afterSeq;
  }
}

async function warm(store: Store, id: ConversationId): Promise<void> {
  const state = await store.load(id);
  if (!state.ok) throw new Error('no answer', { cause: state.failure.cause });
  await store.readEvents(id, { afterSeq: 0, limit: LONG.events });
}

async function fill(store: Store, rooms: readonly Room[]): Promise<void> {
  const target = await portOf(store, rooms);
  for (const [index, room] of rooms.entries()) {
    const count = index < LONG.rooms ? LONG.events : SHORT_EVENTS;
    while (room.head < count) {
      const expectedHead = room.head;
      const events = Array.from({ length: Math.min(APPEND, count - room.head) }, () => {
        room.head += 1;
        const body = JSON.stringify({ content: 'x'.repeat(200), seq: room.head });
        const times = { seq: room.head, createdAt: 1_770_000_000_000 + room.head };
        return { ...times, kind: 'message' as const, author: room.author, key: null, body };
      });
      await target.write([{ room, expectedHead, events }]);
    }
  }
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

await main();
