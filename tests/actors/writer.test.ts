import { describe, expect, it } from 'vitest';
import { CommitTick } from '../../actors/commit-tick.ts';
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
  messagesOf,
  offer,
  said,
  settled,
  World,
} from '../support/test-actors.ts';

describe('the writer', () => {
  it('has one append in flight; what comes meanwhile is the next batch', async () => {
    const world = new World();
    const actor = await world.room();
    world.store.hold('append');
    const first = [offer(actor, message(ada, 'a')), offer(actor, message(ada, 'b'))];
    await settled();
    const second = [offer(actor, message(ada, 'c')), offer(actor, message(ada, 'd'))];
    await settled();
    expect(world.store.held).toHaveLength(1);
    expect([...first, ...second].map(said)).toEqual(['-', '-', '-', '-']);
    world.store.release();
    await settled();
    expect(first.map(said)).toEqual(['ok 2', 'ok 3']);
    expect(second.map(said)).toEqual(['-', '-']);
    world.store.letGo();
    await settled();
    expect(second.map(said)).toEqual(['ok 4', 'ok 5']);
    expect(
      world.store.appends.map(({ expectedHead, events }) => [expectedHead, events.length]),
    ).toEqual([
      [1, 2],
      [3, 2],
    ]);
  });

  it('writes what comes in several turns, one after the other, as one batch', async () => {
    const due: Array<() => void> = [];
    const tick = new CommitTick(
      (run) => due.push(run),
      () => 0,
    );
    const turn = async () => {
      for (const run of due.splice(0)) run();
      await settled();
    };
    const world = new World({ tick });
    const actor = await world.room();
    const sent = [offer(actor, message(ada, 'a'))];
    await turn();
    sent.push(offer(actor, message(ada, 'b')));
    await turn();
    sent.push(offer(actor, message(ada, 'c')));
    await turn();
    expect(world.store.appends).toHaveLength(0);
    await turn();
    expect(world.store.appends.map(({ events }) => events.length)).toEqual([3]);
    expect(sent.map(said)).toEqual(['ok 2', 'ok 3', 'ok 4']);
  });

  it('answers 429 when the mailbox is full, and stores nothing of it', async () => {
    const world = new World();
    const actor = await world.room();
    world.store.hold('append');
    const first = offer(actor, message(ada, 'in flight'));
    await settled();
    const waiting = Array.from({ length: 8 }, (_, at) => offer(actor, message(ada, `${at}`)));
    const refused = offer(actor, message(ada, 'too many'));
    expect(said(refused)).toBe('mailbox_full');
    expect(refused.outcomes[0]).toMatchObject({ failure: { retryAfterMs: 20 } });
    world.store.letGo();
    await settled();
    expect([first, ...waiting].map(said)).toEqual(
      Array.from({ length: 9 }, (_, at) => `ok ${at + 2}`),
    );
    expect(await messagesOf(world, actor)).not.toContain('too many');
  });

  it('shows an event to nobody before it is durable', async () => {
    const world = new World();
    const actor = await world.room();
    const { outlet } = listen(actor, { outlet: world.outlet() });
    world.store.hold('append');
    offer(actor, message(ada, 'a'));
    await settled();
    expect(outlet.seqs).toEqual([]);
    expect(actor.conversation.headSeq).toBe(1);
    world.store.release();
    await settled();
    expect(outlet.seqs).toEqual([2]);
  });

  describe('when the store does not answer', () => {
    it('answers 503 to the batch and to what waits, stores nothing, and heals by itself', async () => {
      const world = new World();
      const actor = await world.room();
      world.store.hold('append');
      const first = offer(actor, message(ada, 'a'));
      await settled();
      const second = offer(actor, message(ada, 'b'));
      world.store.release('none');
      await settled();
      expect([first, second].map(said)).toEqual(['storage_unavailable', 'storage_unavailable']);
      const whileFailed = offer(actor, message(ada, 'c'));
      expect(said(whileFailed)).toBe('storage_unavailable');
      expect(whileFailed.outcomes[0]).toMatchObject({ failure: { retryAfterMs: 1_000 } });
      world.store.letGo();
      await world.clock.pass(200);
      const later = offer(actor, message(ada, 'd'));
      await settled();
      expect(said(later)).toBe('ok 2');
      expect(await messagesOf(world, actor)).toEqual(['d']);
    });

    it('tries again less and less often while it is away, and keeps its readers', async () => {
      const world = new World();
      const actor = await world.room();
      const { outlet } = listen(actor, { outlet: world.outlet() });
      world.store.down();
      offer(actor, message(ada, 'a'));
      await world.clock.pass(60_000);
      const loads = world.store.countOf('load');
      expect(loads).toBeGreaterThan(12);
      expect(loads).toBeLessThan(35);
      expect(actor.state).toBe('failed');
      world.store.up();
      await world.clock.pass(5_000);
      offer(actor, message(ada, 'b'));
      await settled();
      expect(outlet.contents).toEqual(['b']);
      expect(outlet.closedWith).toEqual([]);
    });

    it('answers nobody in a batch with ok, not even one who asked for what the batch would have made so', async () => {
      const world = new World();
      const actor = await world.room();
      world.store.doom('append', 'none');
      const drafts = [offer(actor, joining(bob)), offer(actor, joining(bob))];
      await settled();
      expect(drafts.map(said)).toEqual(['storage_unavailable', 'storage_unavailable']);
    });

    it('says nothing of a batch before it is stored, not even that it makes a later draft wrong', async () => {
      const world = new World();
      const actor = await world.room();
      await actor.post(joining(bob));
      world.store.hold('append');
      const drafts = [offer(actor, leaving(bob)), offer(actor, message(bob, 'late'))];
      await settled();
      expect(drafts.map(said)).toEqual(['-', '-']);
      world.store.letGo();
      await settled();
      expect(drafts.map(said)).toEqual(['ok 3', 'not_a_participant']);
    });
  });

  describe('when another writer was first', () => {
    it('reads the head again and stores the same drafts after it, in their order', async () => {
      const world = new World();
      const actor = await world.room();
      const { outlet } = listen(actor, { outlet: world.outlet() });
      await foreign(world, actor, { contents: ['theirs', 'and theirs'] });
      const drafts = ['a', 'b', 'c'].map((content) => offer(actor, message(ada, content)));
      await settled();
      expect(drafts.map(said)).toEqual(['ok 4', 'ok 5', 'ok 6']);
      expect(outlet.contents).toEqual(['theirs', 'and theirs', 'a', 'b', 'c']);
    });

    it('does so again and again while the other goes on', async () => {
      const world = new World();
      const actor = await world.room();
      world.store.hold('append');
      const draft = offer(actor, message(ada, 'a'));
      for (let round = 0; round < 5; round += 1) {
        await settled();
        await foreign(world, actor, { contents: [`${round}`] });
        world.store.release();
      }
      world.store.letGo();
      await settled();
      expect(said(draft)).toBe('ok 7');
      expect(await messagesOf(world, actor)).toEqual(['0', '1', '2', '3', '4', 'a']);
    });

    it('judges the drafts anew by what the other did', async () => {
      const world = new World();
      const actor = await world.room();
      await actor.post(joining(bob));
      await foreign(world, actor, {
        contents: ['x'],
        effects: [{ kind: 'member_gone', participantId: bob.id }],
      });
      const draft = offer(actor, message(bob, 'am I here?'));
      await settled();
      expect(said(draft)).toBe('not_a_participant');
    });

    it('refuses to edit what the other deleted meanwhile, and knows what the agent said there', async () => {
      const world = new World();
      const actor = await world.room();
      await actor.post(message(ada, 'a'));
      const other = new World({ store: world.store });
      await (await other.actor(actor.id)).post(deletion(ada, 2));
      const draft = offer(actor, edit(ada, 2, 'late'));
      await settled();
      expect(said(draft)).toBe('deleted');
    });

    it('tells those whom the other removed to go, and shows them nothing more', async () => {
      const world = new World();
      const actor = await world.room();
      await actor.post(joining(bob));
      const gone = listen(actor, { outlet: world.outlet(), who: bob });
      const stays = listen(actor, { outlet: world.outlet(), who: ada });
      await foreign(world, actor, {
        contents: ['x'],
        effects: [{ kind: 'member_gone', participantId: bob.id }],
      });
      await actor.post(message(ada, 'secret'));
      await settled();
      expect(gone.dismissals.map(({ reason }) => reason)).toEqual(['not_a_participant']);
      expect(gone.outlet.contents).not.toContain('secret');
      expect(stays.outlet.contents).toEqual(['x', 'secret']);
    });
  });
});
