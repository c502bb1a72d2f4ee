import { describe, expect, it } from 'vitest';
import { askAgent } from '../../actors/turn-commands.ts';
import { turnId } from '../../src/domain/ids.ts';
import { idOf, recordOf, scene, story } from '../support/agent-scene.ts';
import {
  ada,
  bob,
  joining,
  listen,
  message,
  offer,
  said,
  settled,
} from '../support/test-actors.ts';

describe('the turns of a conversation', () => {
  it('run one at a time, in the order in which they were asked for', async () => {
    const { agent, outlet, ask } = await scene();
    const triggers = [await ask('a'), await ask('b'), await ask('c')];
    expect(agent.asked).toHaveLength(1);
    for (const _ of triggers) {
      agent.last.say('x').done();
      await settled();
    }
    expect(agent.asked.map(({ input }) => input.triggerSeq)).toEqual(triggers);
    expect(story(outlet).filter((word) => word.startsWith('completed'))).toHaveLength(3);
    expect(outlet.of('event').map(({ reply_to }) => reply_to ?? 0)).toEqual([0, 0, 0, 2, 3, 4]);
  });

  it('let people go on talking', async () => {
    const { agent, outlet, ask } = await scene({ settings: { speaks: 'mention' } });
    await ask('@assistant hello');
    agent.last.say('thinking');
    await ask('meanwhile');
    expect(outlet.contents).toEqual(['@assistant hello', 'meanwhile']);
  });

  describe('cancelled', () => {
    it('ends a running turn at once, keeps nothing of it, and stops the agent', async () => {
      const { agent, actor, world, outlet, ask } = await scene();
      await ask('hello');
      agent.last.say('half');
      await settled();
      expect(actor.cancelTurn(turnId(idOf(outlet)))).toBeUndefined();
      await settled();
      agent.last.say(' late').done();
      await world.clock.pass(100);
      expect(story(outlet)).toEqual(['started 1', '"half"', 'cancelled']);
      expect(agent.last.signal.aborted).toBe(true);
      expect(await recordOf(world, actor, idOf(outlet))).toMatchObject({ state: 'cancelled' });
      expect(actor.cancelTurn(turnId(idOf(outlet)))?.reason).toBe('turn_not_found');
    });

    it('ends a queued turn without asking the agent', async () => {
      const { agent, actor, world, outlet, ask } = await scene();
      await ask('a');
      await ask('b');
      const open = await world.store.inner.readOpenTurns(actor.id);
      const queued = open.ok ? open.value.find(({ state }) => state === 'queued') : undefined;
      expect(actor.cancelTurn(queued?.id ?? turnId('none'))).toBeUndefined();
      await settled();
      expect(story(outlet)).toEqual(['started 1', 'cancelled']);
      agent.last.say('x').done();
      await settled();
      expect(agent.asked).toHaveLength(1);
      expect(actor.turns?.open).toBe(0);
    });

    it('is too late once the answer is being committed', async () => {
      const { agent, actor, world, outlet, ask } = await scene();
      await ask('hello');
      world.store.hold('append');
      agent.last.say('x').done();
      await settled();
      expect(actor.cancelTurn(turnId(idOf(outlet)))?.reason).toBe('turn_over');
      world.store.letGo();
      await settled();
      expect(story(outlet)).toEqual(['started 1', '"x"', 'event 3', 'completed 3']);
    });

    it('counts before the agent was asked, too', async () => {
      const { agent, actor, world, outlet, ask } = await scene();
      await ask('a');
      await ask('b');
      world.store.hold('append');
      agent.last.say('x').done();
      await settled();
      world.store.release();
      await settled();
      const open = await world.store.inner.readOpenTurns(actor.id);
      const [turn] = open.ok ? open.value : [];
      expect(actor.cancelTurn(turn?.id ?? turnId('none'))).toBeUndefined();
      world.store.letGo();
      await settled();
      expect(story(outlet)).toEqual(['started 1', '"x"', 'event 4', 'completed 4', 'cancelled']);
      expect(agent.asked).toHaveLength(1);
    });
  });

  describe('while the agent speaks', () => {
    it('are refused, where that is the policy', async () => {
      const { actor, ask } = await scene({ settings: { whileBusy: 'reject' } });
      await ask('a');
      const draft = offer(actor, message(ada, 'b'));
      await settled();
      expect(said(draft)).toBe('turn_in_progress');
    });

    it('end what is being said under interrupt, and keep what was shown as a part', async () => {
      const { agent, world, actor, outlet, ask } = await scene({
        settings: { whileBusy: 'interrupt' },
      });
      await ask('a');
      agent.last.say('half');
      await settled();
      const newest = await ask('b');
      agent.last.say('whole').done();
      await settled();
      expect(story(outlet)).toEqual([
        'started 1',
        '"half"',
        'event 4',
        'superseded 4',
        'started 1',
        '"whole"',
        'event 5',
        'completed 5',
      ]);
      expect(agent.last.input.triggerSeq).toBe(newest);
      const [part, whole] = outlet.of('event').slice(-2);
      expect(part).toMatchObject({ content: 'half', partial: true, reply_to: 2 });
      expect(whole).not.toHaveProperty('partial');
      expect(await recordOf(world, actor, idOf(outlet, 0))).toMatchObject({
        state: 'superseded',
        messageSeq: 4,
      });
    });

    it('end what is being said under rollback, and keep nothing of it', async () => {
      const { agent, outlet, ask } = await scene({ settings: { whileBusy: 'rollback' } });
      await ask('a');
      agent.last.say('half');
      await settled();
      await ask('b');
      agent.last.say('whole').done();
      await settled();
      expect(story(outlet)).toEqual([
        'started 1',
        '"half"',
        'superseded',
        'started 1',
        '"whole"',
        'event 4',
        'completed 4',
      ]);
    });

    it.each(['interrupt', 'rollback'] as const)(
      'leave only the newest of a batch to be answered under %s',
      async (whileBusy) => {
        const { agent, actor, outlet, ask } = await scene({ settings: { whileBusy } });
        await ask('a');
        for (const content of ['b', 'c', 'd']) offer(actor, message(ada, content));
        await settled();
        agent.last.say('x').done();
        await settled();
        expect(agent.asked.map(({ input }) => input.triggerSeq)).toEqual([2, 5]);
        expect(story(outlet)).toEqual([
          'started 1',
          'superseded',
          'started 1',
          '"x"',
          'event 6',
          'completed 6',
        ]);
      },
    );

    it('are answered once, together, when it is quiet again, under debounce', async () => {
      const { agent, world, actor, outlet, ask } = await scene({
        settings: { whileBusy: 'debounce' },
      });
      await actor.post(joining(bob));
      await ask('a');
      await world.clock.pass(400);
      await actor.post(message(bob, 'b'));
      for (const content of ['c', 'd']) offer(actor, message(ada, content));
      await world.clock.pass(499);
      expect(agent.asked).toHaveLength(0);
      await world.clock.pass(1);
      expect(agent.asked.map(({ input }) => input.triggerSeq)).toEqual([6]);
      expect([...agent.last.input.askedBy].sort()).toEqual(['ada', 'bob']);
      agent.last.say('x').done();
      await settled();
      expect(story(outlet).at(-1)).toBe('completed 7');
      expect(actor.turns?.open).toBe(0);
    });

    it('wait for the answer that is being given, and for quiet, under debounce', async () => {
      const { agent, world, ask } = await scene({ settings: { whileBusy: 'debounce' } });
      await ask('a');
      await world.clock.pass(500);
      agent.last.say('half');
      await ask('b');
      await world.clock.pass(500);
      expect(agent.asked).toHaveLength(1);
      agent.last.say(' and half').done();
      await settled();
      expect(agent.asked).toHaveLength(2);
    });

    it('are stored without an answer when too many wait under enqueue, and refused when asked for', async () => {
      const { agent, actor, outlet, ask } = await scene();
      for (const content of ['a', 'b', 'c', 'd', 'e']) await ask(content);
      expect(outlet.contents).toEqual(['a', 'b', 'c', 'd', 'e']);
      expect(actor.turns?.open).toBe(4);
      const asked = await askAgent(actor, { by: ada, agentId: undefined });
      expect(asked.ok ? 'ok' : asked.failure.reason).toBe('turn_queue_full');
      agent.last.say('x').done();
      await settled();
      expect((await askAgent(actor, { by: ada, agentId: undefined })).ok).toBe(true);
    });
  });
});

