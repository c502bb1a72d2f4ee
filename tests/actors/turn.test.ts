import { describe, expect, it } from 'vitest';
import { AgentFailure } from '../../actors/agent-port.ts';
import { idOf, recordOf, scene, story } from '../support/agent-scene.ts';
import { ada, message, offer, said, settled } from '../support/test-actors.ts';
import type { TestAgent } from '../support/test-agent.ts';

describe('a turn', () => {
  it('is started, streamed, committed and ended, in that order, and its deltas are its content', async () => {
    const { agent, world, actor, outlet, ask } = await scene();
    await ask('hello');
    agent.last.say('Hel', 'lo', ' Ada');
    await world.clock.pass(20);
    agent.last.give({ type: 'usage', usage: { input_tokens: 3, output_tokens: 4 } }).done();
    await settled();
    expect(story(outlet)).toEqual(['started 1', '"Hel"', '"lo Ada"', 'event 3', 'completed 3']);
    expect(outlet.of('turn.delta').map(({ index }) => index)).toEqual([0, 1]);
    expect(outlet.of('event').at(-1)).toMatchObject({
      content: 'Hello Ada',
      reply_to: 2,
      turn_id: idOf(outlet),
      usage: { input_tokens: 3, output_tokens: 4 },
    });
    const record = await recordOf(world, actor, idOf(outlet));
    expect(record).toMatchObject({ state: 'completed', attempt: 1, messageSeq: 3, error: null });
    expect(world.meters.turns.get('completed')?.count).toBe(1);
  });

  it('that another than its agent answered says so in its event', async () => {
    const { agent, outlet, ask } = await scene();
    await ask('hello');
    agent.last.say('Hello').give({ type: 'done', degraded: 'offline' });
    await settled();
    const event = outlet.of('event').at(-1);
    expect(event).toMatchObject({ content: 'Hello', degraded: true, degraded_to: 'offline' });
  });

  it('shows the first token at once, and those after it a few milliseconds at a time', async () => {
    const { agent, world, outlet, ask } = await scene();
    await ask('hello');
    agent.last.say('a');
    await settled();
    expect(story(outlet)).toEqual(['started 1', '"a"']);
    for (const text of 'bcdef') {
      agent.last.say(text);
      await world.clock.pass(3);
    }
    expect(story(outlet)).toEqual(['started 1', '"a"', '"bcde"']);
    await world.clock.pass(10);
    expect(story(outlet).at(-1)).toBe('"f"');
  });

  it('leaves no timer behind', async () => {
    const { agent, world, ask } = await scene();
    const before = world.clock.waiting;
    await ask('hello');
    agent.last.say('a', 'b').done();
    await settled();
    expect(world.clock.waiting).toBe(before);
  });

  it('is written down with the message that asks for it, before the agent is asked', async () => {
    const { agent, world, actor, outlet } = await scene();
    world.store.hold('append');
    const draft = offer(actor, message(ada, 'hello'));
    await settled();
    expect(agent.asked).toHaveLength(0);
    world.store.release();
    await settled();
    expect(said(draft)).toBe('ok 2');
    expect(agent.asked).toHaveLength(1);
    expect(await recordOf(world, actor, idOf(outlet))).toMatchObject({
      state: 'thinking',
      attempt: 1,
    });
  });

  it('that waited for another one is written down by itself, before the agent is asked', async () => {
    const { agent, world, actor, ask } = await scene();
    await ask('a');
    await ask('b');
    world.store.hold('append');
    agent.last.say('x').done();
    await settled();
    world.store.release();
    await settled();
    expect(agent.asked).toHaveLength(1);
    world.store.letGo();
    await settled();
    expect(agent.asked).toHaveLength(2);
    const open = await world.store.inner.readOpenTurns(actor.id);
    expect(open).toMatchObject({ value: [{ state: 'thinking', attempt: 1, triggerSeq: 3 }] });
  });

  it('begins anew when the agent does: readers are told to clear, and only the new text counts', async () => {
    const { agent, world, outlet, ask } = await scene();
    await ask('hello');
    agent.last.say('wrong', ' and').give({ type: 'restarted' }).say('right').done();
    await world.clock.pass(50);
    expect(story(outlet)).toEqual([
      'started 1',
      '"wrong"',
      'started 2',
      '"right"',
      'event 3',
      'completed 3',
    ]);
    expect(outlet.of('turn.delta').map(({ attempt, index }) => [attempt, index])).toEqual([
      [1, 0],
      [2, 0],
    ]);
    expect(outlet.contents.at(-1)).toBe('right');
  });

  it('cuts an answer off at its longest, in one delta or in many, and never through a character', async () => {
    const { agent, outlet, ask } = await scene();
    await ask('one');
    agent.last.say('x'.repeat(5_000)).done();
    await settled();
    expect(outlet.contents.at(-1)).toBe('x'.repeat(2_000));
    await ask('many');
    agent.last.say('y'.repeat(1_999), '🙂 and more', ' and more').done();
    await settled();
    expect(outlet.contents.at(-1)).toBe('y'.repeat(1_999));
    expect(agent.last.signal.aborted).toBe(true);
    const text = outlet.of('turn.delta').map((delta) => delta['text']);
    expect(text.join('')).toBe('x'.repeat(2_000) + 'y'.repeat(1_999));
  });

  it('has its trigger in the history however much was said since, within the limit', async () => {
    const { agent, actor, ask } = await scene({ settings: { speaks: 'mention' } });
    await ask('one');
    await ask('two, @assistant?');
    for (const text of ['three', 'four', 'five']) await actor.post(message(ada, text));
    const texts = async (limit: number) =>
      (await agent.last.input.history(limit)).map(({ body }) => body.content);
    expect(await texts(2)).toEqual(['one', 'two, @assistant?']);
    expect(await texts(1)).toEqual(['two, @assistant?']);
  });

  it('gives the agent the history up to its trigger, and its own answers since, the trigger last', async () => {
    const { agent, outlet, ask } = await scene();
    await ask('first');
    await ask('second');
    await ask('third');
    agent.last.say('to first').done();
    await settled();
    const history = await agent.last.input.history(10);
    expect(history.map(({ body }) => body.content)).toEqual(['first', 'to first', 'second']);
    agent.last.say('to second').done();
    await settled();
    expect(outlet.contents.at(-1)).toBe('to second');
  });
});

