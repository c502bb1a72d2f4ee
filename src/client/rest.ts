import { errorOfProblem, localError } from './colloquy-error.ts';
import type { Credentials } from './credentials.ts';
import type { ConversationInfo, Invite, StoredMessage } from './wire.ts';

export interface PageOptions {
  /** Only messages before this seq: the newest of them. */
  readonly beforeSeq?: number;
  /** Only messages after this seq: the oldest of them. */
  readonly afterSeq?: number;
  readonly limit?: number;
}

export interface InviteOptions {
  /** What those who come with it are: a member when not given. */
  readonly role?: 'member' | 'observer';
  /** How many may come with it, 100 at most; any number when not given. */
  readonly maxUses?: number;
  /** 7 days when not given, 30 at most. */
  readonly expiresInSeconds?: number;
}

export interface RestParts {
  /** Without a trailing slash. */
  readonly base: string;
  readonly credentials: Credentials;
  readonly fetch: typeof globalThis.fetch;
}

/** The REST calls that go with a connection. Each fails with a ColloquyError. */
export class Rest {
  readonly #parts: RestParts;

  constructor(parts: RestParts) {
    this.#parts = parts;
  }

  /** One page of messages as they stand now, oldest first. */
  async messages(conversationId: string, page: PageOptions): Promise<readonly StoredMessage[]> {
    const query = new URLSearchParams();
    if (page.beforeSeq !== undefined) query.set('before_seq', String(page.beforeSeq));
    if (page.afterSeq !== undefined) query.set('after_seq', String(page.afterSeq));
    if (page.limit !== undefined) query.set('limit', String(page.limit));
    const path = `/v1/conversations/${encodeURIComponent(conversationId)}/messages`;
    const body = (await this.#get(`${path}?${query}`)) as { items: StoredMessage[] };
    return body.items.toSorted((a, b) => a.seq - b.seq);
  }

  async conversation(conversationId: string): Promise<ConversationInfo> {
    const path = `/v1/conversations/${encodeURIComponent(conversationId)}`;
    return (await this.#get(path)) as ConversationInfo;
  }

  async invite(conversationId: string, options: InviteOptions): Promise<Invite> {
    const { role, maxUses, expiresInSeconds } = options;
    const path = `/v1/conversations/${encodeURIComponent(conversationId)}/invites`;
    // What is undefined is not in the JSON.
    const body = { role, max_uses: maxUses, expires_in_seconds: expiresInSeconds };
    return (await this.#ask(path, { method: 'POST', body: JSON.stringify(body) })) as Invite;
  }

  #get(path: string): Promise<unknown> {
    return this.#ask(path, {});
  }

  async #ask(
    path: string,
    request: { readonly method?: string; readonly body?: string },
  ): Promise<unknown> {
    const token = await this.#parts.credentials.token();
    const headers: Record<string, string> = { accept: 'application/json' };
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
    if (request.body !== undefined) headers['content-type'] = 'application/json';
    let response: Response;
    let body: unknown;
    try {
      response = await this.#parts.fetch(`${this.#parts.base}${path}`, { ...request, headers });
      const text = await response.text();
      body = parsed(text);
    } catch {
      throw localError('unreachable');
    }
    if (!response.ok) throw errorOfProblem(response.status, body);
    return body;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
