/**
 * The TypeScript client: for browsers and for Node 22, without dependencies.
 *
 *     const client = connect({ url: 'https://chat.example', name: 'Ada' });
 *     const conversation = client.join('tea', { create: true, afterSeq: 0 });
 *     conversation.on('event', (event) => show(event));
 *     const { seq } = await conversation.send('Hello');
 */
import type { Client } from './client.ts';
import { ConnectedClient } from './client.ts';
import type { TokenSource } from './credentials.ts';
import { Credentials } from './credentials.ts';
import { endpointOf } from './endpoint.ts';
import type { Clock, KeyValueStorage, SocketConstructor } from './environment.ts';
import { memoryStorage, systemClock } from './environment.ts';
import { Rest } from './rest.ts';

export type { AttachmentState, JoinOptions } from './attachment.ts';
export type { Client } from './client.ts';
// biome-ignore lint/performance/noBarrelFile: the entry of the package, `colloquy/client`
export { ColloquyError } from './colloquy-error.ts';
export type { ConnectionState } from './connection.ts';
export type { Conversation, ConversationEvents, Decision, SendOptions } from './conversation.ts';
export type { Change, Draft, DraftState, Receipt } from './draft.ts';
export type { Clock, KeyValueStorage, Socket, SocketConstructor } from './environment.ts';
export type { InviteOptions, PageOptions } from './rest.ts';
export type { ToolUse } from './tool-use.ts';
export type { TurnView } from './turn-view.ts';
export type {
  Author,
  ConversationInfo,
  Invite,
  Limits,
  LogEvent,
  LogEventOf,
  Participant,
  Role,
  StoredMessage,
} from './wire.ts';

export interface ConnectOptions {
  /** Any address of the server: `https://host`, `ws://host:8080/v1/ws`, with a proxy's prefix or without. */
  readonly url: string;
  /** A token, or how to get one: it is asked for at every connection. Without it we come as a guest. */
  readonly token?: TokenSource;
  /** What a guest is called. */
  readonly name?: string;
  /** The platform's own when not given. */
  readonly WebSocket?: SocketConstructor;
  readonly fetch?: typeof globalThis.fetch;
  /** Where a guest's token is kept; without it, a guest is a new one with each client. */
  readonly storage?: KeyValueStorage;
  readonly clock?: Clock;
  /** In [0, 1): spreads reconnects. */
  readonly random?: () => number;
}

/**
 * Connects, and stays connected: a connection that is lost comes back by itself, and every conversation goes on
 * from the last event it delivered. Throws a TypeError when `url` is not an address.
 */
export function connect(options: ConnectOptions): Client {
  const endpoint = endpointOf(options.url);
  const credentials = new Credentials({
    token: options.token,
    name: options.name,
    storage: options.storage ?? memoryStorage(),
  });
  const fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
  return new ConnectedClient({
    url: endpoint.socket,
    WebSocket: options.WebSocket ?? globalThis.WebSocket,
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
    credentials,
    rest: new Rest({ base: endpoint.rest, credentials, fetch }),
  });
}
