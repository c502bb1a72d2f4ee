import { describe, expect, it } from 'vitest';
import type { ConversationActor } from '../../actors/conversation-actor.ts';
import {
  ada,
  bob,
  deletion,
  edit,
  foreign,
  joining,
  leaving,
  listen,
  message,
  offer,
  person,
  type Reader,
  said,
  settled,
  World,
} from '../support/test-actors.ts';

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}

async function say(actor: ConversationActor, ...contents: string[]): Promise<void> {
  await Promise.all(contents.map((content) => actor.post(message(ada, content))));
}

/** More text than a reader may have unread. */
const LARGE = 'x'.repeat(20_000);

describe('an audience', () => {
  it('gives a reader what it missed and what comes, without a seam, and says once that it is live', async () => {
    const world = new World();
    const actor = await world.room();
    await say(actor, 'a', 'b', 'c');
    world.store.hold('readEvents');
    const { outlet } = listen(actor, { outlet: world.outlet(), position: 1 });
    await say(actor, 'd');
    expect(outlet.got).toEqual([]);
    world.store.release();
    await say(actor, 'e');
    world.store.letGo();
    await settled();
    await say(actor, 'f');
    await settled();
    expect(outlet.contents).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
    expect(outlet.of('live')).toHaveLength(1);
  });

  it('makes a reader at the head live at once', async () => {
    const world = new World();
    const actor = await world.room();
    const { outlet, subscription } = listen(actor, { outlet: world.outlet() });
    expect(subscription.state).toBe('live');
    expect(world.store.countOf('readEvents')).toBe(0);
    await say(actor, 'a');
    expect(outlet.contents).toEqual(['a']);
  });

  it('reads a long log in pages, and a page of large events is a small one', async () => {
    const world = new World({ limits: { outboundBytes: 1e9, mailboxCapacity: 2_000 } });
    const actor = await world.room();
    await say(actor, ...numbers(1, 600).map(String));
    await say(actor, ...numbers(1, 20).map(() => LARGE));
    const before = world.store.countOf('readEvents');
    const { outlet } = listen(actor, { outlet: world.outlet(), position: 0 });
    await settled();
    expect(outlet.seqs).toEqual(numbers(1, 621));
    expect(world.store.countOf('readEvents') - before).toBe(4);
  });

  it('gives nothing after it was left, whatever was under way', async () => {
    const world = new World();
    const actor = await world.room();
    await say(actor, 'a');
    world.store.hold('readEvents');
    const { outlet, subscription } = listen(actor, { outlet: world.outlet(), position: 0 });
    actor.detach(subscription);
    world.store.letGo();
    await say(actor, 'b');
    expect(outlet.got).toEqual([]);
    expect(actor.audience.size).toBe(0);
    expect(actor.audience.isOnline(ada.id)).toBe(false);
  });

  it.each(['none', 'throws'] as const)(
    'closes a reader for whom the log cannot be read (%s), to come back later',
    async (fate) => {
      const world = new World();
      const actor = await world.room();
      await say(actor, 'a');
      world.store.doom('readEvents', fate);
      const { outlet } = listen(actor, { outlet: world.outlet(), position: 0 });
      await settled();
      expect(outlet.closedWith).toEqual(['slow_consumer']);
      expect(world.reports.map(({ event }) => event)).toContain('replay_failed');
    },
  );

  it.each(['none', 'throws'] as const)(
    'leaves the connection of one who left alone when the log then cannot be read (%s)',
    async (fate) => {
      const world = new World();
      const actor = await world.room();
      await say(actor, 'a');
      world.store.hold('readEvents');
      const { outlet, subscription } = listen(actor, { outlet: world.outlet(), position: 0 });
      actor.detach(subscription);
      world.store.release(fate);
      await settled();
      expect(outlet.closedWith).toEqual([]);
    },
  );

  it('leaves the connection of one who was replaying a conversation that was removed alone', async () => {
    const world = new World();
    const actor = await world.room();
    await say(actor, 'a');
    world.store.hold('readEvents');
    const reader = listen(actor, { outlet: world.outlet(), position: 0 });
    await world.registry.remove(actor.id);
    world.store.letGo();
    await settled();
    expect(reader.dismissals.map(({ reason }) => reason)).toEqual(['conversation_not_found']);
    expect(reader.outlet.closedWith).toEqual([]);
  });

  describe('with a reader that is slow', () => {
    it('stops giving at its budget, goes on from the log when it has read, and others see nothing of it', async () => {
      const world = new World();
      const actor = await world.room();
      const slow = listen(actor, { outlet: world.outlet() });
      const quick = listen(actor, { outlet: world.outlet() });
      slow.outlet.pause();
      for (let round = 0; round < 5; round += 1) await say(actor, LARGE, `${round}`);
      expect(slow.subscription.state).toBe('congested');
      expect(world.meters.congested).toBe(1);
      expect(slow.outlet.bufferedBytes()).toBeLessThan(50_000);
      expect(quick.outlet.seqs).toEqual(numbers(2, 11));
      slow.outlet.resume();
      await settled();
      await say(actor, 'last');
      await settled();
      expect(slow.outlet.seqs).toEqual(numbers(2, 12));
      expect(world.meters.congested).toBe(0);
      expect(slow.outlet.of('live')).toHaveLength(1);
    });

    it('gives it a page at a time when it never reads fast enough, and each event once', async () => {
      const world = new World();
      const actor = await world.room();
      const { outlet } = listen(actor, { outlet: world.outlet() });
      outlet.pause();
      for (let round = 0; round < 30; round += 1) await say(actor, LARGE, `${round}`);
      for (let round = 0; round < 60; round += 1) {
        outlet.read();
        await settled();
      }
      outlet.resume();
      expect(outlet.seqs).toEqual(numbers(2, 61));
    });

    it('closes it when it has read nothing for too long, and not before', async () => {
      const world = new World();
      const actor = await world.room();
      const { outlet } = listen(actor, { outlet: world.outlet() });
      outlet.pause();
      await say(actor, LARGE);
      await world.clock.pass(9_000);
      expect(outlet.closedWith).toEqual([]);
      await world.clock.pass(2_100);
      expect(outlet.closedWith[0]).toBe('slow_consumer');
    });

    it('goes on by the sweep when the news of the room was missed', async () => {
      const world = new World();
      const actor = await world.room();
      const { outlet } = listen(actor, { outlet: world.outlet() });
      outlet.pause();
      await say(actor, LARGE, 'after');
      outlet.onDrain = () => {};
      outlet.resume();
      await world.clock.pass(1_100);
      expect(outlet.seqs).toEqual([2, 3]);
    });

    it('counts it no more when it goes while congested', async () => {
      const world = new World();
      const actor = await world.room();
      const { outlet, subscription } = listen(actor, { outlet: world.outlet() });
      outlet.pause();
      await say(actor, LARGE);
      expect(world.meters.congested).toBe(1);
      actor.detach(subscription);
      actor.detach(subscription);
      outlet.resume();
      expect(world.meters.congested).toBe(0);
      expect(actor.audience.size).toBe(0);
    });

    it('goes on when it was congested and had read all within one turn of the event loop', async () => {
      const world = new World({ limits: { outboundBytes: 400 } });
      const actor = await world.room();
      const { outlet, subscription } = listen(actor, { outlet: world.outlet() });
      for (let round = 0; round < 20; round += 1) {
        outlet.pause();
        offer(actor, message(ada, 'y'.repeat(500)));
        for (let turn = 0; turn < round; turn += 1) await Promise.resolve();
        outlet.resume();
        await settled();
        outlet.resume();
        await settled();
        expect([round, subscription.state]).toEqual([round, 'live']);
      }
      expect(outlet.seqs).toEqual(numbers(2, 21));
    });
  });

  describe('when another writer moved the head', () => {
    it('shows everyone what the other wrote, the live and those who are behind', async () => {
      const world = new World();
      const actor = await world.room();
      await say(actor, 'a');
      const live = listen(actor, { outlet: world.outlet() });
      world.store.hold('readEvents');
      const behind = listen(actor, { outlet: world.outlet(), position: 0 });
      await say(actor, 'b');
      await foreign(world, actor, { contents: ['theirs'] });
      const written = say(actor, 'c');
      await settled();
      world.store.letGo();
      await written;
      await say(actor, 'd');
      await settled();
      for (const { outlet } of [live, behind]) expect(outlet.closedWith).toEqual([]);
      expect(live.outlet.contents).toEqual(['b', 'theirs', 'c', 'd']);
      expect(behind.outlet.seqs).toEqual(numbers(1, 6));
    });

    it('shows it also to one who is caught up from what was said meanwhile', async () => {
      const world = new World();
      const actor = await world.room();
      world.store.holdAnswers('readEvents');
      const { outlet } = listen(actor, { outlet: world.outlet(), position: 0 });
      await say(actor, 'a');
      await foreign(world, actor, { contents: ['theirs'] });
      const written = say(actor, 'b');
      await settled();
      // The actor's own reading, and not that of the one who is behind.
      world.store.release(undefined, 1);
      await written;
      world.store.letGo();
      await settled();
      expect(outlet.closedWith).toEqual([]);
      expect(outlet.contents).toEqual([undefined, 'a', 'theirs', 'b']);
    });

    it('gives nothing that the conversation has not seen itself, so that nothing is given twice', async () => {
      const world = new World();
      const actor = await world.room();
      await foreign(world, actor, { contents: ['theirs'] });
      const { outlet } = listen(actor, { outlet: world.outlet(), position: 0 });
      await settled();
      expect(outlet.seqs).toEqual([1]);
      await say(actor, 'a');
      await settled();
      expect(outlet.seqs).toEqual([1, 2, 3]);
    });

    it('reads on for one who has just become live', async () => {
      const world = new World();
      const actor = await world.room();
      await say(actor, 'a');
      for (let turns = 0; turns < 12; turns += 1) {
        const reader = listen(actor, { outlet: world.outlet(), position: 0 });
        for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
        actor.audience.reread(actor.conversation.headSeq);
        await settled();
        expect([turns, reader.subscription.state]).toEqual([turns, 'live']);
        expect(reader.outlet.seqs).toEqual([1, 2]);
        actor.detach(reader.subscription);
      }
    });
  });

  describe('with deletions', () => {
    it('gives one who is behind nothing of what was deleted meanwhile', async () => {
      const world = new World();
      const actor = await world.room();
      await say(actor, 'secret');
      world.store.hold('readEvents');
      const { outlet } = listen(actor, { outlet: world.outlet(), position: 0 });
      await say(actor, 'b');
      await actor.post(edit(ada, 2, 'secret too'));
      await actor.post(deletion(ada, 2));
      await say(actor, 'c');
      world.store.letGo();
      await settled();
      expect(outlet.seqs).toEqual(numbers(1, 6));
      expect(JSON.stringify(outlet.got)).not.toContain('secret');
    });

    it('gives one who is behind nothing of an edit that was deleted in its own batch', async () => {
      const world = new World();
      const actor = await world.room();
      await say(actor, 'a', 'b');
      world.store.holdAnswers('readEvents');
      const { outlet } = listen(actor, { outlet: world.outlet(), position: 2 });
      const drafts = [offer(actor, edit(ada, 2, 'secret')), offer(actor, deletion(ada, 2))];
      await settled();
      expect(drafts.map(said)).toEqual(['ok 4', 'ok 5']);
      world.store.letGo();
      await settled();
      expect(outlet.seqs).toEqual([3, 4, 5]);
      expect(JSON.stringify(outlet.got)).not.toContain('secret');
    });
  });

  describe('of one who leaves', () => {
    it('shows them their own leaving and nothing after it, also in the same batch', async () => {
      const world = new World();
      const actor = await world.room();
      await actor.post(joining(bob));
      const leaver = listen(actor, { outlet: world.outlet(), who: bob });
      const stays = listen(actor, { outlet: world.outlet() });
      offer(actor, message(bob, 'bye'));
      offer(actor, leaving(bob));
      offer(actor, message(ada, 'secret'));
      await settled();
      expect(leaver.outlet.seqs).toEqual([3, 4]);
      expect(leaver.dismissals.map(({ reason }) => reason)).toEqual(['not_a_participant']);
      expect(stays.outlet.seqs).toEqual([3, 4, 5]);
      expect(stays.outlet.of('presence')).toMatchObject([{ participant_id: 'bob', online: false }]);
    });
  });

  it('shows an idempotency key to its sender only, on all of their connections', async () => {
    const world = new World();
    const actor = await world.room();
    await actor.post(joining(bob));
    const own = [1, 2].map(() => listen(actor, { outlet: world.outlet() }));
    const other = listen(actor, { outlet: world.outlet(), who: bob });
    await actor.post(message(ada, 'a', { key: 'k' }));
    const late = listen(actor, { outlet: world.outlet(), position: 2 });
    const lateOther = listen(actor, { outlet: world.outlet(), who: bob, position: 2 });
    await settled();
    const keyOf = ({ outlet }: Reader) => outlet.of('event').at(-1)?.['key'];
    expect([...own, late].map(keyOf)).toEqual(['k', 'k', 'k']);
    expect([other, lateOther].map(keyOf)).toEqual([undefined, undefined]);
  });

  it('tells notices to all the live, but for the connections of whom they are about', async () => {
    const world = new World();
    const actor = await world.room();
    const who = [ada, ada, bob].map((author) =>
      listen(actor, { outlet: world.outlet(), who: author }),
    );
    actor.notify({ kind: 'typing', participantId: ada.id, active: true }, ada.id);
    await settled();
    expect(who.map(({ outlet }) => outlet.of('typing').length)).toEqual([0, 0, 1]);
  });

  it('tells that somebody came with their first connection, and went with their last', async () => {
    const world = new World();
    const actor = await world.room();
    const { outlet } = listen(actor, { outlet: world.outlet() });
    const first = listen(actor, { outlet: world.outlet(), who: bob });
    const second = listen(actor, { outlet: world.outlet(), who: bob });
    actor.detach(first.subscription);
    actor.detach(second.subscription);
    await settled();
    expect(outlet.of('presence').map(({ online }) => online)).toEqual([true, false]);
  });

  it('looks at budgets when much was said without a seq', async () => {
    const world = new World();
    const actor = await world.room();
    const { outlet, subscription } = listen(actor, { outlet: world.outlet() });
    outlet.pause();
    for (let count = 0; count < 400; count += 1) {
      actor.notify({ kind: 'typing', participantId: person(`p${count}`).id, active: true });
    }
    expect(subscription.state).toBe('congested');
    await say(actor, 'a');
    outlet.resume();
    await settled();
    expect(outlet.seqs).toEqual([2]);
  });
});
