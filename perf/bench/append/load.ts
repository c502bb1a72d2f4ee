import { randomBytes } from 'node:crypto';
import type { LogEvent } from '../../../src/domain/event.ts';
import {
  type ConversationId,
  conversationId,
  epoch,
  participantId,
} from '../../../src/domain/ids.ts';
import type { Append, AppendAnswer, Store } from '../../../storage/store.ts';
import { submit } from '../../../storage/submit.ts';

/** A conversation, and the head its next events are numbered on. */
export interface Room {
  readonly number: number;
  readonly id: ConversationId;
  readonly author: LogEvent['author'];
  head: number;
}

/** What one conversation has for a commit. */
export interface Share {
  readonly room: Room;
  readonly expectedHead: number;
  readonly events: readonly LogEvent[];
}

/** Where events go. */
export interface Target {
  readonly write: (shares: readonly Share[]) => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface Load {
  readonly conversations: number;
  /** Events a commit; spread over as many conversations as there are. */
  readonly size: number;
  /** Commits under way at the same time. */
  readonly inFlight: number;
  readonly seconds: number;
  readonly hasKeys: boolean;
}

export interface Measured {
  readonly perSecond: number;
  /** Microseconds of CPU an event, all threads of this process. */
  readonly cpuUs: number;
  /** Milliseconds of a commit, from the call to the answer. */
  readonly p50: number;
  readonly p99: number;
}

/** As a server does it: each loop writes a commit a turn of the event loop. */
export async function measure(target: Target, rooms: readonly Room[], load: Load) {
  const ms = load.seconds * 1_000;
  await runFor({ ...load, target, rooms, ms: ms / 2 });
  const cpu = process.cpuUsage();
  const started = performance.now();
  const times = await runFor({ ...load, target, rooms, ms });
  const seconds = (performance.now() - started) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const events = times.length * load.size;
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor(times.length * share)] ?? Number.NaN;
  return {
    perSecond: events / seconds,
    cpuUs: (user + system) / events,
    p50: at(0.5),
    p99: at(0.99),
  };
}

interface Run extends Load {
  readonly target: Target;
  readonly rooms: readonly Room[];
  readonly ms: number;
}

async function runFor({ target, rooms, ms, ...load }: Run): Promise<number[]> {
  const times: number[] = [];
  const end = performance.now() + ms;
  // Commits that are under way together have rooms of their own: a conversation has one write in flight.
  const loops = Math.min(load.inFlight, rooms.length);
  const loop = async (index: number) => {
    const next = roundRobin(rooms.filter((room) => room.number % loops === index));
    while (performance.now() < end) {
      const shares = sharesOf(next, load);
      const before = performance.now();
      await target.write(shares);
      times.push(performance.now() - before);
      await new Promise(setImmediate);
    }
  };
  await Promise.all(Array.from({ length: loops }, (_, index) => loop(index)));
  return times;
}

export function makeRooms(count: number): Room[] {
  return Array.from({ length: count }, (_, number) => ({
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

function roundRobin(rooms: readonly Room[]): { next: () => Room; count: number } {
  let at = 0;
  const next = () => {
    const room = rooms[at % rooms.length];
    if (room === undefined) throw new Error('no conversations');
    at += 1;
    return room;
  };
  return { next, count: rooms.length };
}

function sharesOf(
  { next, count }: { next: () => Room; count: number },
  { size, hasKeys }: Load,
): Share[] {
  const shares: Share[] = [];
  const each = Math.ceil(size / count);
  for (let left = size; left > 0; left -= each) {
    const room = next();
    const expectedHead = room.head;
    const events = Array.from({ length: Math.min(each, left) }, () => nextEvent(room, hasKeys));
    shares.push({ room, expectedHead, events });
  }
  return shares;
}

const CONTENT = 'x'.repeat(200);

/** 300 bytes with all that stands around the content; a fresh key each time, as from a client. */
function nextEvent(room: Room, hasKey: boolean): LogEvent {
  room.head += 1;
  const seq = room.head;
  return {
    seq,
    kind: 'message',
    author: room.author,
    createdAt: 1_770_000_000_000 + seq,
    key: hasKey ? `${room.author.id}.${seq}` : null,
    body: JSON.stringify({ content: CONTENT, seq }),
  };
}

const NO_EFFECTS: Append['effects'] = [];

/** The store as a target, with all conversations made; it is called as a server calls it, without promises. */
export async function portOf(store: Store, rooms: readonly Room[]): Promise<Target> {
  await createAll(store, rooms);
  return {
    write: (shares) =>
      new Promise((resolve, reject) => {
        let left = shares.length;
        const answer: AppendAnswer = {
          answered: (result) => {
            left -= 1;
            if (!result.ok) reject(new Error('refused', { cause: result.failure }));
            else if (left === 0) resolve();
          },
          broke: reject,
        };
        for (const { room, expectedHead, events } of shares) {
          submit(store, { id: room.id, expectedHead, events, effects: NO_EFFECTS }, answer);
        }
      }),
    close: () => store.close(),
  };
}

async function createAll(store: Store, rooms: readonly Room[]): Promise<void> {
  const bare = { title: null, visibility: 'open', agent: null, metadata: {} } as const;
  const times = { createdAt: 0, updatedAt: 0, headSeq: 0, firstSeq: 1 };
  const made = { epoch: epoch('e'), createdBy: participantId('p_bench'), createdKey: null };
  for (let at = 0; at < rooms.length; at += TOGETHER) {
    const some = rooms.slice(at, at + TOGETHER).map(({ id }) => {
      const conversation = { id, ...bare, ...times, ...made };
      return store.create({ conversation, members: [] }, []);
    });
    for (const answer of await Promise.all(some)) {
      if (!answer.ok) throw new Error('refused', { cause: answer.failure });
    }
  }
}

const TOGETHER = 500;
