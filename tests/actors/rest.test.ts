import { describe, expect, it } from 'vitest';
import { ada, bob, foreign, listen, message, messagesOf, World } from '../support/test-actors.ts';

/** Milliseconds after which a quiet conversation rests, and some. */
const QUIET_MS = 8_000;

describe('a conversation that nobody has used for a while', () => {
  it('is idle, and takes the next message as ever', async () => {
    const world = new World();
    const actor = await world.room();
    await actor.post(message(ada, 'before'));
    await world.clock.pass(QUIET_MS);
    expect(actor.state).toBe('open.idle');
    const outcome = await actor.post(message(ada, 'after'));
    expect(outcome).toMatchObject({ ok: true, value: { seq: 3 } });
    expect(actor.state).toBe('open.writing');
    expect(await messagesOf(world, actor)).toEqual(['before', 'after']);
  });

  it('gives those who listen what comes next', async () => {
    const world = new World();
    const actor = await world.room();
    const { outlet } = listen(actor, { who: bob, outlet: world.outlet() });
    await world.clock.pass(QUIET_MS);
    await actor.post(message(ada, 'hello'));
    expect(outlet.seqs).toEqual([2]);
  });

  it('lets in whoever comes after the last listener left', async () => {
    const world = new World();
    const actor = await world.room();
    const { subscription } = listen(actor, { who: bob, outlet: world.outlet() });
    actor.detach(subscription);
    await world.clock.pass(QUIET_MS);
    const { outlet } = listen(actor, { who: bob, outlet: world.outlet() });
    await actor.post(message(ada, 'hello again'));
    expect(outlet.seqs).toEqual([2]);
  });

  it('is read anew when another writer has been there', async () => {
    const world = new World();
    const actor = await world.room();
    await world.clock.pass(QUIET_MS);
    await foreign(world, actor, { contents: ['from elsewhere'] });
    await actor.lookAnew();
    expect(actor.conversation.headSeq).toBe(2);
  });

  it('comes back when the store was away as it woke', async () => {
    const world = new World();
    const actor = await world.room();
    await world.clock.pass(QUIET_MS);
    world.store.doom('append', 'none');
    expect(await actor.post(message(ada, 'lost'))).toMatchObject({ ok: false });
    await world.clock.pass(1_000);
    expect(await actor.post(message(ada, 'kept'))).toMatchObject({ ok: true });
  });

  it('leaves memory when its time is over', async () => {
    const world = new World();
    const actor = await world.room();
    await world.clock.pass(QUIET_MS);
    expect(world.registry.size).toBe(1);
    await world.clock.pass(60_000);
    expect(actor.state).toBe('passivated');
    expect(world.registry.size).toBe(0);
  });

  it('stops with the process', async () => {
    const world = new World();
    const actor = await world.room();
    await world.clock.pass(QUIET_MS);
    await world.registry.drain(0);
    expect(actor.state).toBe('passivated');
  });
});
