import { sleep } from 'k6';
import ws, { type Socket } from 'k6/ws';
import { gather, goHome, talk } from '../lib/crowd.ts';
import { Follower } from '../lib/follower.ts';
import { closes, duplicates, errors, finished, gaps, replayed } from '../lib/metrics.ts';
import { begin, figures, inTime, optionsFor, type Start, wsUrl } from '../lib/run.ts';
import { summaryOf } from '../lib/summary.ts';

const SCENARIO = 'slow-readers';
const FIGURES = figures(SCENARIO);
const { RAMP, DURATION, SLOW_MS } = FIGURES;
/** Seconds that a slow reader gets in the end to read all that it is behind. */
const CATCH_UP_SECONDS = 12;
const QUIET_MS = 2_000;
const LOOK_MS = 500;

export const options = optionsFor(FIGURES, {
  ...inTime(FIGURES),
  // Some were sent away: they were slow. They are told so by 4002, behind all that they have not read; who takes
  // longer over that than the server waits (some 16 s) sees the connection end, 1006.
  closes: ['count>0'],
  replayed: ['count>0'],
});
export const setup = () => begin(FIGURES);
export const handleSummary = summaryOf(SCENARIO);

/** Those who read as fast as they can: they must not notice the others. */
export default function people(start: Start): void {
  const crowd = gather(FIGURES, start);
  talk(crowd, FIGURES);
  goHome(crowd);
}

interface Frame {
  readonly type: string;
  readonly token?: string;
  readonly seq?: number;
  readonly head_seq?: number;
  readonly reason?: string;
}

interface Reader {
  readonly follower: Follower;
  readonly conversationId: string;
  token: string | undefined;
  /** When it stops being slow, milliseconds since 1970. */
  readonly until: number;
  head: number;
  /** It has read all, or its time is over. */
  hasLeft: boolean;
}

/**
 * One that takes its time over each message. It is on k6's older module: there a slow listener stops the reading
 * from the socket, while `k6/websockets` would read on into memory.
 */
export function slow({ startAt, run }: Start): void {
  const until = startAt + (RAMP + DURATION) * 1_000;
  const reader: Reader = {
    follower: new Follower(),
    conversationId: `${run}-0`,
    token: undefined,
    until,
    head: 0,
    hasLeft: false,
  };
  sleep(Math.max(startAt + RAMP * 1_000 - Date.now(), 0) / 1_000);
  const end = until + CATCH_UP_SECONDS * 1_000;
  while (Date.now() < end && !isLevel(reader)) {
    let code = 0;
    ws.connect(wsUrl(), {}, (socket) => {
      socket.on('close', (closed: number) => {
        code = closed;
      });
      read(socket, reader, end);
    });
    // Of a close it learns when it has read what came before it.
    if (!reader.hasLeft) closes.add(1, { code: String(code) });
  }
  if (!isLevel(reader)) gaps.add(reader.head - (reader.follower.position ?? 0), { reason: 'tail' });
  finished.add(1);
}

/** It was told where the conversation ends, after all was sent, and has read up to there. */
function isLevel({ head, follower }: Reader): boolean {
  return head > 0 && (follower.position ?? 0) >= head;
}

function read(socket: Socket, reader: Reader, end: number): void {
  const say = (frame: object) => socket.send(JSON.stringify(frame));
  const join = () => {
    const { position } = reader.follower;
    reader.follower.joins(position);
    const after = position === undefined ? {} : { after_seq: position };
    say({ type: 'join', id: 'join', conversation_id: reader.conversationId, ...after });
  };
  socket.on('open', () => {
    say({
      type: 'hello',
      name: 'slow',
      ...(reader.token === undefined ? {} : { token: reader.token }),
    });
    join();
  });
  // Behind the end of sending all is quiet: then it asks where the conversation ends.
  socket.setInterval(() => {
    if (Date.now() > reader.until + QUIET_MS && reader.head === 0) join();
    if (Date.now() < end && !isLevel(reader)) return;
    reader.hasLeft = true;
    socket.close();
  }, LOOK_MS);
  socket.on('message', (text: string) => hear(JSON.parse(text) as Frame, reader));
}

function hear(frame: Frame, reader: Reader): void {
  const isSlow = Date.now() < reader.until;
  if (frame.type === 'welcome') reader.token ??= frame.token;
  if (frame.type === 'error') errors.add(1, { reason: frame.reason ?? 'unknown' });
  if (frame.type === 'joined') {
    const headSeq = frame.head_seq ?? 0;
    replayed.add(reader.follower.joined(headSeq));
    if (!isSlow) reader.head = headSeq;
  }
  if (frame.type !== 'event') return;
  const { place, missing } = reader.follower.event(frame.seq ?? 0);
  if (place === 'gap') gaps.add(missing, { reason: 'order' });
  if (place === 'duplicate') duplicates.add(1);
  if (isSlow) sleep(SLOW_MS / 1_000);
}
