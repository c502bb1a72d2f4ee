import { describe, expect, it } from 'vitest';
import { idOf, recordOf, scene, story } from '../support/agent-scene.ts';
import {
  ada,
  listen,
  message,
  offer,
  said,
  settled,
  TURN_LIMITS,
  World,
} from '../support/test-actors.ts';
import { TestAgent } from '../support/test-agent.ts';

describe('a turn whose store is away', () => {
  it('waits for the store to commit its answer, stores it once, and is not failed', async () => {
    const { agent, world, outlet, ask } = await scene();
    await ask('hello');
    world.store.down();
    agent.last.say('x').done();
    await world.clock.pass(5_000);
    expect(story(outlet)).toEqual(['started 1', '"x"']);
    world.store.up();
    await world.clock.pass(5_000);
    expect(story(outlet)).toEqual(['started 1', '"x"', 'event 3', 'completed 3']);
  });

  it('waits for the store to begin, when it waited for another one', async () => {
    const { agent, world, outlet, ask } = await scene();
    await ask('a');
    await ask('b');
    world.store.doom('append', 'ok', 'none', 'none');
    agent.last.say('x').done();
    await world.clock.pass(5_000);
    agent.last.say('y').done();
    await settled();
    expect(story(outlet).slice(4)).toEqual(['started 1', '"y"', 'event 5', 'completed 5']);
  });

  it('does not end before its end is durable', async () => {
    const { agent, actor, world, outlet, ask } = await scene();
    await ask('hello');
    world.store.down();
    agent.last.fail(new Error('broken'));
    await world.clock.pass(3_000);
    expect(story(outlet)).toEqual(['started 1']);
    world.store.up();
    await world.clock.pass(5_000);
    expect(story(outlet)).toEqual(['started 1', 'failed']);
    expect(await recordOf(world, actor, idOf(outlet))).toMatchObject({ state: 'failed' });
  });

  it('waits for as long as the store is away, and its end is told when it is durable', async () => {
    const limits = {
      turns: { ...TURN_LIMITS, deadlineMs: 3_600_000, maxAnswerChars: 2_000, deltaMs: 10 },
    };
    for (const isAnswer of [true, false]) {
      const { agent, actor, world, outlet, ask } = await scene({ limits });
      await ask('hello');
      agent.last.say('x');
      await settled();
      world.store.down();
      if (isAnswer) agent.last.done();
      else agent.last.fail(new Error('broken'));
      await world.clock.pass(600_000);
      expect(story(outlet)).toEqual(['started 1', '"x"']);
      world.store.up();
      await world.clock.pass(10_000);
      const end = isAnswer ? ['event 3', 'completed 3'] : ['failed'];
      expect(story(outlet)).toEqual(['started 1', '"x"', ...end]);
      const state = isAnswer ? 'completed' : 'failed';
      expect(await recordOf(world, actor, idOf(outlet))).toMatchObject({ state });
    }
  });

  it('is ended in the store, too, when it was cancelled in the queue meanwhile', async () => {
    const { agent, actor, world, ask } = await scene();
    await ask('one');
    await ask('two');
    const open = await world.store.inner.readOpenTurns(actor.id);
    const queued = open.ok ? open.value[1] : undefined;
    if (queued === undefined) return expect.unreachable();
    world.store.down();
    expect(actor.cancelTurn(queued.id)).toBeUndefined();
    agent.last.say('x').done();
    await world.clock.pass(25_000);
    expect(actor.turns?.hasWork).toBe(true);
    world.store.up();
    await world.clock.pass(10_000);
    expect(await recordOf(world, actor, queued.id)).toMatchObject({ state: 'cancelled' });
    expect(actor.turns?.hasWork).toBe(false);
  });

  it('is given up, and waits no longer, when its process stops', async () => {
    const { agent, world, outlet, ask } = await scene();
    await ask('hello');
    world.store.down();
    agent.last.fail(new Error('broken'));
    await world.clock.pass(3_000);
    const stopped = world.registry.drain(1_000);
    await world.clock.pass(1_000);
    await stopped;
    await world.clock.pass(60_000);
    expect(story(outlet)).toEqual(['started 1']);
    expect(world.clock.waiting).toBe(0);
  });

  it('is not failed when its answer turns out to be stored after all', async () => {
    const { agent, actor, world, outlet, ask } = await scene();
    await ask('hello');
    world.store.doom('append', 'stored');
    agent.last.say('x').done();
    await settled();
    world.store.down();
    await world.clock.pass(14_000);
    world.store.up();
    await world.clock.pass(10_000);
    expect(story(outlet)).toEqual(['started 1', '"x"', 'event 3', 'completed 3']);
    expect(await recordOf(world, actor, idOf(outlet))).toMatchObject({ state: 'completed' });
  });

  it('is run when its message turns out to be stored after all', async () => {
    const { agent, actor, world, outlet } = await scene();
    world.store.doom('append', 'stored');
    const draft = offer(actor, message(ada, 'hello'));
    await world.clock.pass(200);
    expect(said(draft)).toBe('ok 2');
    agent.last.say('x').done();
    await settled();
    expect(story(outlet)).toEqual(['started 1', '"x"', 'event 3', 'completed 3']);
  });
});

