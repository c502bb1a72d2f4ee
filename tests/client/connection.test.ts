import { expect, test } from 'vitest';
import { memoryStorage } from '../../src/client/environment.ts';
import type { ConnectionState } from '../../src/client/index.ts';
import { connect } from '../../src/client/index.ts';
import { scene } from './support.ts';

test('says hello first, as a guest with a name, and is online once welcomed', async () => {
  const { client, server } = scene({ name: 'Ada' });
  expect(server.socket.url).toBe('ws://server.test/v1/ws');
  expect(client.state.kind).toBe('connecting');
  await server.open();
  expect(server.socket.said).toEqual([{ type: 'hello', name: 'Ada' }]);
  await server.welcome();
  expect(client.state.kind).toBe('online');
  expect(client.participant?.name).toBe('Ada');
  expect(client.limits?.max_message_chars).toBe(10_000);
});

test('a guest keeps the token it was given and is the same participant the next time', async () => {
  const storage = memoryStorage();
  const first = scene({ storage });
  await first.server.welcome({ token: 'guest-token' });
  const second = scene({ storage });
  await second.server.open();
  expect(second.server.socket.said).toEqual([{ type: 'hello', token: 'guest-token' }]);
});

test('a kept token that the server no longer takes is dropped, and the guest comes anew at once', async () => {
  const storage = memoryStorage();
  storage.setItem('colloquy.token', 'from another life');
  const { client, server } = scene({ storage, name: 'Ada' });
  await server.open();
  server.refuse({ id: 'x' }, { code: 401, reason: 'bad_token', retryable: false });
  server.socket.end(4401, 'unauthenticated');
  expect(server.sockets).toHaveLength(2);
  await server.open();
  expect(server.socket.said).toEqual([{ type: 'hello', name: 'Ada' }]);
  await server.welcome({ token: 'new' });
  expect(client.state.kind).toBe('online');
  expect(storage.getItem('colloquy.token')).toBe('new');
});

test('a token that was given and refused closes the client with the reason', async () => {
  const { client, server, clock } = scene({ token: 'bad' });
  await server.open();
  server.refuse({ id: 'x' }, { code: 401, reason: 'bad_token', retryable: false });
  server.socket.end(4401, 'unauthenticated');
  expect(client.state).toMatchObject({ kind: 'closed', error: { code: 401, reason: 'bad_token' } });
  await clock.pass(600_000);
  expect(server.sockets).toHaveLength(1);
});

test('a token is asked for anew at every connection', async () => {
  let count = 0;
  const { client, server, clock } = scene({ token: async () => `t${++count}` });
  await server.welcome();
  server.socket.end(4005, 'token_expired');
  expect(client.state).toMatchObject({ kind: 'offline', reason: 'token_expired' });
  await clock.pass(250);
  await server.open();
  expect(server.socket.said).toEqual([{ type: 'hello', token: 't2' }]);
});

test('waits longer after each failure, up to a limit, and not after a connection that lasted', async () => {
  const { client, server, clock } = scene();
  const waits: number[] = [];
  client.on('state', (state) => {
    if (state.kind === 'offline') waits.push(state.retryAtMs - clock.now());
  });
  const fail = async () => {
    server.socket.end();
    await clock.pass(waits.at(-1) ?? 0);
  };
  for (let failure = 0; failure < 8; failure += 1) await fail();
  expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  await server.welcome();
  await fail();
  expect(waits.at(-1)).toBe(1_000);
  await server.welcome();
  await clock.pass(5_000);
  await fail();
  expect(waits.at(-1)).toBe(250);
});

test('does not come back before a draining server asked it to', async () => {
  const { client, server, clock } = scene();
  await server.welcome();
  server.socket.say({ type: 'bye', reason: 'draining', reconnect_after_ms: 7_000 });
  server.socket.end(4001, 'draining');
  expect(client.state).toMatchObject({ kind: 'offline', reason: 'draining' });
  await clock.pass(6_999);
  expect(server.sockets).toHaveLength(1);
  await clock.pass(1);
  expect(server.sockets).toHaveLength(2);
});

