import { Follower } from '../k6/lib/follower.ts';
import { type StreamMessage, StreamParser } from './event-stream.ts';

/** Milliseconds before a conversation that is not there yet, or a stream that ended, is tried again. */
const AGAIN_MS = 200;
/** Milliseconds that an answer which is no stream may take. */
const ANSWER_MS = 10_000;

export interface Findings {
  /** Milliseconds from when a message was due until it was here, of those that came live. */
  readonly deliveryMs: number[];
  events: number;
  gaps: number;
  duplicates: number;
  /** Times that a stream was taken up again behind the last event that it had brought. */
  resumes: number;
  /** Streams that the server ended. */
  ends: number;
}

/** Nothing found yet. */
export function noFindings(): Findings {
  return { deliveryMs: [], events: 0, gaps: 0, duplicates: 0, resumes: 0, ends: 0 };
}

export interface Subject {
  readonly url: string;
  readonly conversationId: string;
  readonly name: string;
  /** Milliseconds after which it drops the stream and takes it up again; 0: never. */
  readonly everyMs: number;
}

/** One reader of a conversation's event stream, who resumes with `Last-Event-ID` and counts what is wrong. */
export class Reader {
  readonly #subject: Subject;
  readonly #found: Findings;
  readonly #follower = new Follower();
  #guest: Guest | undefined;
  /** The guest's, once it is a member. */
  #token: string | undefined;
  #isOver = false;
  #abort = new AbortController();
  #isResumed = false;
  readonly done: Promise<void>;

  constructor(subject: Subject, found: Findings) {
    this.#subject = subject;
    this.#found = found;
    this.#follower.joins(0);
    this.#follower.joined(0);
    this.done = this.#run();
  }

  /** Waits until it has all that the conversation has, at most so long; what is missing then is a gap. */
  async end(withinMs: number): Promise<void> {
    const until = performance.now() + withinMs;
    let head = await this.#headSeq();
    while ((head === undefined || this.#position < head) && performance.now() < until) {
      await pause(AGAIN_MS);
      head ??= await this.#headSeq();
    }
    this.#found.gaps += head === undefined ? 1 : Math.max(head - this.#position, 0);
    this.#isOver = true;
    this.#abort.abort();
    await this.done;
  }

  get #position(): number {
    return this.#follower.position ?? 0;
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      this.#abort = new AbortController();
      const { everyMs } = this.#subject;
      const drop = everyMs > 0 ? setTimeout(() => this.#abort.abort(), everyMs) : undefined;
      try {
        if (await this.#isMember()) await this.#follow();
      } catch {
        // It was dropped here, or the server does not answer; either way it is tried again.
      } finally {
        clearTimeout(drop);
      }
      if (!this.#isOver && !this.#abort.signal.aborted) await pause(AGAIN_MS);
    }
  }

  /** An open conversation takes whoever asks. False as long as it is not there. */
  async #isMember(): Promise<boolean> {
    if (this.#token !== undefined) return true;
    const { url, conversationId, name } = this.#subject;
    if (this.#guest === undefined) {
      const welcomed = await ask(`${url}/v1/guests`, { method: 'POST', body: { name } });
      if (!welcomed.ok) return false;
      this.#guest = (await welcomed.json()) as Guest;
    }
    const { token, participant } = this.#guest;
    const path = `/v1/conversations/${conversationId}/participants/${participant.id}`;
    const joined = await ask(`${url}${path}`, { method: 'PUT', token, body: { role: 'observer' } });
    if (joined.ok) this.#token = token;
    return joined.ok;
  }

  async #follow(): Promise<void> {
    const path = `/v1/conversations/${this.#subject.conversationId}/events?after_seq=0`;
    const last = this.#isResumed ? { 'last-event-id': String(this.#position) } : {};
    const response = await fetch(`${this.#subject.url}${path}`, {
      headers: { ...bearer(this.#token), accept: 'text/event-stream', ...last },
      signal: this.#abort.signal,
    });
    if (!response.ok || response.body === null) return;
    if (this.#isResumed) this.#found.resumes += 1;
    this.#isResumed = true;
    const parser = new StreamParser();
    const openedAt = now();
    try {
      for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
        for (const message of parser.add(piece)) this.#hear(message, openedAt);
      }
    } finally {
      if (!this.#abort.signal.aborted) this.#found.ends += 1;
    }
  }

  #hear({ data }: StreamMessage, openedAt: number): void {
    const frame = JSON.parse(data) as Frame;
    if (frame.type === 'reset') this.#found.gaps += 1;
    if (frame.type !== 'event') return;
    const { place, missing } = this.#follower.event(frame.seq);
    this.#found.events += 1;
    this.#found.gaps += missing;
    this.#found.duplicates += place === 'duplicate' ? 1 : 0;
    if (frame.kind !== 'message') return;
    const dueAt = Number.parseFloat(frame.content ?? '');
    // What was due before this stream was opened waited for its reader.
    if (dueAt > openedAt) this.#found.deliveryMs.push(now() - dueAt);
  }

  async #headSeq(): Promise<number | undefined> {
    try {
      const { url, conversationId } = this.#subject;
      const path = `/v1/conversations/${conversationId}`;
      const call = { method: 'GET', ...(this.#token !== undefined && { token: this.#token }) };
      const answer = await ask(`${url}${path}`, call);
      return answer.ok ? ((await answer.json()) as { head_seq: number }).head_seq : undefined;
    } catch {
      return undefined;
    }
  }
}

interface Guest {
  readonly token: string;
  readonly participant: { readonly id: string };
}

interface Frame {
  readonly type: string;
  readonly seq: number;
  readonly kind?: string;
  readonly content?: string;
}

interface Call {
  readonly method: string;
  readonly token?: string;
  readonly body?: object;
}

function ask(url: string, { method, token, body }: Call): Promise<Response> {
  return fetch(url, {
    method,
    headers: { ...bearer(token), 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(ANSWER_MS),
  });
}

function bearer(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

/** Milliseconds since 1970, with a fraction. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