describe('a turn cut off by the end of its process', () => {
  async function crashed(attempts: number) {
    const first = await scene();
    await first.ask('hello');
    first.agent.last.say('half');
    await settled();
    let { world } = first;
    const agent = new TestAgent();
    for (let attempt = 1; attempt < attempts; attempt += 1) {
      world = new World({
        store: first.world.store,
        clock: first.world.clock,
        agent: new TestAgent(),
      });
      await world.registry.recoverTurns();
      await settled();
    }
    const next = new World({ store: first.world.store, clock: first.world.clock, agent });
    const actor = await next.actor(first.actor.id);
    const { outlet } = listen(actor, { outlet: next.outlet() });
    await next.registry.recoverTurns();
    await next.actor(first.actor.id);
    await settled();
    return { agent, actor, outlet, next };
  }

  it('runs again after the restart, as its second attempt, once', async () => {
    const { agent, outlet } = await crashed(1);
    expect(agent.asked).toHaveLength(1);
    agent.last.say('whole').done();
    await settled();
    expect(story(outlet)).toEqual(['started 2', '"whole"', 'event 3', 'completed 3']);
  });

  it('is failed, not run a third time, when that was cut off too', async () => {
    const { agent, actor, outlet, next } = await crashed(2);
    expect(agent.asked).toHaveLength(0);
    expect(story(outlet)).toEqual(['failed']);
    expect(outlet.of('turn.ended')[0]).toMatchObject({ error: { reason: 'agent_unavailable' } });
    const open = await next.store.inner.readOpenTurns(actor.id);
    expect(open).toMatchObject({ value: [] });
  });

  it('does not run twice when people come while it is looked for', async () => {
    const first = await scene();
    await first.ask('old');
    const agent = new TestAgent();
    const { store, clock } = first.world;
    const next = new World({ store, clock, agent });
    store.hold('readOpenTurns');
    const recovered = next.registry.recoverTurns();
    await settled();
    const actor = await next.actor(first.actor.id);
    await actor.post(message(ada, 'new'));
    await settled();
    store.letGo();
    await recovered;
    for (let turn = 0; turn < 4; turn += 1) {
      await settled();
      if (actor.turns?.open === 0) break;
      agent.last.say('x').done();
    }
    await settled();
    expect(agent.asked.map(({ input }) => input.triggerSeq).sort()).toEqual([2, 3]);
  });

  it('writes and tells nothing at the end: the next process finds the turns as they are', async () => {
    const { agent, actor, world, outlet, ask } = await scene();
    await ask('a');
    await ask('b');
    agent.last.say('half');
    await settled();
    const drained = world.registry.drain(1_000);
    await world.clock.pass(1_000);
    await drained;
    agent.last.say('late').done();
    await settled();
    expect(story(outlet)).toEqual(['started 1', '"half"']);
    const open = await world.store.inner.readOpenTurns(actor.id);
    expect(open.ok && open.value.map(({ state }) => state)).toEqual(['thinking', 'queued']);
  });
});
