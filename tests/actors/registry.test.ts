import { beforeEach, describe, expect, it, vi } from 'vitest';
import { conversationId } from '../../src/domain/ids.ts';
import {
  ada,
  assistant,
  foreign,
  listen,
  message,
  messagesOf,
  offer,
  said,
  settled,
  TURN_LIMITS,
  World,
} from '../support/test-actors.ts';
import { TestAgent } from '../support/test-agent.ts';

const nowhere = conversationId('nowhere');

/** A conversation in the store that no process has awake. */
async function asleep(world: World) {
  const { id } = await world.room();
  return { id, next: new World({ store: world.store, clock: world.clock }) };
}

describe('the registry', () => {
  beforeEach(() => {
    // Half of each wait before a retry is by chance; here all of it is waited.
    vi.spyOn(Math, 'random').mockReturnValue(1);
  });

  it('wakes a conversation once for all who ask at one time, and once only', async () => {
    const { id, next } = await asleep(new World());
    const loads = next.store.countOf('load');
    next.store.hold('load');
    const asked = Array.from({ length: 5 }, () => next.actor(id));
    await settled();
    expect(next.store.countOf('load') - loads).toBe(1);
    next.store.letGo();
    const actors = await Promise.all(asked);
    expect(new Set(actors).size).toBe(1);
    expect(await next.actor(id)).toBe(actors[0]);
    expect(next.store.countOf('load') - loads).toBe(1);
  });

  it('keeps nothing for an id that does not exist', async () => {
    const world = new World();
    const found = await world.registry.get(nowhere);
    expect(found).toMatchObject({ ok: false, failure: { reason: 'conversation_not_found' } });
    expect(world.registry.size).toBe(0);
  });

  it('answers 503 to all who ask while the store is away, and forgets it', async () => {
    const { id, next } = await asleep(new World());
    next.store.doom('load', 'none');
    const asked = await Promise.all([next.registry.get(id), next.registry.get(id)]);
    for (const found of asked) {
      expect(found).toMatchObject({
        failure: { reason: 'storage_unavailable', retryAfterMs: 1_000 },
      });
    }
    expect(next.registry.size).toBe(0);
    expect((await next.registry.get(id)).ok).toBe(true);
  });

  it('survives a store that throws', async () => {
    const { id, next } = await asleep(new World());
    next.store.doom('load', 'throws');
    expect(await next.registry.get(id)).toMatchObject({ ok: false });
    expect(next.registry.size).toBe(0);
    expect((await next.registry.get(id)).ok).toBe(true);
  });

  it('brings a failed conversation back after 100 ms, then 200, up to 5 s', async () => {
    const world = new World();
    const actor = await world.room();
    const started = world.clock.now();
    const tries: number[] = [];
    const load = world.parts.store.load;
    vi.spyOn(world.parts.store, 'load').mockImplementation((id) => {
      tries.push(world.clock.now() - started);
      return load(id);
    });
    world.store.down();
    offer(actor, message(ada, 'a'));
    await world.clock.pass(22_000);
    expect(tries).toEqual([100, 300, 700, 1_500, 3_100, 6_300, 11_300, 16_300, 21_300]);
    world.store.up();
    await world.clock.pass(5_000);
    expect(actor.state).toBe('open.idle');
    world.store.doom('append', 'none');
    offer(actor, message(ada, 'b'));
    await world.clock.pass(99);
    expect(actor.state).toBe('failed');
    await world.clock.pass(2);
    expect(actor.state).toBe('open.idle');
  });

  describe('sweeping', () => {
    it('stops a conversation that was idle long enough, and wakes it again for the next who asks', async () => {
      const world = new World();
      const actor = await world.room();
      await actor.post(message(ada, 'a'));
      await world.clock.pass(59_000);
      expect(world.registry.size).toBe(1);
      await world.clock.pass(2_000);
      expect(world.registry.size).toBe(0);
      expect(actor.state).toBe('passivated');
      const woken = await world.actor(actor.id);
      expect(woken).not.toBe(actor);
      expect(woken.conversation.headSeq).toBe(2);
    });

    it('stops none that somebody listens to, until they go', async () => {
      const world = new World();
      const actor = await world.room();
      const { subscription, dismissals } = listen(actor, { outlet: world.outlet() });
      await world.clock.pass(200_000);
      expect(world.registry.size).toBe(1);
      actor.detach(subscription);
      await world.clock.pass(61_000);
      expect(world.registry.size).toBe(0);
      expect(dismissals).toEqual([]);
    });

    it('stops none with a turn that is open', async () => {
      const agent = new TestAgent();
      const limits = { turns: { ...TURN_LIMITS, deadlineMs: 1e9, maxAnswerChars: 10, deltaMs: 1 } };
      const world = new World({ agent, limits });
      const actor = await world.room({ agent: assistant });
      await actor.post(message(ada, 'a'));
      await world.clock.pass(200_000);
      expect(world.registry.size).toBe(1);
      agent.last.say('x').done();
      await settled();
      await world.clock.pass(62_000);
      expect(world.registry.size).toBe(0);
    });

    it('stops none with a draft on its way', async () => {
      const world = new World();
      const actor = await world.room();
      world.store.hold('append');
      const draft = offer(actor, message(ada, 'a'));
      await world.clock.pass(200_000);
      expect(world.registry.size).toBe(1);
      world.store.letGo();
      await settled();
      expect(said(draft)).toBe('ok 2');
    });

    it('lets a quiet writer rest', async () => {
      const world = new World();
      const actor = await world.room();
      await actor.post(message(ada, 'a'));
      expect(actor.state).toBe('open.writing');
      await world.clock.pass(2_100);
      expect(actor.state).toBe('open.idle');
      await actor.post(message(ada, 'b'));
      expect(actor.state).toBe('open.writing');
    });

    it('answers who still holds a stopped conversation with a 503 to come back at once', async () => {
      const world = new World();
      const actor = await world.room();
      await world.clock.pass(62_000);
      const draft = offer(actor, message(ada, 'a'));
      expect(said(draft)).toBe('overloaded');
      expect(draft.outcomes[0]).toMatchObject({ failure: { retryAfterMs: 1 } });
    });
  });

  describe('with as many live as may be', () => {
    it('makes room by stopping the least recently used that nobody needs', async () => {
      const world = new World({ limits: { maxLive: 3 } });
      const listened = await world.room();
      listen(listened, { outlet: world.outlet() });
      const idle = await world.room();
      await world.clock.pass(5_000);
      const third = await world.room();
      await world.clock.pass(5_000);
      await world.room();
      expect(world.registry.size).toBeLessThanOrEqual(3);
      expect([listened, idle].map(({ state }) => state)).toEqual(['open.idle', 'passivated']);
      expect(third.id).toBeDefined();
    });

    it('answers 503 overloaded when all are needed, and stores nothing', async () => {
      const world = new World({ limits: { maxLive: 2 } });
      for (let count = 0; count < 2; count += 1) {
        listen(await world.room(), { outlet: world.outlet() });
      }
      await world.clock.pass(5_000);
      const found = await world.registry.get(nowhere);
      expect(found).toMatchObject({ failure: { reason: 'overloaded', retryAfterMs: 1_000 } });
      await expect(world.room({}, 'new')).rejects.toThrow('overloaded');
      expect(await world.store.inner.load(conversationId('new'))).toMatchObject({
        value: undefined,
      });
    });

    it('stops none that was asked for a moment ago: who asked has yet to use it', async () => {
      const world = new World({ limits: { maxLive: 1 } });
      const first = await world.room();
      await world.clock.pass(5_000);
      const [kept, refused] = await Promise.all([
        world.registry.get(first.id),
        world.registry.get(nowhere),
      ]);
      expect(kept).toMatchObject({ ok: true });
      expect(refused).toMatchObject({ failure: { reason: 'overloaded' } });
      expect(first.state).toBe('open.idle');
    });
  });

  describe('removing a conversation', () => {
    it('tells who listens to go, answers what waits, and forgets it', async () => {
      const world = new World();
      const actor = await world.room();
      const { dismissals } = listen(actor, { outlet: world.outlet() });
      expect(await world.registry.remove(actor.id)).toMatchObject({ value: true });
      expect(dismissals.map(({ reason }) => reason)).toEqual(['conversation_not_found']);
      expect(said(offer(actor, message(ada, 'a')))).toBe('conversation_not_found');
      expect(world.registry.size).toBe(0);
      expect(await world.registry.remove(actor.id)).toMatchObject({ value: false });
    });

    it('changes nothing when the store does not do it', async () => {
      const world = new World();
      const actor = await world.room();
      world.store.doom('remove', 'none');
      expect(await world.registry.remove(actor.id)).toMatchObject({
        failure: { reason: 'storage_unavailable' },
      });
      const draft = offer(actor, message(ada, 'a'));
      await settled();
      expect(said(draft)).toBe('ok 2');
    });

    it('stops the conversation when another process removed it, at the next write', async () => {
      const world = new World();
      const actor = await world.room();
      const { dismissals } = listen(actor, { outlet: world.outlet() });
      await world.store.inner.remove(actor.id);
      const draft = offer(actor, message(ada, 'a'));
      await settled();
      expect(said(draft)).toBe('conversation_not_found');
      expect(dismissals).toHaveLength(1);
      expect(world.registry.size).toBe(0);
    });

    it('takes one that another process made again under the same id for another conversation', async () => {
      const world = new World();
      const actor = await world.room({}, 'again');
      await actor.post(message(ada, 'a'));
      await actor.post(message(ada, 'b'));
      const { outlet, dismissals } = listen(actor, { outlet: world.outlet() });
      await world.store.inner.remove(actor.id);
      const other = new World({ store: world.store });
      const remade = await other.room({}, 'again');
      await foreign(other, remade, { contents: ['one', 'two', 'three', 'four'] });
      const draft = offer(actor, message(ada, 'c'));
      await settled();
      expect(said(draft)).toBe('overloaded');
      expect(dismissals).toHaveLength(1);
      expect(outlet.contents).toEqual([]);
      const woken = await world.actor(actor.id);
      expect(woken.conversation.epoch).toBe(remade.conversation.epoch);
    });
  });

  describe('draining', () => {
    it('refuses people, commits and acknowledges what was taken, and stops them all', async () => {
      const world = new World();
      const actor = await world.room();
      world.store.hold('append');
      const first = offer(actor, message(ada, 'a'));
      await settled();
      const second = offer(actor, message(ada, 'b'));
      const drained = world.registry.drain(1_000);
      const late = offer(actor, message(ada, 'c'));
      expect(said(late)).toBe('draining');
      expect(await world.registry.get(nowhere)).toMatchObject({ failure: { reason: 'draining' } });
      await expect(world.room()).rejects.toThrow('draining');
      world.store.letGo();
      await drained;
      expect([first, second].map(said)).toEqual(['ok 2', 'ok 3']);
      expect(await messagesOf(world, actor)).toEqual(['a', 'b']);
      expect(world.registry.size).toBe(0);
    });

    it('tells its listeners that it drains', async () => {
      const world = new World();
      const { dismissals } = listen(await world.room(), { outlet: world.outlet() });
      await world.registry.drain(1_000);
      expect(dismissals.map(({ reason }) => reason)).toEqual(['draining']);
    });

    it('lets the agent finish what it says, and commits that', async () => {
      const agent = new TestAgent();
      const world = new World({ agent });
      const actor = await world.room({ agent: assistant });
      const { outlet } = listen(actor, { outlet: world.outlet() });
      await actor.post(message(ada, 'hello'));
      const drained = world.registry.drain(10_000);
      await world.clock.pass(5_000);
      expect(said(offer(actor, message(ada, 'more')))).toBe('draining');
      agent.last.say('answer').done();
      await drained;
      expect(outlet.contents).toEqual(['hello', 'answer']);
      expect(outlet.types.at(-1)).toBe('turn.ended');
    });

    it('commits an answer that was on its way when the time was up', async () => {
      const agent = new TestAgent();
      const world = new World({ agent });
      const actor = await world.room({ agent: assistant });
      await actor.post(message(ada, 'hello'));
      await settled();
      world.store.hold('append');
      agent.last.say('answer').done();
      await settled();
      const drained = world.registry.drain(1_000);
      await world.clock.pass(1_000);
      world.store.letGo();
      await drained;
      expect(await messagesOf(world, actor)).toEqual(['hello', 'answer']);
    });

    it.each(['none', 'lost', 'stored', 'throws'] as const)(
      'ends also when the last append fails (%s), and answers everyone once',
      async (fate) => {
        const world = new World();
        const actor = await world.room();
        world.store.hold('append');
        const drafts = [offer(actor, message(ada, 'a'))];
        await settled();
        drafts.push(offer(actor, message(ada, 'b')));
        const drained = world.registry.drain(1_000);
        await settled();
        world.store.release(fate);
        await drained;
        for (const { outcomes } of drafts) expect(outcomes).toHaveLength(1);
        expect(said(drafts[1] ?? { outcomes: [] })).toMatch(/unavailable|internal/);
      },
    );

    it('ends also when another writer was first, and stores nothing of what it then refuses', async () => {
      const world = new World();
      const actor = await world.room();
      world.store.hold('append');
      const draft = offer(actor, message(ada, 'a'));
      await settled();
      await foreign(world, actor, { contents: ['theirs'] });
      const drained = world.registry.drain(1_000);
      await settled();
      world.store.letGo();
      await drained;
      expect(said(draft)).toBe('draining');
      expect(await messagesOf(world, actor)).toEqual(['theirs']);
    });

    it('does not wait for a conversation that is being read, or is failed', async () => {
      const world = new World();
      const failed = await world.room();
      world.store.doom('append', 'none');
      offer(failed, message(ada, 'a'));
      await settled();
      const { id } = await asleep(new World({ store: world.store }));
      world.store.hold('load');
      const waking = world.registry.get(id);
      await world.registry.drain(1_000);
      expect(await waking).toMatchObject({ failure: { reason: 'draining' } });
      world.store.letGo();
      await settled();
      expect(world.registry.size).toBe(0);
    });

    it('sweeps no more', async () => {
      const world = new World();
      await world.registry.drain(0);
      expect(world.clock.waiting).toBe(0);
    });
  });
});
