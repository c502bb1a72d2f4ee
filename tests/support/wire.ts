import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { StreamOptions } from './event-stream.ts';
import { EventStream } from './event-stream.ts';
import { RestClient } from './rest-client.ts';
import type { Flags } from './server-process.ts';
import { ServerProcess } from './server-process.ts';
import type { ConnectOptions } from './wire-client.ts';
import { WireClient } from './wire-client.ts';

/** A guest with a connection and a REST client that speak for the same participant. */
export interface Person {
  readonly id: string;
  readonly name: string;
  readonly token: string;
  readonly ws: WireClient;
  readonly rest: RestClient;
}

/** The clients of one server. After each test they are closed, and none may have seen a flaw. */
export class Wire {
  readonly server: ServerProcess;
  readonly #clients = new Set<WireClient>();
  readonly #streams = new Set<EventStream>();
  #ids = 0;

  constructor(server: ServerProcess) {
    this.server = server;
  }

  async connect(options: ConnectOptions = {}): Promise<WireClient> {
    const client = await WireClient.connect(this.server.wsUrl, options);
    this.#clients.add(client);
    return client;
  }

  rest(token?: string): RestClient {
    return new RestClient(this.server.url, token);
  }

  async person(name: string): Promise<Person> {
    const ws = await this.connect({ name });
    return { id: ws.participantId, name, token: ws.token, ws, rest: this.rest(ws.token) };
  }

  /** Several people attached to a new conversation, which the first made; all have seen all. */
  async room(...names: string[]): Promise<{ id: string; people: Person[] }> {
    const id = this.id();
    const people: Person[] = [];
    for (const name of names) {
      const person = await this.person(name);
      await person.ws.joinLive(id, { create: people.length === 0, after_seq: 0 });
      people.push(person);
    }
    const head = people.at(-1)?.ws.lastSeq(id) ?? 0;
    if (head > 0) await Promise.all(people.map(({ ws }) => ws.waitForSeq(id, head)));
    return { id, people };
  }

  async stream(conversation: string, query: string, options: StreamOptions): Promise<EventStream> {
    const url = `${this.server.url}/v1/conversations/${conversation}/events${query}`;
    const stream = await EventStream.open(url, options);
    this.#streams.add(stream);
    return stream;
  }

  /** An id that no other test of this server uses. */
  id(prefix = 'room'): string {
    this.#ids += 1;
    return `${prefix}-${this.#ids}`;
  }

  /** Closes every client and gives what any of them saw that the contract forbids. */
  async close(): Promise<string[]> {
    for (const stream of this.#streams) stream.close();
    const clients = [...this.#clients];
    this.#streams.clear();
    this.#clients.clear();
    await Promise.all(clients.map((client) => client.close()));
    return clients.flatMap((client) => client.violations);
  }
}

/** One server for all tests of the file. It must end well, too: exit 0 on SIGTERM. */
export function useWire(flags: Flags = {}): Wire {
  const server = new ServerProcess(flags);
  const wire = new Wire(server);
  beforeAll(() => server.start());
  afterEach(async ({ task }) => {
    const violations = await wire.close();
    if (task.result?.state === 'fail' && server.output) console.log(server.output.slice(-4_000));
    expect(violations).toEqual([]);
  });
  afterAll(async () => {
    const exit = await server.dispose();
    if (exit) expect(exit).toEqual({ code: 0, signal: null });
  });
  return wire;
}

/** A server of its own for one test; ended and removed with whatever it still runs. */
export async function withServer(flags: Flags, run: (wire: Wire) => Promise<void>): Promise<void> {
  const server = new ServerProcess(flags);
  const wire = new Wire(server);
  try {
    await server.start();
    await run(wire);
    expect(await wire.close()).toEqual([]);
  } catch (error) {
    console.log(server.output.slice(-4_000));
    throw error;
  } finally {
    await wire.close();
    await server.dispose();
  }
}
