import { describe, expect, it } from 'vitest';
import type { ConversationActor } from '../../actors/conversation-actor.ts';
import { fc, runs } from '../support/properties.ts';
import {
  ada,
  bob,
  joining,
  listen,
  message,
  offer,
  person,
  type Reader,
  settled,
  World,
} from '../support/test-actors.ts';
import { TestOutlet } from '../support/test-outlet.ts';

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}

/** `count` readers, each a person of their own. */
function crowd(world: World, actor: ConversationActor, count: number): Reader[] {
  return numbers(1, count).map((at) =>
    listen(actor, { outlet: world.outlet(), who: person(`p${at}`) }),
  );
}

describe('a room too big to write to one by one', () => {
  it('is told by its topic, and sees the same as ever', async () => {
    const world = new World();
    const actor = await world.room();
    const readers = crowd(world, actor, 12);
    offer(actor, message(ada, 'a'));
    offer(actor, message(ada, 'b'));
    await settled();
    offer(actor, message(ada, 'c'));
    await settled();
    await settled();
    for (const { outlet } of readers) expect(outlet.contents).toEqual(['a', 'b', 'c']);
  });

  it('keeps order while it grows past and shrinks below what is written to one by one', async () => {
    const world = new World();
    const actor = await world.room();
    const readers = crowd(world, actor, 2);
    const joins = new Map(readers.map((reader) => [reader, actor.conversation.headSeq + 1]));
    for (const size of [3, 4, 5, 6, 9, 6, 5, 4, 3, 4, 5, 4, 5, 6]) {
      offer(actor, message(ada, 'before'));
      await Promise.resolve();
      while (readers.length > size) {
        const gone = readers.shift();
        if (gone !== undefined) actor.detach(gone.subscription);
      }
      while (readers.length < size) {
        const reader = listen(actor, { outlet: world.outlet() });
        readers.push(reader);
        joins.set(reader, actor.conversation.headSeq + 1);
      }
      offer(actor, message(ada, 'after'));
      await Promise.resolve();
    }
    await settled();
    await settled();
    const head = actor.conversation.headSeq;
    for (const reader of readers) {
      expect(reader.outlet.seqs).toEqual(numbers(joins.get(reader) ?? 0, head));
    }
  });

  it('shows a key to its sender only, in order, on one connection or on many', async () => {
    const world = new World();
    const actor = await world.room();
    await actor.post(joining(bob));
    const crowdReaders = crowd(world, actor, 6);
    const adas = [1, 2, 3].map(() => listen(actor, { outlet: world.outlet(), who: ada }));
    const bobs = [listen(actor, { outlet: world.outlet(), who: bob })];
    for (let count = 0; count < 4; count += 1) {
      offer(actor, message(ada, 'a', { key: `a${count}` }));
      offer(actor, message(bob, 'b', { key: `b${count}` }));
      offer(actor, message(bob, 'no key'));
      if (count % 2 === 0) await settled();
    }
    await settled();
    await settled();
    const head = actor.conversation.headSeq;
    for (const { outlet } of [...crowdReaders, ...adas, ...bobs]) {
      expect(outlet.seqs).toEqual(numbers(3, head));
    }
    const keysOf = ({ outlet }: Reader) =>
      outlet.of('event').flatMap(({ key }) => (key === undefined ? [] : [key]));
    for (const reader of crowdReaders) expect(keysOf(reader)).toEqual([]);
    for (const reader of adas) expect(keysOf(reader)).toEqual(['a0', 'a1', 'a2', 'a3']);
    for (const reader of bobs) expect(keysOf(reader)).toEqual(['b0', 'b1', 'b2', 'b3']);
  });

  it('gives one who speaks their events of a batch in one write', async () => {
    const world = new World();
    const actor = await world.room();
    const readers = crowd(world, actor, 6);
    const own = listen(actor, { outlet: world.outlet(), who: ada });
    await settled();
    const before = own.outlet.writes;
    for (let count = 0; count < 4; count += 1) {
      offer(actor, message(ada, `${count}`, { key: `k${count}` }));
      offer(actor, message(ada, `${count} again`));
    }
    await settled();
    await settled();
    expect(own.outlet.writes - before).toBe(1);
    for (const { outlet } of [own, ...readers]) expect(outlet.seqs).toEqual(numbers(2, 9));
  });

  it('keeps order and keys while ever other people speak, more than are written to one by one', async () => {
    const world = new World({ limits: { maxParticipants: 20, outboundBytes: 2 ** 20 } });
    const actor = await world.room();
    const readers = crowd(world, actor, 14);
    for (const at of numbers(1, 14)) await actor.post(joining(person(`p${at}`)));
    const joined = actor.conversation.headSeq;
    let said = 0;
    for (const [from, to, count] of [
      [1, 8, 8],
      [9, 14, 90],
      [1, 8, 90],
      [5, 11, 90],
    ] as const) {
      for (let at = 0; at < count; at += 1) {
        const name = `p${from + (at % (to - from + 1))}`;
        said += 1;
        offer(actor, message(person(name), name, { key: `k${said}` }));
        if (said % 5 === 0) await settled();
      }
    }
    await settled();
    await settled();
    const head = actor.conversation.headSeq;
    expect(head).toBe(joined + said);
    for (const [index, { outlet }] of readers.entries()) {
      expect(outlet.seqs.slice(-(head - joined))).toEqual(numbers(joined + 1, head));
      for (const { key, content } of outlet.of('event'))
        expect(key !== undefined).toBe(content === `p${index + 1}`);
    }
  });

  it('leaves out of a notice all connections of whom it is about', async () => {
    const world = new World();
    const actor = await world.room();
    const others = crowd(world, actor, 6);
    const own = [1, 2].map(() => listen(actor, { outlet: world.outlet(), who: ada }));
    actor.notify({ kind: 'typing', participantId: ada.id, active: true }, ada.id);
    await settled();
    for (const { outlet } of others) expect(outlet.of('typing')).toHaveLength(1);
    for (const { outlet } of own) expect(outlet.of('typing')).toEqual([]);
  });

  it('writes to connections that have no topics, beside those that have', async () => {
    const world = new World();
    const actor = await world.room();
    const readers = crowd(world, actor, 6);
    const plain = [ada, bob].map((who) => listen(actor, { outlet: new TestOutlet(), who }));
    await actor.post(message(ada, 'a', { key: 'k' }));
    await actor.post(message(ada, 'b'));
    await settled();
    for (const { outlet } of [...readers, ...plain]) expect(outlet.contents).toEqual(['a', 'b']);
    expect(plain.map(({ outlet }) => outlet.of('event')[0]?.['key'])).toEqual(['k', undefined]);
  });

  it('takes a slow one out of the topic and back in, and the others see nothing of it', async () => {
    const world = new World();
    const actor = await world.room();
    const readers = crowd(world, actor, 8);
    const [slow] = readers;
    slow?.outlet.pause();
    for (let count = 0; count < 6; count += 1) {
      offer(actor, message(ada, 'z'.repeat(9_000)));
      await settled();
    }
    expect(slow?.subscription.state).toBe('congested');
    slow?.outlet.resume();
    await settled();
    offer(actor, message(ada, 'last'));
    await settled();
    await settled();
    for (const { outlet } of readers) expect(outlet.seqs).toEqual(numbers(2, 8));
  });

  it('keeps the order for everyone, whoever sends, pauses, comes and goes', async () => {
    const step = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          do: fc.constant('say' as const),
          keyed: fc.boolean(),
          by: fc.nat(1),
        }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('come' as const), by: fc.nat(2) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('go' as const), at: fc.nat(20) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('pause' as const), at: fc.nat(20) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('resume' as const), at: fc.nat(20) }) },
      {
        weight: 2,
        arbitrary: fc.record({ do: fc.constant('turn' as const), whole: fc.boolean() }),
      },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
        const world = new World({ limits: { outboundBytes: 900, mailboxCapacity: 100 } });
        const actor = await world.room();
        const people = [ada, bob, person('cy')];
        for (const who of people.slice(1)) await actor.post(joining(who));
        const readers: Array<{ reader: Reader; from: number }> = [];
        const come = (by: number) =>
          readers.push({
            reader: listen(actor, { outlet: world.outlet(), who: people[by] ?? ada }),
            from: actor.conversation.headSeq + 1,
          });
        for (let count = 0; count < 5; count += 1) come(count % 3);
        for (const [index, one] of steps.entries()) {
          if (one.do === 'say') {
            const key = one.keyed ? `k${index}` : null;
            offer(actor, message(people[one.by] ?? ada, `${index}`, { key }));
          } else if (one.do === 'come') {
            come(one.by);
          } else if (one.do === 'turn') {
            await (one.whole ? settled() : Promise.resolve());
          } else {
            const at = one.at % Math.max(readers.length, 1);
            const { reader } = readers[at] ?? {};
            if (reader === undefined) continue;
            if (one.do === 'pause') reader.outlet.pause();
            else if (one.do === 'resume') reader.outlet.resume();
            else {
              actor.detach(reader.subscription);
              readers.splice(at, 1);
            }
          }
        }
        for (let count = 0; count < 4; count += 1) {
          await settled();
          for (const { reader } of readers) reader.outlet.resume();
        }
        await settled();
        const head = actor.conversation.headSeq;
        for (const { reader, from } of readers) {
          expect(reader.outlet.seqs).toEqual(numbers(from, head));
        }
      }),
      { numRuns: runs(150) },
    );
  });
});
