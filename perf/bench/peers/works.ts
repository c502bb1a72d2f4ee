import type { Load } from '../load/load.ts';

/** What the contenders are given to do. */
export interface Work {
  readonly title: string;
  readonly load: Omit<Load, 'warmMs' | 'measureMs'>;
  /** Those that take part when nothing else is asked for. */
  readonly contenders: readonly string[];
}

const EVERYONE = [
  'relay',
  'memory',
  'NORMAL',
  'FULL',
  'ws',
  'socket.io-ws',
  'socket.io-uws',
  'colyseus-uws',
];
const WITH_POSTGRES = EVERYONE.toSpliced(4, 0, 'postgres');
const PAIRS = { rooms: 1_000, people: 2, senders: 2, window: 1, contentBytes: 128 };
const ROOM = { rooms: 1, senders: 4, window: 32, rate: 0, contentBytes: 128 };

export const WORKS: Readonly<Record<string, Work>> = {
  pairs: {
    title: '1,000 rooms of 2, each with one message under way',
    load: { ...PAIRS, rate: 0 },
    contenders: WITH_POSTGRES,
  },
  room100: {
    title: 'one room of 100, 4 of whom speak, with 32 messages under way',
    load: { ...ROOM, people: 100 },
    contenders: EVERYONE,
  },
  room100x128: {
    title: 'one room of 100, 4 of whom speak, with 128 messages under way',
    load: { ...ROOM, people: 100, window: 128 },
    contenders: EVERYONE,
  },
  room1000: {
    title: 'one room of 1,000, 4 of whom speak, with 32 messages under way',
    load: { ...ROOM, people: 1_000 },
    contenders: EVERYONE,
  },
  rate: {
    title: '10,000 sends a second in 1,000 rooms of 2',
    load: { ...PAIRS, rate: 10_000 },
    contenders: WITH_POSTGRES,
  },
};

export const ROUND_TRIPS = Object.keys(WORKS);

const SLOW_MS = 4_000;

/** One of ten reads nothing for four seconds, at 2.5 MB a second: more than the kernel keeps for it. */
export const SLOW = {
  title: `one room of 10, 2,000 messages of 1,000 characters a second; one listener does not read for ${SLOW_MS / 1_000} s`,
  load: {
    rooms: 1,
    people: 10,
    senders: 2,
    window: 1,
    rate: 2_000,
    contentBytes: 1_000,
    slowMs: SLOW_MS,
    warmMs: 500,
    measureMs: SLOW_MS + 500,
  },
  contenders: ['FULL', 'ws', 'socket.io-ws', 'socket.io-uws', 'colyseus-uws'],
} as const satisfies { title: string; load: Load; contenders: readonly string[] };
