// Talks to a few conversations as they can bear it, floods them, and lets them be. One JSON object on stdout.
//
//   node perf/bench/flood/attack.ts PORT PID ROOMS WINDOW TIMES SECONDS
//
// PORT and PID are the server's. In each room one person has WINDOW messages under way all the time, and waits as told
// after a 429. The flood comes over other connections, at TIMES the rate that was acknowledged before it, whatever the
// answers are.

import { connect, type Socket } from 'node:net';
import { setImmediate as breath, setTimeout as sleep } from 'node:timers/promises';
import { cpuSecondsOf } from '../harness/contender.ts';
import { percentile } from '../harness/stats.ts';
import { clientFrame, frameReader, numberIn, PONG_FRAME, sendFrames } from './frames.ts';

const [port = 0, pid = 0, rooms = 4, window = 64, times = 10, seconds = 3] = process.argv
  .slice(2)
  .map(Number);

/** Connections that flood each room. */
const FLOODERS = 2;
/** Bytes that wait in a flooder's socket, above which the flood is held back: what the network takes is full. */
const HELD_BACK_BYTES = 64 * 1_024;
/** Numbers that may be under way at once. */
const RING = 1 << 22;
const WARM_MS = 1_500;
const SLICE_MS = 20;
/** Of the rate before, at which things are as they were. */
const NORMAL = 0.9;
const GIVE_UP_MS = 10_000;

interface Peer {
  readonly socket: Socket;
  readonly write: (numbers: readonly number[]) => void;
  readonly again: () => void;
}

const sentAt = new Float64Array(RING);
let nextNumber = 1;
let acks = 0;
let offered = 0;
let heldBack = 0;
let isFlooding = false;
const refusedMs: number[] = [];
const ackedMs: number[] = [];

/** Resolves when it may send. A steady one sends again whenever it was answered. */
async function peer(room: number, isSteady: boolean): Promise<Peer> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const conversation = `flood-${room}`;
  const frames = sendFrames(conversation);
  const write = (numbers: readonly number[]) => {
    const now = performance.now();
    for (const number of numbers) sentAt[number % RING] = now;
    socket.write(frames(numbers));
  };
  const again = () => write([nextNumber++]);
  const join = { type: 'join', id: 'j', conversation_id: conversation, create: true };
  let isUpgraded = false;
  let ready = () => {};
  const answered = (text: Buffer, isAck: boolean) => {
    const number = numberIn(text);
    if (Number.isNaN(number)) throw new Error(text.toString());
    const took = performance.now() - (sentAt[number % RING] ?? 0);
    if (isAck) acks += 1;
    if (isFlooding) (isAck ? ackedMs : refusedMs).push(took);
    if (!isSteady) return;
    if (isAck) again();
    else setTimeout(again, Number(/"retry_after_ms":(\d+)/.exec(text.toString())?.[1] ?? 100));
  };
  const read = frameReader((type, text) => {
    if (type === 'ack') answered(text, true);
    else if (type === 'error') answered(text, false);
    else if (type === 'ping') socket.write(PONG_FRAME);
    else if (type === 'other' && text.includes('"type":"live"')) ready();
  });
  socket.on('data', (chunk) => {
    if (isUpgraded) return read(chunk);
    isUpgraded = true;
    read(chunk.subarray(chunk.indexOf('\r\n\r\n') + 4));
    socket.write(clientFrame('{"type":"hello"}'));
    socket.write(clientFrame(JSON.stringify(join)));
  });
  socket.write(
    'GET /v1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  );
  const live = new Promise<void>((resolve) => {
    ready = resolve;
  });
  await live;
  // Who floods does not listen; a member may send all the same.
  const leave = { type: 'leave', id: 'l', conversation_id: conversation };
  if (!isSteady) socket.write(clientFrame(JSON.stringify(leave)));
  return { socket, write, again };
}

/** As many as are due, spread over all that flood; what the sockets do not take is not made up for. */
async function flood(flooders: readonly Peer[], rate: number): Promise<void> {
  const started = performance.now();
  let due = 0;
  while (performance.now() - started < seconds * 1_000) {
    const should = ((performance.now() - started) / 1_000) * rate;
    const each = Math.floor((should - due) / flooders.length);
    if (each > 0) {
      due += each * flooders.length;
      for (const { socket, write } of flooders) {
        if (socket.writableLength > HELD_BACK_BYTES) heldBack += each;
        else {
          offered += each;
          write(Array.from({ length: each }, () => nextNumber++));
        }
      }
    }
    await breath();
  }
}

/** Milliseconds until a slice of time is as good as before. */
async function recovery(rate: number): Promise<number> {
  const started = performance.now();
  for (;;) {
    const before = acks;
    const from = performance.now();
    await sleep(SLICE_MS);
    const now = performance.now();
    if ((acks - before) / ((now - from) / 1_000) >= rate * NORMAL) return now - started;
    if (now - started > GIVE_UP_MS) return Number.POSITIVE_INFINITY;
  }
}

async function rateOver(ms: number): Promise<number> {
  const [before, from] = [acks, performance.now()];
  await sleep(ms);
  return (acks - before) / ((performance.now() - from) / 1_000);
}

const numbers = Array.from({ length: rooms }, (_, room) => room);
const steady: Peer[] = [];
const flooders: Peer[] = [];
// One after the other: a mailbox of one message has room for one who comes in.
for (const room of numbers) {
  steady.push(await peer(room, true));
  for (let nth = 0; nth < FLOODERS; nth += 1) flooders.push(await peer(room, false));
}
for (const { again } of steady) for (let at = 0; at < window; at += 1) again();
await sleep(WARM_MS);
const server = { start: cpuSecondsOf(pid), calm: 0, flooded: 0 };
const acksAtStart = acks;
const calm = await rateOver(seconds * 1_000);
server.calm = cpuSecondsOf(pid) - server.start;
const calmAcks = acks - acksAtStart;
isFlooding = true;
const before = acks;
const cpu = process.cpuUsage();
await flood(flooders, calm * times);
const used = process.cpuUsage(cpu);
server.flooded = cpuSecondsOf(pid) - server.start - server.calm;
const goodput = (acks - before) / seconds;
const refused = refusedMs.length / seconds;
isFlooding = false;
const recoveredMs = await recovery(calm);
const at = (list: number[], share: number) =>
  percentile(
    list.sort((a, b) => a - b),
    share,
  );
process.stdout.write(
  `${JSON.stringify({
    calm,
    goodput,
    refused,
    offered: offered / seconds,
    heldBack: heldBack / seconds,
    refusedP50: at(refusedMs, 0.5),
    refusedP99: at(refusedMs, 0.99),
    ackedP99: at(ackedMs, 0.99),
    recoveredMs,
    calmMicros: (server.calm / calmAcks) * 1e6,
    floodMicros: (server.flooded / seconds / (goodput + refused)) * 1e6,
    serverCores: server.flooded / seconds,
    clientCores: (used.user + used.system) / 1e6 / seconds,
  })}\n`,
  () => process.exit(0),
);