describe('a turn that fails', () => {
  it.each([
    ['throws', 'internal', (agent: TestAgent) => agent.last.fail(new Error('secret'))],
    [
      'says why for people',
      'rate_limited',
      (agent: TestAgent) => agent.last.fail(new AgentFailure('rate_limited', 'Later.')),
    ],
    ['stops without an end', 'internal', (agent: TestAgent) => agent.last.stop()],
    ['says nothing', 'agent_unavailable', (agent: TestAgent) => agent.last.done()],
  ] as const)('when the agent %s: ended once, as failed with %s', async (_, reason, act) => {
    const { agent, world, actor, outlet, ask } = await scene();
    await ask('hello');
    act(agent);
    await settled();
    expect(story(outlet)).toEqual(['started 1', 'failed']);
    expect(outlet.of('turn.ended')[0]).toMatchObject({ error: { reason } });
    expect(JSON.stringify(outlet.got)).not.toContain('secret');
    const record = await recordOf(world, actor, idOf(outlet));
    expect(record).toMatchObject({ state: 'failed', error: { reason } });
    await ask('again');
    expect(agent.asked).toHaveLength(2);
  });

  it('keeps nothing of what was streamed when it fails in the middle', async () => {
    const { agent, world, outlet, ask } = await scene();
    await ask('hello');
    agent.last.say('half', ' of it');
    await settled();
    agent.last.fail(new Error('cut'));
    await world.clock.pass(100);
    expect(story(outlet)).toEqual(['started 1', '"half"', 'failed']);
    expect(outlet.contents).toEqual(['hello']);
  });

  it('ends at its deadline with what was shown, also when the agent ignores that, and the next turn runs', async () => {
    const { agent, world, outlet, ask } = await scene();
    await ask('first');
    await ask('second');
    const deaf = agent.last;
    deaf.say('a');
    await world.clock.pass(30_000);
    expect(story(outlet)).toEqual(['started 1', '"a"', 'event 4', 'failed 4', 'started 1']);
    expect(outlet.of('turn.ended')[0]).toMatchObject({ error: { reason: 'agent_unavailable' } });
    expect(deaf.signal.aborted).toBe(true);
    deaf.say('late').done();
    await world.clock.pass(100);
    expect(story(outlet)).toEqual(['started 1', '"a"', 'event 4', 'failed 4', 'started 1']);
    expect(outlet.of('event').at(-1)).toMatchObject({ content: 'a', partial: true });
    expect(deaf.isReturned).toBe(true);
  });
});
