import { describe, expect, it } from 'vitest';
import { eventually, within } from '../support/deadline.ts';
import { expectError } from '../support/failures.ts';
import { useWire } from '../support/wire.ts';

const CONNECTIONS = 6;
const wire = useWire({
  'max-message-chars': 100,
  'max-frame-bytes': 2_000,
  'max-participants': 3,
  'max-connections': CONNECTIONS,
});

describe('the length of a message', () => {
  it('may be the limit; one more is 413 message_too_long, and nothing is stored', async () => {
    const { id, people } = await wire.room('Ada', 'Bob');
    const [ada, bob] = people;
    if (!ada || !bob) return expect.unreachable();
    const { seq } = await ada.ws.send(id, 'x'.repeat(100));
    expectError(await ada.ws.trySend(id, 'x'.repeat(101)), 413, 'message_too_long');
    expect(await ada.ws.send(id, 'next')).toMatchObject({ seq: seq + 1 });
    await bob.ws.waitForSeq(id, seq + 1);
    expect(bob.ws.contents(id)).toEqual(['x'.repeat(100), 'next']);
  });

  it('is 413 message_too_long over REST, too', async () => {
    const { id, people } = await wire.room('Ada');
    const ada = people[0];
    if (!ada) return expect.unreachable();
    const { seq } = await ada.ws.send(id, 'fits');
    const path = `/v1/conversations/${id}/messages`;
    const posted = await ada.rest.post(path, { content: 'x'.repeat(101) });
    expect([posted.status, posted.body.reason]).toEqual([413, 'message_too_long']);
    const patched = await ada.rest.patch(`${path}/${seq}`, { content: 'x'.repeat(101) });
    expect([patched.status, patched.body.reason]).toEqual([413, 'message_too_long']);
  });
});

describe('the participants of a conversation', () => {
  it('may be as many as configured; the next is 429 too_many_participants, members still come in', async () => {
    const { id, people } = await wire.room('Ada', 'Bob', 'Cy');
    const [ada, bob] = people;
    const di = await wire.person('Di');
    const refused = await di.ws.ask({ type: 'join', conversation_id: id });
    expectError(refused, 429, 'too_many_participants');
    const again = await wire.connect({ token: bob?.token ?? '' });
    await again.joinLive(id);
    const { seq } = (await ada?.ws.send(id, 'hello')) ?? { seq: 0 };
    await again.waitForSeq(id, seq);
    expect(di.ws.events(id)).toEqual([]);
  });
});

describe('the connections of the server', () => {
  it('may be as many as configured; the next gets 429 too_many_connections and 4429', async () => {
    // Those of the tests before may still be on their way out.
    const inside = await eventually('all connections are free', async () => {
      const all = await Promise.all(
        Array.from({ length: CONNECTIONS }, () => wire.connect().catch(() => undefined)),
      );
      if (all.every((client) => client !== undefined)) return all;
      await Promise.all(all.map((client) => client?.close()));
      return undefined;
    });
    const extra = await wire.connect({ isSilent: true });
    extra.tell({ type: 'hello' });
    expectError(await extra.waitFor('error'), 429, 'too_many_connections');
    expect(await within(extra.closed, 'the close')).toMatchObject({ code: 4429 });
    await Promise.all(inside.map((client) => client.settle()));
    const [first] = inside;
    const conversation = wire.id();
    await first?.joinLive(conversation, { create: true });
    const stream = await wire
      .rest(first?.token)
      .get(`/v1/conversations/${conversation}/events`, { accept: 'text/event-stream' });
    expect([stream.status, stream.body?.reason]).toEqual([429, 'too_many_connections']);
    await inside[0]?.close();
    await eventually('there is room again', () => wire.connect().catch(() => undefined));
  });
});
