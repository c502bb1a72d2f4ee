import { sleep } from 'k6';
import exec from 'k6/execution';
import http, { type RefinedResponse } from 'k6/http';
import { now } from '../lib/clock.ts';
import {
  duplicates,
  errors,
  finished,
  gaps,
  lostAcks,
  mismatches,
  refusals,
  sends,
} from '../lib/metrics.ts';
import { baseUrl, begin, figures, optionsFor, type Start } from '../lib/run.ts';
import { summaryOf } from '../lib/summary.ts';

const SCENARIO = 'rest';
const FIGURES = figures(SCENARIO);
const { PEOPLE, RATE, RAMP, DURATION, CHARS, P99_MS } = FIGURES;
/** Tries of a call that is refused for now. */
const TRIES = 5;

const OPERATIONS = ['send', 'again', 'events', 'messages', 'edit', 'search', 'show', 'list'];

export const options = optionsFor(FIGURES, {
  http_req_duration: [`p(99)<${P99_MS}`],
  http_req_failed: ['rate==0'],
  sends: ['count>0'],
  ...Object.fromEntries(OPERATIONS.map((op) => [`http_req_duration{op:${op}}`, ['max>=0']])),
});
export const setup = () => begin(FIGURES);
export const handleSummary = summaryOf(SCENARIO);

interface Desk {
  readonly token: string;
  readonly conversation: string;
  /** The last seq that was read. */
  position: number;
  sent: number;
  lastKey: string;
  lastBody: string;
  lastSeq: number;
}

/** Each has a conversation, writes to it, and reads it again from where it was. */
export default function person({ startAt, run }: Start): void {
  const number = exec.scenario.iterationInTest;
  sleep(Math.max(startAt + (number / PEOPLE) * RAMP * 1_000 - Date.now(), 0) / 1_000);
  const desk = open(`${run}-${number}`);
  const until = startAt + (RAMP + DURATION) * 1_000;
  const every = (PEOPLE / RATE) * 1_000;
  for (let dueAt = now(); dueAt < until; dueAt += every) {
    const waitMs = dueAt - now();
    if (waitMs > 0) sleep(waitMs / 1_000);
    step(desk, dueAt);
  }
  events(desk);
  finished.add(1);
}

function open(conversation: string): Desk {
  const guest = call<{ token: string }>('', {
    op: 'guest',
    method: 'POST',
    path: '/v1/guests',
    body: { name: conversation },
  });
  const token = guest?.token ?? '';
  call(token, {
    op: 'create',
    method: 'POST',
    path: '/v1/conversations',
    body: { conversation_id: conversation },
    key: 'create',
  });
  return { token, conversation, position: 0, sent: 0, lastKey: '', lastBody: '', lastSeq: 0 };
}

/** Half of the calls are sends; the rest is shared among the others. */
function step(desk: Desk, dueAt: number): void {
  const dice = Math.random();
  if (dice < 0.5 || desk.lastSeq === 0) send(desk, dueAt);
  else if (dice < 0.55) again(desk);
  else if (dice < 0.75) events(desk);
  else if (dice < 0.85) get(desk, 'messages', '/messages?limit=50');
  else if (dice < 0.9) edit(desk);
  else if (dice < 0.93) get(desk, 'search', '/search?q=word');
  else if (dice < 0.97) get(desk, 'show', '');
  else call(desk.token, { op: 'list', method: 'GET', path: '/v1/conversations?limit=20' });
}

interface Sent {
  readonly seq: number;
}

function send(desk: Desk, dueAt: number): void {
  desk.sent += 1;
  desk.lastKey = `k${desk.sent}`;
  desk.lastBody = `${dueAt.toFixed(2)} word ${'.'.repeat(CHARS)}`;
  sends.add(1);
  const sent = post(desk, 'send');
  if (sent === undefined) {
    lostAcks.add(1);
    return;
  }
  mismatches.add(sent.seq > desk.lastSeq ? 0 : 1);
  desk.lastSeq = sent.seq;
}

/** The same key has the same seq. */
function again(desk: Desk): void {
  const sent = post(desk, 'again');
  mismatches.add(sent?.seq === desk.lastSeq ? 0 : 1);
}

function post(desk: Desk, op: string): Sent | undefined {
  const path = `/v1/conversations/${desk.conversation}/messages`;
  const body = { content: desk.lastBody };
  return call<Sent>(desk.token, { op, method: 'POST', path, body, key: desk.lastKey });
}

function edit(desk: Desk): void {
  const path = `/v1/conversations/${desk.conversation}/messages/${desk.lastSeq}`;
  const body = { content: `${desk.lastBody}, edited` };
  // The text that the key stands for is still the first one.
  call(desk.token, { op: 'edit', method: 'PATCH', path, body });
}

/** Reads on to the head: every seq, each once. */
function events(desk: Desk): void {
  for (let isMore = true; isMore; ) {
    const path = `/v1/conversations/${desk.conversation}/events?after_seq=${desk.position}&limit=100`;
    const page = call<{ items: Sent[]; next_cursor: string | null }>(desk.token, {
      op: 'events',
      method: 'GET',
      path,
    });
    for (const { seq } of page?.items ?? []) {
      if (seq > desk.position + 1) gaps.add(seq - desk.position - 1, { reason: 'page' });
      if (seq <= desk.position) duplicates.add(1);
      desk.position = Math.max(desk.position, seq);
    }
    isMore = page !== undefined && page.next_cursor !== null;
  }
  if (desk.position < desk.lastSeq) gaps.add(desk.lastSeq - desk.position, { reason: 'tail' });
}

function get({ token, conversation }: Desk, op: string, rest: string): void {
  call(token, { op, method: 'GET', path: `/v1/conversations/${conversation}${rest}` });
}

interface Call {
  readonly op: string;
  readonly method: string;
  readonly path: string;
  readonly body?: object;
  readonly key?: string;
}

/** The answer's body; what is refused for now is asked again, with its key. */
function call<T>(token: string, { op, method, path, body, key }: Call): T | undefined {
  const headers = {
    'Content-Type': 'application/json',
    ...(token === '' ? {} : { Authorization: `Bearer ${token}` }),
    ...(key === undefined ? {} : { 'Idempotency-Key': key }),
  };
  const text = body === undefined ? null : JSON.stringify(body);
  for (let tries = 0; tries < TRIES; tries += 1) {
    const answer = http.request(method, `${baseUrl()}${path}`, text, { headers, tags: { op } });
    if (answer.status < 300) return answer.json() as T;
    const { reason, retry_after_ms: waitMs } = problemOf(answer);
    if (answer.status !== 429 && answer.status !== 503) {
      errors.add(1, { reason });
      return undefined;
    }
    refusals.add(1, { reason });
    sleep((waitMs ?? 1_000) / 1_000);
  }
  return undefined;
}

function problemOf(answer: RefinedResponse<'text'>): { reason: string; retry_after_ms?: number } {
  try {
    return JSON.parse(answer.body) as { reason: string };
  } catch {
    return { reason: `status ${answer.status}` };
  }
}