test.for([
  [4400, 'protocol_error'],
  [4403, 'forbidden'],
  [4408, 'hello_timeout'],
  [4413, 'frame_too_large'],
  [4429, 'connection_limit'],
] as const)('close %i %s is final until somebody asks again', async ([code, reason]) => {
  const { client, server, clock } = scene();
  await server.welcome();
  server.socket.end(code, reason);
  expect(client.state.kind).toBe('closed');
  await clock.pass(600_000);
  expect(server.sockets).toHaveLength(1);
  client.reconnect();
  expect(server.sockets).toHaveLength(2);
});

test.for([1001, 1006, 1011, 4001, 4002, 4003, 4004, 4005])(
  'close %i is followed by another connection',
  async (code) => {
    const { server, clock } = scene();
    await server.welcome();
    server.socket.end(code);
    await clock.pass(250);
    expect(server.sockets).toHaveLength(2);
  },
);

test('a line gone silent is given up after a heartbeat and a half, and pings go out until then', async () => {
  const { client, server, clock } = scene();
  await server.welcome({ heartbeat_ms: 10_000 });
  await clock.pass(14_999);
  expect(server.socket.heard('ping')).toHaveLength(2);
  expect(client.state.kind).toBe('online');
  await clock.pass(1);
  expect(client.state).toMatchObject({ kind: 'offline', reason: 'heartbeat_timeout' });
});

test('a server that answers pings is kept', async () => {
  const { client, server, clock } = scene();
  await server.welcome({ heartbeat_ms: 10_000 });
  for (let beat = 0; beat < 20; beat += 1) {
    await clock.pass(5_000);
    server.socket.say({ type: 'pong', time: '2026-01-01T00:00:00.000Z' });
  }
  expect(client.state.kind).toBe('online');
  expect(server.sockets).toHaveLength(1);
});

test('a server that never says welcome is given up, and another try is made', async () => {
  const { client, server, clock } = scene();
  await server.open();
  await clock.pass(15_000);
  expect(client.state.kind).toBe('offline');
  await clock.pass(250);
  expect(server.sockets).toHaveLength(2);
});

test('an error without a close is the end of a socket, too', async () => {
  const { client, server, clock } = scene();
  server.socket.emit('error', {});
  await clock.pass(100);
  expect(client.state).toMatchObject({ kind: 'offline', reason: 'unreachable' });
  await clock.pass(250);
  expect(server.sockets).toHaveLength(2);
});

test('what an earlier socket still says is not heard', async () => {
  const { client, server, clock } = scene();
  await server.welcome();
  const old = server.socket;
  old.end();
  await clock.pass(250);
  await server.welcome();
  old.end(4403, 'forbidden');
  expect(client.state.kind).toBe('online');
});

test('close ends it for good, and nothing is tried again', async () => {
  const { client, server, clock } = scene();
  const states: ConnectionState['kind'][] = [];
  client.on('state', ({ kind }) => states.push(kind));
  await server.welcome();
  client.close();
  client.reconnect();
  await clock.pass(600_000);
  expect(states).toEqual(['online', 'closed']);
  expect(server.sockets).toHaveLength(1);
  expect(() => client.join('c')).toThrow('closed');
});

test.for([
  ['https://chat.test', 'wss://chat.test/v1/ws'],
  ['ws://chat.test:8080/v1/ws', 'ws://chat.test:8080/v1/ws'],
  ['http://chat.test/behind/a/proxy/', 'ws://chat.test/behind/a/proxy/v1/ws'],
] as const)('%s is reached at %s', ([url, socket]) => {
  expect(scene({ url }).server.socket.url).toBe(socket);
});

test('what is not an address is a TypeError at once', () => {
  expect(() => connect({ url: 'ftp://chat.test' })).toThrow(TypeError);
  expect(() => connect({ url: 'chat' })).toThrow(TypeError);
});
