import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually, within } from '../support/deadline.ts';
import { expectError } from '../support/failures.ts';
import type { Person } from '../support/wire.ts';
import { useWire } from '../support/wire.ts';
import type { WireClient } from '../support/wire-client.ts';

const wire = useWire();

let bystanders: { id: string; people: Person[] };
let hostile: WireClient;

beforeEach(async () => {
  bystanders = await wire.room('Ada', 'Bob');
  hostile = await wire.connect({ name: 'Mallory' });
});

/** Whatever was done by another: two people talk as before, on the connections they had. */
afterEach(async () => {
  const { id, people } = bystanders;
  const [ada, bob] = people;
  if (!ada || !bob) throw new Error('nobody');
  const { seq } = await ada.ws.send(id, 'still here');
  await bob.ws.waitForSeq(id, seq);
  expect(bob.ws.contents(id)).toEqual(['still here']);
});

/** The error, where there is one, and the close, where there is one; at least one of them. */
function refusal(client: WireClient) {
  const error = client.waitFor('error').then(({ code, reason }) => ({ code, reason }));
  return within(Promise.any([error, client.closed]), 'a refusal');
}

describe('hostile input', () => {
  it('of bad UTF-8 in a text frame is refused or closed', async () => {
    hostile.sendRaw(Buffer.from('{"type":"ping","id":"\xff\xfe\xc3("}', 'latin1'));
    expect([400, 1006, 1007, 4400]).toContain((await refusal(hostile)).code);
  });

  it('of bad UTF-8 inside of a message is never stored', async () => {
    const { id } = bystanders;
    await hostile.joinLive(id);
    const frame = `{"type":"send","id":"q","conversation_id":"${id}","content":"\xc3("}`;
    hostile.sendRaw(Buffer.from(frame, 'latin1'));
    expect([400, 1006, 1007, 4400]).toContain((await refusal(hostile)).code);
  });

  it.each([
    ['of random bytes', Buffer.from([0, 255, 1, 254, 2, 253, 128, 129])],
    ['of 60 KB of zeros', Buffer.alloc(60_000)],
    ['of nothing', Buffer.alloc(0)],
  ])('in a binary frame %s is refused or closed', async (_, bytes) => {
    hostile.sendRaw(bytes, { binary: true });
    expect([400, 1003, 1006, 4400]).toContain((await refusal(hostile)).code);
  });

  it('of 20 MB in one frame closes that connection', async () => {
    hostile.sendRaw('x'.repeat(20_000_000));
    const { code } = await within(hostile.closed, 'the close');
    expect([1006, 1009, 4413]).toContain(code);
  });

  it('of 1,000 invented types is answered 1,000 times, and the connection stays', async () => {
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, (_, index) => hostile.ask({ type: `invented.${index}` })),
    );
    for (const answer of answers) expectError(answer, 400, 'unknown_type');
    await hostile.settle();
  });

  it('of lists nested 20,000 deep is answered, and the connection stays', async () => {
    hostile.sendRaw('['.repeat(20_000) + ']'.repeat(20_000));
    expect(await hostile.waitFor('error')).toMatchObject({ code: 400 });
  });

  it('of objects nested 5,000 deep in a field is answered', async () => {
    const deep = `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`;
    hostile.sendRaw(
      `{"type":"send","id":"q","conversation_id":"${bystanders.id}","content":"x","metadata":${deep}}`,
    );
    expect((await hostile.waitFor('error')).code).toBeLessThan(500);
  });

  it('of __proto__ and constructor fields changes nothing', async () => {
    hostile.sendRaw(
      '{"type":"ping","id":"p","__proto__":{"type":"send","admin":true},"constructor":{"prototype":{"admin":true}}}',
    );
    expect(await hostile.waitFor('pong')).toMatchObject({ id: 'p' });
    hostile.sendRaw('{"__proto__":{"type":"ping"},"id":"q"}');
    expect(await hostile.waitFor('error')).toMatchObject({ code: 400 });
  });

  it('of __proto__ in metadata is stored as data, or not at all', async () => {
    const id = wire.id();
    await hostile.joinLive(id, { create: true });
    hostile.sendRaw(
      `{"type":"send","id":"m","conversation_id":"${id}","content":"x","metadata":{"__proto__":{"polluted":true},"kept":1}}`,
    );
    const answer = await Promise.race([hostile.waitFor('ack'), hostile.waitFor('error')]);
    if (answer.type === 'error') return expect(answer.code).toBe(400);
    expect(await hostile.waitForSeq(id, answer.seq)).toMatchObject({ metadata: { kept: 1 } });
    const fresh = await hostile.send(id, 'y', { metadata: {} });
    const event = await hostile.waitForSeq(id, fresh.seq);
    expect(JSON.stringify(event)).not.toContain('polluted');
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', '..', '~', ':-:'])(
    'as a conversation’s id is an id like any other: %s',
    async (id) => {
      const answer = await hostile.ask({ type: 'join', conversation_id: id });
      expectError(answer, 404, 'conversation_not_found');
      await hostile.joinLive(id, { create: true, after_seq: 0 });
      const { seq } = await hostile.send(id, 'inside', { key: id });
      expect(await hostile.waitForSeq(id, seq)).toMatchObject({ content: 'inside', key: id });
    },
  );

  it('as an id of 128 characters is an id like any other', async () => {
    const id = 'x'.repeat(128);
    await hostile.joinLive(id, { create: true });
    await hostile.send(id, 'inside', { key: id });
  });

  it('as an idempotency key is a key like any other: __proto__', async () => {
    const id = wire.id();
    await hostile.joinLive(id, { create: true });
    const first = await hostile.send(id, 'x', { key: '__proto__' });
    expect(first.duplicate).toBe(false);
    expect(await hostile.send(id, 'x', { key: '__proto__' })).toMatchObject({
      duplicate: true,
      seq: first.seq,
    });
  });

  it.each(["'; DROP TABLE events; --", 'a/../b', 'a\u0000b', 'ünïcode', '<b>', '%2e%2e', 'a b'])(
    'as an id of a conversation is 400 invalid_field: %j',
    async (id) => {
      const answer = await hostile.ask({ type: 'join', conversation_id: id, create: true });
      expectError(answer, 400, 'invalid_field');
    },
  );

  it('of an id of a request that is no id is refused, and not echoed', async () => {
    hostile.sendRaw(JSON.stringify({ type: 'ping', id: { evil: true } }));
    expectError(await hostile.waitFor('error'), 400, 'invalid_field');
    hostile.sendRaw(JSON.stringify({ type: 'ping', id: 'x'.repeat(60_000) }));
    await eventually('a second error', async () => hostile.framesOf('error')[1]);
    expect(JSON.stringify(hostile.framesOf('error')).length).toBeLessThan(5_000);
  });

  it('of hundreds of connections that say nothing or go at once leaves no trace', async () => {
    const clients = await Promise.all(
      Array.from({ length: 200 }, (_, index) => wire.connect({ isSilent: index % 2 === 0 })),
    );
    for (const client of clients) client.terminate();
    await Promise.all(clients.map((client) => within(client.closed, 'the close')));
  });

  it('of a send and an abrupt end at once stores the message once or not at all', async () => {
    const id = wire.id();
    await hostile.joinLive(id, { create: true });
    const again = await wire.connect({ token: hostile.token });
    await again.joinLive(id);
    hostile.tell({ type: 'send', id: 'q', conversation_id: id, content: 'last words', key: 'k' });
    hostile.terminate();
    const ack = await again.send(id, 'last words', { key: 'k' });
    const { seq } = await again.send(id, 'after');
    await again.waitForSeq(id, seq);
    expect(seq).toBe(ack.seq + 1);
    expect(again.contents(id)).toEqual(['last words', 'after']);
  });

  it('over HTTP that is no HTTP is dropped, and the server goes on', async () => {
    const { connect } = await import('node:net');
    const socket = connect(wire.server.port, '127.0.0.1');
    const ended = new Promise<void>((resolve) => {
      socket.on('close', () => resolve());
      socket.on('error', () => resolve());
    });
    socket.on('data', () => {});
    socket.end(Buffer.from('\x16\x03\x01 this is not HTTP \r\n\r\n\r\n', 'latin1'));
    await within(ended, 'the end of the socket');
  });
});
