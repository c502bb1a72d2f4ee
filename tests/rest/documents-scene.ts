import { afterAll, beforeAll } from 'vitest';
import { eventually } from '../support/deadline.ts';
import { testDatabase } from '../support/postgres.ts';
import { type Reply, RestClient } from '../support/rest-client.ts';
import { type Flags, ServerProcess } from '../support/server-process.ts';

/** Where a server keeps things for a test: `{dir}` is the server's own folder. */
export type StorePlace = () => Promise<{
  readonly url: string;
  readonly drop: () => Promise<void>;
}>;

const nothing = async () => {};

/** The stores that documents are tried on, a row each. */
export const STORES: ReadonlyArray<readonly [string, StorePlace]> = [
  ['memory', async () => ({ url: 'memory:', drop: nothing })],
  ['sqlite', async () => ({ url: 'sqlite:{dir}/documents.db', drop: nothing })],
  ['postgres', testDatabase],
];

export interface Guest {
  readonly id: string;
  readonly rest: RestClient;
}

// biome-ignore lint/suspicious/noExplicitAny: bodies are looked into by the tests.
type Body = any;

export const DOCUMENTS = '/v1/documents';

/** A real server with people and documents in it. */
export class DocumentsScene {
  readonly #place: StorePlace;
  readonly #flags: Flags;
  #server: ServerProcess | undefined;
  #drop = nothing;
  #rooms = 0;

  constructor(place: StorePlace, flags: Flags = {}) {
    this.#place = place;
    this.#flags = flags;
  }

  get server(): ServerProcess {
    if (this.#server === undefined) throw new Error('not started');
    return this.#server;
  }

  async start(): Promise<void> {
    const { url, drop } = await this.#place();
    this.#drop = drop;
    this.#server = new ServerProcess({ 'log-level': 'error', ...this.#flags, store: url });
    await this.#server.start();
  }

  /** Ends the server, which must end well, and leaves nothing behind. */
  async end(): Promise<void> {
    const exit = await this.#server?.dispose();
    await this.#drop();
    if (exit !== undefined && exit.code !== 0) throw new Error(`ended with ${exit.code}`);
  }

  async guest(name: string): Promise<Guest> {
    const { body } = await new RestClient(this.server.url).post('/v1/guests', { name });
    return { id: body.participant.id, rest: new RestClient(this.server.url, body.token) };
  }

  async guests(...names: readonly string[]): Promise<readonly Guest[]> {
    return Promise.all(names.map((name) => this.guest(name)));
  }

  /** A conversation by invitation, with these in it. */
  async room(owner: Guest, members: readonly (readonly [Guest, string])[] = []): Promise<string> {
    this.#rooms += 1;
    const id = `docs-${this.#rooms}`;
    const made = { conversation_id: id, visibility: 'invite' };
    expectStatus(await owner.rest.post('/v1/conversations', made), 201);
    for (const [{ id: who }, role] of members) {
      const path = `/v1/conversations/${id}/participants/${who}`;
      expectStatus(await owner.rest.put(path, { role }), 201);
    }
    return id;
  }

  /** Uploads a document as JSON, and gives it as it was answered. */
  async add({ rest }: Guest, document: object): Promise<Body> {
    return expectStatus(await rest.post(DOCUMENTS, { title: 'T', ...document }), 201).body;
  }

  /** The document when its vectors are there. */
  async ready({ rest }: Guest, id: string): Promise<Body> {
    return eventually('the document is ready', async () => {
      const { body } = await rest.get(`${DOCUMENTS}/${id}`);
      return body.state === 'ready' && body;
    });
  }

  /** Ids of the documents that a search finds, best first, each once. */
  async found({ rest }: Guest, search: object): Promise<readonly string[]> {
    const { body } = expectStatus(await rest.post(`${DOCUMENTS}/search`, search), 200);
    return [...new Set<string>(body.items.map((item: Body) => item.document_id))];
  }
}

export function expectStatus(reply: Reply, status: number): Reply {
  if (reply.status !== status) throw new Error(`${reply.status}, not ${status}: ${reply.text}`);
  return reply;
}

/** One server for all tests of a `describe`. */
export function useDocuments(place: StorePlace, flags: Flags = {}): DocumentsScene {
  const scene = new DocumentsScene(place, flags);
  beforeAll(() => scene.start());
  afterAll(() => scene.end());
  return scene;
}