describe('the readers of a turn', () => {
  it('who come in the middle get all so far, and then what follows', async () => {
    const { agent, actor, world, ask } = await scene();
    await ask('hello');
    agent.last.say('Hel');
    await settled();
    const late = listen(actor, { outlet: world.outlet() });
    agent.last.say('lo').done();
    await settled();
    expect(late.outlet.types).toEqual([
      'live',
      'turn.snapshot',
      'turn.delta',
      'event',
      'turn.ended',
    ]);
    expect(late.outlet.of('turn.snapshot')[0]).toMatchObject({
      text: 'Hel',
      next_index: 1,
      state: 'streaming',
      attempt: 1,
    });
  });

  it('who were behind when it ended hear so after its message, and nothing of it after that', async () => {
    for (let turns = 0; turns < 12; turns += 1) {
      const { agent, actor, world, ask } = await scene();
      await ask('hello');
      agent.last.say('x');
      await settled();
      world.store.hold('readEvents');
      const { outlet } = listen(actor, { outlet: world.outlet(), position: 1 });
      agent.last.done();
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      world.store.letGo();
      await settled();
      const ended = outlet.types.lastIndexOf('turn.ended');
      expect([turns, outlet.types.slice(ended)]).toEqual([
        turns,
        ended === -1 ? [] : ['turn.ended'],
      ]);
      const isTold = outlet.types.includes('turn.snapshot');
      if (isTold) expect(outlet.types.at(-1)).toBe('turn.ended');
      if (ended !== -1) expect(outlet.seqs.at(-1)).toBe(3);
    }
  });
});
