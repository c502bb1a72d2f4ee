import { describe, expect, it } from 'vitest';
import { ada, listen, message, offer, said, settled, World } from '../support/test-actors.ts';

describe('the writer, when the conversation is removed', () => {
  it.each(['ok', 'none', 'lost', 'stored', 'throws'] as const)(
    'answers what is in flight and what waits once each, also when the store then says %s',
    async (fate) => {
      const world = new World();
      const actor = await world.room();
      await actor.post(message(ada, 'a', { key: 'k' }));
      world.store.hold('append');
      const drafts = [
        offer(actor, message(ada, 'b')),
        offer(actor, message(ada, 'a', { key: 'k' })),
      ];
      await settled();
      drafts.push(offer(actor, message(ada, 'c')));
      expect(await world.registry.remove(actor.id)).toMatchObject({ ok: true, value: true });
      drafts.push(offer(actor, message(ada, 'd')));
      world.store.release(fate);
      await world.clock.pass(20_000);
      for (const { outcomes } of drafts) expect(outcomes).toHaveLength(1);
      expect(drafts.slice(2).map(said)).toEqual([
        'conversation_not_found',
        'conversation_not_found',
      ]);
      expect(world.registry.size).toBe(0);
    },
  );

  it('answers the rest of a batch whose old receipts were being read', async () => {
    const world = new World();
    const actor = await world.room();
    await actor.post(message(ada, 'a', { key: 'k' }));
    world.store.hold('readEvents');
    const drafts = [offer(actor, message(ada, 'a', { key: 'k' })), offer(actor, message(ada, 'b'))];
    await settled();
    await world.registry.remove(actor.id);
    world.store.letGo();
    await settled();
    for (const { outcomes } of drafts) expect(outcomes).toHaveLength(1);
  });

  it('stays removed when a load of it comes back late', async () => {
    const world = new World();
    const actor = await world.room();
    world.store.doom('append', 'none');
    offer(actor, message(ada, 'a'));
    await settled();
    world.store.hold('readEvents', 'load');
    await world.clock.pass(200);
    expect(actor.state).toBe('loading');
    actor.close();
    world.store.letGo();
    await settled();
    const late = offer(actor, message(ada, 'b'));
    await settled();
    expect(said(late)).toBe('conversation_not_found');
  });
});

describe('the writer, when the store is broken', () => {
  it('shows a batch once that was stored while the conversation was read again', async () => {
    const world = new World();
    const actor = await world.room();
    world.store.holdAnswers('append');
    const draft = offer(actor, message(ada, 'a'));
    await settled();
    actor.crashed(new Error('broken'));
    await world.clock.pass(200);
    const { outlet } = listen(actor, { outlet: world.outlet(), position: 0 });
    world.store.letGo();
    await world.clock.pass(200);
    expect(said(draft)).toBe('ok 2');
    expect(outlet.seqs).toEqual([1, 2]);
  });

  it('answers a batch that throws once, and goes on', async () => {
    const world = new World();
    const actor = await world.room();
    world.store.doom('append', 'throws');
    const draft = offer(actor, message(ada, 'a'));
    await world.clock.pass(200);
    expect(said(draft)).toBe('internal');
    const later = offer(actor, message(ada, 'b'));
    await settled();
    expect(said(later)).toBe('ok 2');
  });

  it('answers once when the old receipt cannot be read for a throw', async () => {
    const world = new World();
    const actor = await world.room();
    await actor.post(message(ada, 'a', { key: 'k' }));
    world.store.doom('readEvents', 'throws');
    const drafts = [offer(actor, message(ada, 'a', { key: 'k' })), offer(actor, message(ada, 'b'))];
    await world.clock.pass(200);
    for (const { outcomes } of drafts) expect(outcomes).toHaveLength(1);
    const later = offer(actor, message(ada, 'c'));
    await settled();
    expect(later.outcomes).toHaveLength(1);
  });
});
