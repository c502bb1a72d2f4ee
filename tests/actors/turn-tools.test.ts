import { describe, expect, it } from 'vitest';
import { afterCrash, idOf, recordOf, scene, story } from '../support/agent-scene.ts';
import { ada, listen, settled } from '../support/test-actors.ts';
import { Begun, call, wordOfPermit } from '../support/turn-tools.ts';

/** A turn in which the agent has been asked, and holds its tools. */
async function asked() {
  const at = await scene();
  await at.ask('hello');
  return { ...at, tools: at.agent.last.input.tools, turn: idOf(at.outlet) };
}

describe('a tool call', () => {
  it('is in the store before it may run, and its result with it', async () => {
    const { tools, world, actor, turn } = await asked();
    world.store.hold('append');
    const begun = new Begun(tools, call('c1', { stepText: 'Let me see.' }));
    await settled();
    expect(begun.word).toBe('-');
    world.store.letGo();
    await settled();
    expect(begun.word).toBe('run');
    const recorded = { callId: 'c1', name: 'search', args: { q: 'c1' }, needsApproval: false };
    expect((await recordOf(world, actor, turn)).steps).toEqual([
      { text: 'Let me see.', calls: [{ ...recorded, state: 'running' }] },
    ]);
    await tools.end('c1', { result: [1], durationMs: 4.6 });
    expect((await recordOf(world, actor, turn)).steps?.[0]?.calls).toEqual([
      { ...recorded, state: 'done', outcome: { result: [1], durationMs: 5 } },
    ]);
  });

  it('is told behind what was said before it, and its result after it', async () => {
    const { agent, tools, outlet } = await asked();
    agent.last.say('a', 'b');
    await settled();
    await tools.begin(call('c1'));
    await tools.end('c1', { result: [1], durationMs: 5 });
    agent.last.say('c').done();
    await settled();
    expect(outlet.types.filter((type) => type.startsWith('turn.'))).toEqual([
      'turn.started',
      'turn.delta',
      'turn.delta',
      'turn.tool_call',
      'turn.tool_result',
      'turn.delta',
      'turn.ended',
    ]);
    expect(outlet.contents.at(-1)).toBe('abc');
    expect(outlet.of('turn.tool_call')[0]).toMatchObject({
      call_id: 'c1',
      name: 'search',
      args: { q: 'c1' },
      needs_approval: false,
    });
    expect(outlet.of('turn.tool_result')[0]).toMatchObject({
      call_id: 'c1',
      name: 'search',
      result: [1],
      duration_ms: 5,
    });
  });

  it('runs once: begun again it waits for what comes of the first', async () => {
    const { tools } = await asked();
    const first = new Begun(tools, call('c1'));
    const second = new Begun(tools, call('c1', { step: 1 }));
    await settled();
    expect([first.word, second.word]).toEqual(['run', '-']);
    await tools.end('c1', { result: 7, durationMs: 1 });
    await tools.end('c1', { result: 8, durationMs: 1 });
    await settled();
    expect(second.word).toBe('known 7');
    expect(wordOfPermit(await tools.begin(call('c1')))).toBe('known 7');
  });

  it('whose turn ends while its result is being stored is ignored', async () => {
    const { agent, tools, world, outlet } = await asked();
    await tools.begin(call('c1'));
    world.store.hold('append');
    const ended = tools.end('c1', { result: 7, durationMs: 1 });
    agent.last.say('x').done();
    await settled();
    world.store.letGo();
    await expect(ended).resolves.toBeUndefined();
    await settled();
    expect(story(outlet).at(-1)).toBe('completed 3');
  });

  it('that the store refused is not written behind the end of its turn', async () => {
    const { agent, tools, world, actor, turn } = await asked();
    world.store.doom('append', 'none');
    const begun = new Begun(tools, call('c1'));
    await settled();
    agent.last.done();
    await world.clock.pass(10_000);
    expect(begun.word).toBe('AbortError');
    const record = await recordOf(world, actor, turn);
    expect(record.state).toBe('failed');
    expect(record.steps).toBeUndefined();
    const open = world.store.appends.flatMap(({ effects }) => effects);
    const written = open.flatMap((effect) => (effect.kind === 'turn' ? [effect.turn] : []));
    expect(written.filter(({ state, steps }) => state === 'failed' && steps !== undefined)).toEqual(
      [],
    );
  });

  it('of many at once each has its place and its own outcome', async () => {
    const { tools, world, actor, turn } = await asked();
    const ids = ['c1', 'c2', 'c3', 'c4'];
    const begun = ids.map((id) => new Begun(tools, call(id)));
    await settled();
    expect(begun.map(({ word }) => word)).toEqual(ids.map(() => 'run'));
    await Promise.all(ids.map((id) => tools.end(id, { result: id, durationMs: 1 })));
    const { steps = [] } = await recordOf(world, actor, turn);
    expect(steps[0]?.calls.map(({ callId, outcome }) => [callId, outcome?.result])).toEqual(
      ids.map((id) => [id, id]),
    );
    await tools.begin(call('d1', { step: 1, stepText: 'then' }));
    const after = await recordOf(world, actor, turn);
    expect(after.steps?.map(({ text, calls }) => [text, calls.length])).toEqual([
      ['', 4],
      ['then', 1],
    ]);
  });

  it('is bounded: arguments, results, errors, and how many there are', async () => {
    const { tools, world, actor, turn } = await asked();
    const long = await tools.begin(call('c0', { args: 'x'.repeat(5_000) }));
    expect(long).toMatchObject({ kind: 'rejected' });
    await tools.begin(call('c1'));
    await tools.end('c1', { result: { all: 'x'.repeat(100_000) }, durationMs: 1 });
    await tools.begin(call('c2'));
    await tools.end('c2', { error: 'y'.repeat(100_000), durationMs: 1 });
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    await tools.begin(call('c3'));
    await tools.end('c3', { result: cycle, durationMs: 1 });
    for (let at = 4; at <= 60; at += 1) await tools.begin(call(`c${at}`));
    const record = await recordOf(world, actor, turn);
    const calls = record.steps?.flatMap((step) => step.calls) ?? [];
    expect(calls).toHaveLength(48);
    expect(String(calls[0]?.outcome?.result)).toHaveLength(8_193);
    expect(calls[1]?.outcome?.error).toHaveLength(1_000);
    expect(calls[2]?.outcome?.error).toBe('the result is no JSON');
    expect(await tools.begin(call('c99'))).toMatchObject({ kind: 'rejected' });
  });

  it('is over with its turn: what waits is thrown, what comes late is thrown away', async () => {
    const { agent, actor, world, outlet, tools, turn } = await asked();
    await tools.begin(call('c1'));
    const waits = new Begun(tools, call('c1'));
    expect(actor.cancelTurn((await recordOf(world, actor, turn)).id)).toBeUndefined();
    await settled();
    expect(waits.word).toBe('AbortError');
    await tools.end('c1', { result: 'late', durationMs: 1 });
    expect(await tools.begin(call('c2')).catch((cause: Error) => cause.name)).toBe('AbortError');
    agent.last.done();
    await settled();
    expect(story(outlet)).toEqual(['started 1', 'cancelled']);
    expect(outlet.of('turn.tool_result')).toEqual([]);
    const record = await recordOf(world, actor, turn);
    expect(record.steps?.[0]?.calls[0]).toMatchObject({
      state: 'done',
      outcome: { error: 'interrupted: it is not known whether it was done' },
    });
  });

  it('leaves nothing in the record of an ended turn that is deleted elsewhere', async () => {
    const { agent, actor, world, tools, turn } = await asked();
    await tools.begin(call('c1', { stepText: 'I look it up.', forgets: true }));
    await tools.end('c1', { result: 'what somebody said', durationMs: 1 });
    await tools.begin(call('c2'));
    await tools.end('c2', { result: 'the time', durationMs: 1 });
    expect(JSON.stringify(await recordOf(world, actor, turn))).toContain('what somebody said');
    agent.last.say('I look it up. Here.').done();
    await settled();
    const record = await recordOf(world, actor, turn);
    expect(JSON.stringify(record)).not.toContain('what somebody said');
    expect(JSON.stringify(record)).not.toContain('look it up');
    expect(record.steps?.[0]?.calls.map(({ outcome }) => outcome)).toEqual([
      { durationMs: 1 },
      { result: 'the time', durationMs: 1 },
    ]);
  });

  it('is too late behind the end of an answer, which leaves no call open', async () => {
    const { agent, actor, world, tools, turn } = await asked();
    const early = new Begun(tools, call('c1', { needsApproval: true }));
    await settled();
    agent.last.say('x').done();
    await settled();
    expect(early.word).toBe('AbortError');
    const late = new Begun(tools, call('c2'));
    await settled();
    expect(late.word).toBe('AbortError');
    const record = await recordOf(world, actor, turn);
    expect(record.state).toBe('completed');
    expect(record.steps?.[0]?.calls).toMatchObject([
      { callId: 'c1', state: 'done', outcome: { error: expect.stringContaining('ended') } },
    ]);
  });

  it('is in the snapshot of who joins in the middle', async () => {
    const { agent, actor, world, tools } = await asked();
    agent.last.say('a');
    await settled();
    await tools.begin(call('c1'));
    await tools.end('c1', { error: 'broken', durationMs: 2 });
    await tools.begin(call('c2', { needsApproval: false }));
    const late = listen(actor, { who: ada, outlet: world.outlet() });
    await settled();
    expect(late.outlet.of('turn.snapshot')[0]).toMatchObject({
      text: 'a',
      tool_calls: [
        { call_id: 'c1', state: 'done', error: 'broken', duration_ms: 2 },
        { call_id: 'c2', state: 'running' },
      ],
    });
  });

  it('waits for a store that is away, and so does its result', async () => {
    const { tools, world, outlet } = await asked();
    world.store.down();
    const begun = new Begun(tools, call('c1'));
    await world.clock.pass(5_000);
    expect(begun.word).toBe('-');
    world.store.up();
    await world.clock.pass(5_000);
    expect(begun.word).toBe('run');
    world.store.down();
    const ended = tools.end('c1', { result: 1, durationMs: 1 });
    await world.clock.pass(5_000);
    expect(outlet.of('turn.tool_result')).toEqual([]);
    world.store.up();
    await world.clock.pass(5_000);
    await ended;
    expect(outlet.of('turn.tool_result')).toHaveLength(1);
  });
});

