import { z } from 'zod';
import { flawsOf } from './failures.ts';

/** A REST client written from the contract; every answer is held to what all answers promise. */

// biome-ignore lint/suspicious/noExplicitAny: tests look into bodies and say themselves what is there.
type Json = any;

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Json;
  readonly text: string;
}

export interface RequestOptions {
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is. */
  readonly raw?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

const Problem = z.object({
  status: z.int().min(400),
  title: z.string().min(1),
  detail: z.string().min(1),
  reason: z.string().min(1),
  retryable: z.boolean(),
  retry_after_ms: z.int().min(0).optional(),
  correlation_id: z.string().min(1),
});

/** Throws when an answer breaks what section 3 of the contract promises of every one. */
function expectWellFormed(reply: Reply, what: string): void {
  const refuse = (flaw: string): never => {
    throw new Error(`${what}: ${flaw}: ${reply.status} ${reply.text.slice(0, 300)}`);
  };
  if (reply.status < 400) return;
  const type = reply.headers.get('content-type') ?? '';
  if (!type.startsWith('application/problem+json')) refuse(`content type ${type}`);
  const problem = Problem.safeParse(reply.body);
  const { status, reason, detail, title, retry_after_ms, correlation_id } = problem.success
    ? problem.data
    : refuse(problem.error.message);
  if (status !== reply.status) refuse(`a body for ${status}`);
  const flaws = flawsOf({
    status,
    reason,
    text: `${title} ${detail}`,
    retryAfterMs: retry_after_ms,
  });
  if (flaws[0]) refuse(flaws[0]);
  const waits = status === 429 || status === 503;
  const seconds = reply.headers.get('retry-after');
  if (waits && !/^\d+$/.test(seconds ?? '')) refuse(`Retry-After ${seconds}`);
  if (reply.headers.get('x-correlation-id') !== correlation_id) {
    refuse(`X-Correlation-Id ${reply.headers.get('x-correlation-id')}`);
  }
}

export class RestClient {
  readonly url: string;
  readonly token: string | undefined;

  constructor(url: string, token?: string) {
    this.url = url;
    this.token = token;
  }

  async request(method: string, path: string, options: RequestOptions = {}): Promise<Reply> {
    const { body, raw, headers } = options;
    const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(this.url + path, {
      method,
      headers: {
        ...(this.token && { authorization: `Bearer ${this.token}` }),
        ...(payload !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(payload !== undefined && { body: payload }),
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    const reply: Reply = {
      status: response.status,
      headers: response.headers,
      body: isJson ? JSON.parse(text) : undefined,
      text,
    };
    expectWellFormed(reply, `${method} ${path}`);
    return reply;
  }

  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Reply> {
    return this.request('GET', path, headers ? { headers } : {});
  }

  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Reply> {
    return this.request('POST', path, headers ? { body, headers } : { body });
  }

  put(path: string, body: unknown): Promise<Reply> {
    return this.request('PUT', path, { body });
  }

  patch(path: string, body: unknown): Promise<Reply> {
    return this.request('PATCH', path, { body });
  }

  delete(path: string): Promise<Reply> {
    return this.request('DELETE', path);
  }
}

/** Every item of a paged list, by `next_cursor`. */
export async function everyItem(rest: RestClient, path: string): Promise<Json[]> {
  const items: Json[] = [];
  let cursor: string | null | undefined;
  do {
    const separator = path.includes('?') ? '&' : '?';
    const more = cursor ? `${separator}cursor=${encodeURIComponent(cursor)}` : '';
    const reply = await rest.get(path + more);
    if (reply.status !== 200) throw new Error(`${path}: ${reply.status} ${reply.text}`);
    items.push(...reply.body.items);
    cursor = reply.body.next_cursor;
    if (items.length > 100_000) throw new Error(`${path} never ends`);
  } while (cursor);
  return items;
}

/** The whole log of a conversation, by `after_seq`. */
export async function wholeLog(rest: RestClient, conversation: string): Promise<Json[]> {
  const log: Json[] = [];
  for (;;) {
    const path = `/v1/conversations/${conversation}/events`;
    const reply = await rest.get(`${path}?after_seq=${log.at(-1)?.seq ?? 0}&limit=200`);
    if (reply.status !== 200) throw new Error(`${path}: ${reply.status} ${reply.text}`);
    if (reply.body.items.length === 0) return log;
    log.push(...reply.body.items);
  }
}
