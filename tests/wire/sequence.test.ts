import { describe, expect, it } from 'vitest';
import { wholeLog } from '../support/rest-client.ts';
import { useWire } from '../support/wire.ts';

/** With next to no cache, so that what is replayed is read from the store. */
const wires = {
  'in memory': useWire(),
  'on sqlite, without a cache': useWire({
    store: 'sqlite:{dir}/colloquy.db',
    'cache-bytes': 20_000,
    'cache-conversations': 1,
    'idle-ms': 100,
  }),
};

describe.each(Object.entries(wires))('the sequence %s', (_, wire) => {
  it('numbers what many senders send at once 1, 2, 3, … and shows all of them the same log', async () => {
    const { id, people } = await wire.room('Ada', 'Bob', 'Cy', 'Di', 'Eve');
    const acks = await Promise.all(
      people.flatMap(({ name, ws }) =>
        Array.from({ length: 40 }, (_, index) => ws.send(id, `${name} ${index}`)),
      ),
    );
    const head = Math.max(...acks.map(({ seq }) => seq));
    await Promise.all(people.map(({ ws }) => ws.waitForSeq(id, head)));

    const [first, ...others] = people.map(({ ws }) => ws.events(id).slice(-acks.length));
    for (const log of others) expect(log).toEqual(first);
    expect(new Set(acks.map(({ seq }) => seq)).size).toBe(acks.length);
    expect(acks.every(({ duplicate }) => !duplicate)).toBe(true);
    for (const { name, ws } of people) {
      const own = ws.contents(id).filter((content) => content.startsWith(`${name} `));
      expect(own).toEqual(Array.from({ length: 40 }, (_, index) => `${name} ${index}`));
    }
  });

  it('acks with the seq and the time that the event has, on every transport', async () => {
    const { id, people } = await wire.room('Ada', 'Bob');
    const [ada, bob] = people;
    if (!ada || !bob) return expect.unreachable();
    const ack = await ada.ws.send(id, 'hello');
    const event = await bob.ws.waitForSeq(id, ack.seq);
    expect(event).toMatchObject({
      kind: 'message',
      content: 'hello',
      from: { id: ada.id, name: 'Ada', kind: 'human' },
      created_at: ack.created_at,
    });
    const log = await wholeLog(bob.rest, id);
    expect(log.map(({ seq }) => seq)).toEqual(Array.from({ length: ack.seq }, (_, i) => i + 1));
    expect(log.at(-1)).toMatchObject({ event_id: event.event_id, content: 'hello' });
  });

  it('gives the sender its own event on all of its connections', async () => {
    const { id, people } = await wire.room('Ada');
    const ada = people[0];
    if (!ada) return expect.unreachable();
    const phone = await wire.connect({ token: ada.token });
    await phone.joinLive(id);
    const { seq } = await ada.ws.send(id, 'hello');
    const [here, there] = [await ada.ws.waitForSeq(id, seq), await phone.waitForSeq(id, seq)];
    expect(here).toEqual(there);
  });

  it('has no seam between replay and live for those who join anywhere in the middle of a flood', async () => {
    const { id, people } = await wire.room('Ada');
    const ada = people[0];
    if (!ada) return expect.unreachable();
    const flood = Promise.all(
      Array.from({ length: 600 }, async (_, index) => ada.ws.send(id, `message ${index}`)),
    );
    const guests = await Promise.all(
      Array.from({ length: 12 }, async (_, index) => {
        const guest = await wire.person(`Guest ${index}`);
        for (let round = 0; round < 3; round += 1) {
          const { head_seq: head } = await guest.ws.join(id);
          await guest.ws.join(id, { after_seq: Math.floor((head * index) / 12) });
        }
        return guest;
      }),
    );
    await flood;
    const { seq } = await ada.ws.send(id, 'the end');
    await Promise.all(guests.map(({ ws }) => ws.waitForSeq(id, seq)));
    // That each saw its numbers in order, each once, is the witness's to say after the test.
    for (const { ws } of guests) expect(ws.lastSeq(id)).toBeGreaterThanOrEqual(seq);
  });

  it('replays the same events as it gave live', async () => {
    const { id, people } = await wire.room('Ada', 'Bob');
    const [ada, bob] = people;
    if (!ada || !bob) return expect.unreachable();
    await Promise.all(Array.from({ length: 150 }, (_, index) => ada.ws.send(id, `m ${index}`)));
    const { seq } = await ada.ws.send(id, 'last');
    await bob.ws.waitForSeq(id, seq);
    const again = await wire.connect({ token: bob.token });
    await again.joinLive(id, { after_seq: 0 });
    const live = bob.ws.events(id);
    expect(again.events(id).slice(-live.length)).toEqual(live);
  });

  it('goes on at the next number after everybody left and the conversation fell asleep', async () => {
    const { id, people } = await wire.room('Ada');
    const ada = people[0];
    if (!ada) return expect.unreachable();
    const { seq } = await ada.ws.send(id, 'before');
    const { epoch } = await ada.ws.join(id);
    await ada.ws.close();
    // Other conversations take its place in the cache.
    for (let index = 0; index < 5; index += 1) {
      const other = await wire.room('Bob');
      await other.people[0]?.ws.send(other.id, 'x'.repeat(5_000));
    }
    const again = await wire.connect({ token: ada.token });
    const joined = await again.joinLive(id, { after_seq: 0 });
    expect(joined).toMatchObject({ epoch, head_seq: seq });
    expect((await again.send(id, 'after')).seq).toBe(seq + 1);
    await again.waitForSeq(id, seq + 1);
    expect(again.contents(id)).toEqual(['before', 'after']);
  });
});