describe('a turn that a crash cut off', () => {
  it('knows what its calls came to, and never runs one again', async () => {
    const first = await asked();
    const { tools, agent } = first;
    agent.last.say('Let me see. ');
    await settled();
    await tools.begin(call('c1', { stepText: 'Let me see. ' }));
    await tools.end('c1', { result: 'one', durationMs: 1 });
    await tools.begin(call('c2'));
    const next = await afterCrash(first);
    expect(next.agent.last.input.steps).toMatchObject([
      {
        text: 'Let me see. ',
        calls: [
          { callId: 'c1', state: 'done', outcome: { result: 'one' } },
          {
            callId: 'c2',
            state: 'done',
            outcome: { error: expect.stringContaining('interrupted') },
          },
        ],
      },
    ]);
    const second = next.agent.last.input.tools;
    expect(wordOfPermit(await second.begin(call('c1')))).toBe('known "one"');
    expect(wordOfPermit(await second.begin(call('c2')))).toContain('known "interrupted');
    void tools.end('c2', { result: 'late', durationMs: 1 });
    next.agent.last.say('Let me see. Done.').done();
    await settled();
    const record = await recordOf(next.world, next.actor, first.turn);
    expect(record).toMatchObject({ state: 'completed', attempt: 2 });
    expect(record.steps?.[0]?.calls[1]?.outcome?.error).toContain('interrupted');
    expect(next.outlet.types.filter((type) => type.startsWith('turn.'))).toEqual([
      'turn.started',
      'turn.tool_call',
      'turn.tool_result',
      'turn.tool_call',
      'turn.tool_result',
      'turn.delta',
      'turn.ended',
    ]);
  });
});
