import { afterEach } from 'vitest';
import type { Agent } from '../../actors/agent-port.ts';
import { say } from '../../actors/commands.ts';
import type { ConversationActor } from '../../actors/conversation-actor.ts';
import type { Outcome } from '../../actors/draft.ts';
import { type Config, readConfig } from '../../src/config.ts';
import { conversationId, participantId } from '../../src/domain/ids.ts';
import type { Author } from '../../src/domain/participant.ts';
import { type Server, startServer } from '../../src/http/server.ts';
import type { Log } from '../../src/observability/log.ts';
import { createRuntime, type Runtime } from '../../src/runtime.ts';
import { ControlledStore } from '../support/controlled-store.ts';
import { EventStream, type StreamOptions } from '../support/event-stream.ts';
import { RestClient } from '../support/rest-client.ts';
import { SimulatedClock } from '../support/simulated-clock.ts';

/** Somebody with a token of this server. */
export interface Person {
  readonly who: Author;
  readonly token: string;
  readonly rest: RestClient;
}

export interface Line {
  readonly level: string;
  readonly event: string;
  readonly about: Readonly<Record<string, unknown>>;
}

const TOKEN_SECONDS = 3_600;

/** The runtime behind a real port, in this process: its store and its clock are the test's. */
export class Served {
  readonly store = new ControlledStore();
  readonly clock = new SimulatedClock();
  readonly lines: Line[] = [];
  readonly runtime: Runtime;
  readonly #server: Server;

  static async start(settings: Partial<Config> = {}, agent?: Agent): Promise<Served> {
    const store = new ControlledStore();
    const clock = new SimulatedClock();
    const lines: Line[] = [];
    const config = { ...defaults(), ...settings };
    const speaker = agent === undefined ? {} : { agent };
    const { env } = process;
    const log = logInto(lines);
    const runtime = await createRuntime({ config, store, clock, log, env, ...speaker });
    const server = await startServer(runtime.edge, config);
    if (!server.ok) throw new Error(server.failure);
    return new Served({ store, clock, lines, runtime, server: server.value });
  }

  private constructor(parts: {
    store: ControlledStore;
    clock: SimulatedClock;
    lines: Line[];
    runtime: Runtime;
    server: Server;
  }) {
    this.store = parts.store;
    this.clock = parts.clock;
    this.lines = parts.lines;
    this.runtime = parts.runtime;
    this.#server = parts.server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  /** A client without a token, or with the one given. */
  rest(token?: string): RestClient {
    return new RestClient(this.url, token);
  }

  async person(id: string, seconds = TOKEN_SECONDS, isAdmin = false): Promise<Person> {
    const who: Author = { id: participantId(id), name: id, kind: 'human' };
    const token = await this.runtime.edge.identity.sign(who, seconds, { isAdmin });
    return { who, token, rest: this.rest(token) };
  }

  /** Somebody who may look at the server itself. */
  operator(id = 'operator'): Promise<Person> {
    return this.person(id, TOKEN_SECONDS, true);
  }

  /** A conversation of this person's. */
  async room(owner: Person, id: string, wanted: object = {}): Promise<ConversationActor> {
    const made = await owner.rest.post('/v1/conversations', { conversation_id: id, ...wanted });
    if (made.status !== 201) throw new Error(made.text);
    return this.actor(id);
  }

  async actor(id: string): Promise<ConversationActor> {
    const actor = await this.runtime.registry.get(conversationId(id));
    if (!actor.ok) throw new Error(actor.failure.reason);
    return actor.value;
  }

  stream(id: string, query: string, options: StreamOptions): Promise<EventStream> {
    return EventStream.open(`${this.url}/v1/conversations/${id}/events${query}`, options);
  }

  close(): Promise<void> {
    return this.#server.close();
  }
}

/** Says something without HTTP. */
export function said(actor: ConversationActor, author: Author, content: string): Promise<Outcome> {
  return new Promise((settle) => say(actor, { author, content, key: null }, settle));
}

/** Starts servers that are closed after each test. */
export function useServed(): (settings?: Partial<Config>, agent?: Agent) => Promise<Served> {
  const open: Served[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((served) => served.close()));
  });
  return async (settings, agent) => {
    const served = await Served.start(settings, agent);
    open.push(served);
    return served;
  };
}

function defaults(): Config {
  const read = readConfig({
    flags: ['--port', '0', '--agent', 'none', '--store', 'memory:'],
    env: {},
    readFile: () => undefined,
  });
  if (!read.ok) throw new Error(read.failure.message);
  return read.value.config;
}

function logInto(lines: Line[]): Log {
  const write =
    (level: string): Log['info'] =>
    (event, about = {}) => {
      lines.push({ level, event, about });
    };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}
