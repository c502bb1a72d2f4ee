import { describe, expect, it } from 'vitest';
import type { Effect } from '../../storage/store.ts';
import {
  ada,
  assistant,
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
import { TestAgent } from '../support/test-agent.ts';

describe('the writer, when nobody knows whether a batch was stored', () => {
  it('answers ok once it is found in the log, and shows it to the readers once', async () => {
    const world = new World();
    const actor = await world.room();
    const { outlet } = listen(actor, { outlet: world.outlet() });
    world.store.doom('append', 'stored');
    const drafts = [
      offer(actor, message(ada, 'a', { key: 'k' })),
      offer(actor, message(ada, 'b')),
      offer(actor, message(ada, 'a', { key: 'k' })),
    ];
    await settled();
    expect(drafts.map(said)).toEqual(['-', '-', '-']);
    await world.clock.pass(200);
    expect(drafts.map(said)).toEqual(['ok 2', 'ok 3', 'again 2']);
    await actor.post(message(ada, 'c'));
    await settled();
    expect(outlet.seqs).toEqual([2, 3, 4]);
  });

  it('writes a lost batch again, under the same seqs, and answers then', async () => {
    const world = new World();
    const actor = await world.room();
    const { outlet } = listen(actor, { outlet: world.outlet() });
    world.store.doom('append', 'lost', 'lost', 'none');
    const drafts = [offer(actor, message(ada, 'a')), offer(actor, message(ada, 'b'))];
    await world.clock.pass(2_000);
    expect(drafts.map(said)).toEqual(['ok 2', 'ok 3']);
    const later = offer(actor, message(ada, 'c'));
    await settled();
    expect(said(later)).toBe('ok 4');
    expect(outlet.seqs).toEqual([2, 3, 4]);
    expect(await messagesOf(world, actor)).toEqual(['a', 'b', 'c']);
  });

  it('denies no key of such a batch when it is sent again before that', async () => {
    const world = new World();
    const actor = await world.room();
    world.store.doom('append', 'stored', 'none');
    const first = offer(actor, message(ada, 'a', { key: 'k' }));
    await settled();
    const others = [
      offer(actor, message(ada, 'a', { key: 'k' })),
      offer(actor, message(ada, 'b', { key: 'other' })),
      offer(actor, message(ada, 'c')),
    ];
    await settled();
    expect(others.map(said)).toEqual(['internal', 'storage_unavailable', 'storage_unavailable']);
    await world.clock.pass(2_000);
    expect(said(first)).toBe('ok 2');
    const again = offer(actor, message(ada, 'a', { key: 'k' }));
    await settled();
    expect(said(again)).toBe('again 2');
  });

  it('stores a batch once that lands after it was written again', async () => {
    const world = new World();
    const actor = await world.room();
    const { outlet } = listen(actor, { outlet: world.outlet() });
    world.store.doom('append', 'late');
    const draft = offer(actor, message(ada, 'a'));
    await world.clock.pass(200);
    expect(said(draft)).toBe('ok 2');
    await world.store.land();
    const later = offer(actor, message(ada, 'b'));
    await settled();
    expect(said(later)).toBe('ok 3');
    expect(await messagesOf(world, actor)).toEqual(['a', 'b']);
    expect(outlet.contents).toEqual(['a', 'b']);
  });

  it('knows a batch that lands while it is about to be written again', async () => {
    const world = new World();
    const actor = await world.room();
    world.store.doom('append', 'late');
    const draft = offer(actor, message(ada, 'a'));
    await settled();
    world.store.hold('append');
    await world.clock.pass(200);
    expect(said(draft)).toBe('-');
    await world.store.land();
    world.store.letGo();
    await settled();
    expect(said(draft)).toBe('ok 2');
    expect(await messagesOf(world, actor)).toEqual(['a']);
  });

  it('answers 503 only when it can never land: its key is taken', async () => {
    const world = new World();
    const actor = await world.room();
    await actor.post(message(ada, 'a', { key: 'k' }));
    world.store.doom('append', 'late');
    const draft = offer(actor, message(ada, 'a', { key: 'k' }));
    await world.clock.pass(200);
    expect(said(draft)).toBe('storage_unavailable');
    await world.store.land();
    const again = offer(actor, message(ada, 'a', { key: 'k' }));
    await settled();
    expect(said(again)).toBe('again 2');
    expect(await messagesOf(world, actor)).toEqual(['a']);
  });

  it('says that it is not known what became of a batch whose place was trimmed', async () => {
    for (const contents of [['x', 'y'], ['x']]) {
      const world = new World();
      const actor = await world.room();
      world.store.doom('append', 'lost');
      const draft = offer(actor, message(ada, 'a'));
      await settled();
      const effects: Effect[] = [{ kind: 'trimmed', firstSeq: 3 }];
      await foreign(world, actor, { contents, effects });
      await world.clock.pass(200);
      expect(said(draft)).toBe('internal');
    }
  });

  it('writes the record of a turn again, too', async () => {
    const world = new World({ agent: new TestAgent() });
    const actor = await world.room({ agent: assistant });
    world.store.doom('append', 'ok', 'lost');
    await actor.post(message(ada, 'a'));
    await world.clock.pass(500);
    const open = await world.store.inner.readOpenTurns(actor.id);
    expect(open).toMatchObject({ value: [{ state: 'thinking', attempt: 1 }] });
  });

  it('answers 503 when another writer has taken the place', async () => {
    const world = new World();
    const actor = await world.room();
    world.store.doom('append', 'lost');
    const draft = offer(actor, message(ada, 'a'));
    await settled();
    await foreign(world, actor, { contents: ['a'] });
    await world.clock.pass(200);
    expect(said(draft)).toBe('storage_unavailable');
  });

  it('tells the senders that it is not known when the store stays away, and answers once', async () => {
    const world = new World();
    const actor = await world.room();
    world.store.doom('append', 'stored');
    const draft = offer(actor, message(ada, 'a', { key: 'k' }));
    await settled();
    world.store.down();
    await world.clock.pass(15_000);
    expect(said(draft)).toBe('internal');
    world.store.up();
    await world.clock.pass(10_000);
    expect(said(draft)).toBe('internal');
    const again = offer(actor, message(ada, 'a', { key: 'k' }));
    await settled();
    expect(said(again)).toBe('again 2');
  });

  it('tells them so at once when the store has already taken that long to fail', async () => {
    const world = new World();
    const actor = await world.room();
    world.store.hold('append');
    const draft = offer(actor, message(ada, 'a'));
    await world.clock.pass(12_000);
    expect(said(draft)).toBe('-');
    world.store.release('lost');
    world.store.down();
    await world.clock.pass(1_000);
    expect(said(draft)).toBe('internal');
  });

  it('asks again when the log could not be read the first time', async () => {
    const world = new World();
    const actor = await world.room();
    world.store.doom('append', 'stored');
    world.store.doom('readEvents', 'none');
    const draft = offer(actor, message(ada, 'a'));
    await world.clock.pass(1_000);
    expect(said(draft)).toBe('ok 2');
  });

  it('answers once when it gives up while the log is being read', async () => {
    const world = new World();
    const actor = await world.room();
    world.store.doom('append', 'stored');
    world.store.hold('readEvents');
    const draft = offer(actor, message(ada, 'a'));
    await world.clock.pass(15_000);
    expect(said(draft)).toBe('internal');
    world.store.letGo();
    await settled();
    expect(said(draft)).toBe('internal');
    const later = offer(actor, message(ada, 'b'));
    await settled();
    expect(said(later)).toBe('ok 3');
  });

  it('knows a stored batch in which an edit was erased by the deletion after it', async () => {
    const world = new World();
    const actor = await world.room();
    await actor.post(message(ada, 'a'));
    world.store.doom('append', 'stored');
    const drafts = [offer(actor, edit(ada, 2, 'b')), offer(actor, deletion(ada, 2))];
    await world.clock.pass(200);
    expect(drafts.map(said)).toEqual(['ok 3', 'ok 4']);
    const late = offer(actor, edit(ada, 2, 'c'));
    await settled();
    expect(said(late)).toBe('deleted');
  });

  it('lets go of those who left in a batch that turns out to be stored', async () => {
    const world = new World();
    const actor = await world.room();
    await actor.post(joining(bob));
    const { outlet, dismissals } = listen(actor, { outlet: world.outlet(), who: bob });
    world.store.doom('append', 'stored');
    offer(actor, leaving(bob));
    await world.clock.pass(200);
    await actor.post(message(ada, 'secret'));
    await settled();
    expect(dismissals.map(({ reason }) => reason)).toEqual(['not_a_participant']);
    expect(outlet.contents).not.toContain('secret');
  });
});
