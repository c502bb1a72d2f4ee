import type {
  Client,
  ConnectOptions,
  Conversation,
  JoinOptions,
  LogEvent,
} from '../../src/client/index.ts';
import { connect } from '../../src/client/index.ts';
import { ROOM, ScriptedServer } from './scripted-server.ts';
import { SimulatedClock } from './simulated-clock.ts';

export interface Scene {
  readonly clock: SimulatedClock;
  readonly server: ScriptedServer;
  readonly client: Client;
}

/** A client whose time and server are the test's. Backoff is at its shortest: `random` is 0. */
export function scene(options: Partial<ConnectOptions> = {}): Scene {
  const clock = new SimulatedClock();
  const server = new ScriptedServer();
  const client = connect({
    url: 'http://server.test',
    WebSocket: server.WebSocket,
    clock,
    random: () => 0,
    ...options,
  });
  return { clock, server, client };
}

export interface Followed extends Scene {
  readonly conversation: Conversation;
  readonly events: LogEvent[];
  /** The seqs of `events`. */
  seqs(): number[];
}

/** A client that has joined a conversation, live at `afterSeq`. */
export async function followed(
  join: JoinOptions = { afterSeq: 0 },
  options: Partial<ConnectOptions> = {},
): Promise<Followed> {
  const set = scene(options);
  const conversation = set.client.join(ROOM, join);
  const events: LogEvent[] = [];
  conversation.on('event', (event) => events.push(event));
  await set.server.welcome();
  set.server.joined();
  set.server.live(join.afterSeq ?? 0);
  return { ...set, conversation, events, seqs: () => events.map(({ seq }) => seq) };
}

/** The connection breaks, the wait passes, and a new socket is welcomed. */
export async function reconnected({ server, client, clock }: Scene): Promise<void> {
  server.socket.end();
  if (client.state.kind !== 'offline') throw new Error(`the client is ${client.state.kind}`);
  await clock.pass(client.state.retryAtMs - clock.now());
  await server.welcome();
}
