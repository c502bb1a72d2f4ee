import { describe, expect, it } from 'vitest';
import { decodeBody, isKind } from '../../src/domain/event.ts';
import { turnId } from '../../src/domain/ids.ts';
import { afterCrash, idOf, recordOf, scene, story } from '../support/agent-scene.ts';
import {
  ada,
  bob,
  cy,
  joining,
  listen,
  message,
  settled,
  TURN_LIMITS,
} from '../support/test-actors.ts';
import { Begun, call, decide } from '../support/turn-tools.ts';

/** A turn whose call `c1` waits for somebody. */
async function waiting(options: Parameters<typeof scene>[0] = {}) {
  const at = await scene(options);
  await at.actor.post(joining(bob));
  await at.actor.post(joining(cy, 'observer', ada));
  await at.ask('@assistant hello');
  const { tools } = at.agent.last.input;
  const turn = idOf(at.outlet);
  const begun = new Begun(tools, call('c1', { needsApproval: true }));
  await settled();
  return { ...at, tools, turn, begun };
}

const decisions = (outlet: Awaited<ReturnType<typeof waiting>>['outlet']) =>
  outlet.of('event').filter(({ kind }) => kind === 'turn.decided');

describe('a tool call that needs approval', () => {
  it('waits, and says so, in its turn, its record and its frame', async () => {
    const { begun, actor, world, outlet, turn } = await waiting();
    expect(begun.word).toBe('-');
    expect(outlet.of('turn.tool_call')[0]).toMatchObject({ call_id: 'c1', needs_approval: true });
    expect(actor.turnSnapshots()[0]).toMatchObject({
      state: 'awaiting_approval',
      calls: [{ callId: 'c1', state: 'waiting', needsApproval: true }],
    });
    expect(await recordOf(world, actor, turn)).toMatchObject({ state: 'awaiting_approval' });
  });

  it('runs when anybody who may send approves, whose decision is in the log before that', async () => {
    const { begun, actor, world, outlet, turn, tools, agent } = await waiting();
    world.store.hold('append');
    const decided = decide(actor, turn, { callId: 'c1', by: bob });
    await settled();
    expect(begun.word).toBe('-');
    world.store.letGo();
    expect(await decided).toBe('ok');
    await settled();
    expect(begun.word).toBe('run');
    expect(decisions(outlet)).toMatchObject([
      { from: { id: 'bob', kind: 'human' }, turn_id: turn, call_id: 'c1', decision: 'approve' },
    ]);
    expect(actor.turnSnapshots()[0]?.state).toBe('thinking');
    await tools.end('c1', { result: 1, durationMs: 1 });
    agent.last.say('x').done();
    await settled();
    expect(story(outlet).at(-1)).toMatch(/^completed/);
    const [log] = (await world.log(actor.id)).filter((event) => isKind(event, 'turn.decided'));
    expect(log !== undefined && isKind(log, 'turn.decided') && decodeBody(log)).toEqual({
      turn_id: turn,
      call_id: 'c1',
      decision: 'approve',
    });
  });

  it('is not done when somebody rejects it, and the model reads why', async () => {
    const { begun, actor, world, outlet, turn } = await waiting();
    const no = { callId: 'c1', verdict: 'reject', reason: 'too dear' } as const;
    expect(await decide(actor, turn, no)).toBe('ok');
    await settled();
    expect(begun.word).toBe('rejected rejected by a person: too dear');
    expect(outlet.of('turn.tool_result')).toMatchObject([
      { call_id: 'c1', error: 'rejected by a person: too dear' },
    ]);
    expect((await recordOf(world, actor, turn)).steps?.[0]?.calls[0]).toMatchObject({
      state: 'done',
      decision: { by: 'ada', verdict: 'reject', reason: 'too dear' },
      outcome: { error: 'rejected by a person: too dear' },
    });
  });

  it('is not done when nobody decides in time', async () => {
    const { begun, actor, world, outlet, turn } = await waiting();
    await world.clock.pass(60_000 - 1);
    expect(begun.word).toBe('-');
    await world.clock.pass(1);
    expect(begun.word).toContain('rejected nobody decided in time');
    expect(outlet.of('turn.tool_result')).toHaveLength(1);
    expect(decisions(outlet)).toEqual([]);
    expect(await decide(actor, turn, { callId: 'c1' })).toBe('already_exists');
  });

  it('is decided once: of two at the same time, and of two one after the other', async () => {
    const { actor, outlet, turn } = await waiting();
    const both = await Promise.all([
      decide(actor, turn, { callId: 'c1', by: bob }),
      decide(actor, turn, { callId: 'c1', by: ada, verdict: 'reject' }),
    ]);
    expect(both).toEqual(['ok', 'already_exists']);
    expect(await decide(actor, turn, { callId: 'c1' })).toBe('already_exists');
    expect(decisions(outlet)).toHaveLength(1);
  });

  it('answers the same decision with the same key as it did before, also after its turn', async () => {
    const { actor, agent, outlet, turn } = await waiting();
    const same = { callId: 'c1', key: 'k' };
    expect(await decide(actor, turn, same)).toBe('ok');
    expect(await decide(actor, turn, same)).toBe('ok');
    expect(await decide(actor, turn, { ...same, verdict: 'reject' })).toBe('already_exists');
    agent.last.say('x').done();
    await settled();
    expect(await decide(actor, turn, same)).toBe('ok');
    expect(decisions(outlet)).toHaveLength(1);
  });

  it('is for who may send: not for observers, nor strangers', async () => {
    const { begun, actor, turn } = await waiting();
    expect(await decide(actor, turn, { callId: 'c1', by: cy })).toBe('forbidden');
    const stranger = { ...ada, id: turnId('eve') as unknown as typeof ada.id };
    expect(await decide(actor, turn, { callId: 'c1', by: stranger })).toBe('not_a_participant');
    expect(begun.word).toBe('-');
  });

  it('is not found under another id, in another turn, and over with its turn', async () => {
    const { begun, actor, agent, turn } = await waiting();
    expect(await decide(actor, turn, { callId: 'other' })).toBe('not_found');
    expect(await decide(actor, 't_none', { callId: 'c1' })).toBe('turn_not_found');
    agent.last.say('x').done();
    await settled();
    expect(await decide(actor, turn, { callId: 'c1' })).toBe('turn_over');
    expect(begun.word).toBe('AbortError');
  });

  it("can't be decided any more while the end of its turn is being stored", async () => {
    const { actor, agent, world, turn, outlet } = await waiting();
    world.store.hold('append');
    agent.last.say('x').done();
    await settled();
    expect(await decide(actor, turn, { callId: 'c1' })).toBe('turn_over');
    world.store.letGo();
    await settled();
    expect(story(outlet).at(-1)).toBe('completed 5');
    expect(decisions(outlet)).toEqual([]);
  });

  it('holds up nobody but its turn: people talk, and the deadline stands still', async () => {
    const limits = { turns: { ...TURN_LIMITS, approvalMs: 3_600_000 } };
    const { begun, actor, agent, world, outlet, turn, tools } = await waiting({
      limits,
      settings: { speaks: 'mention' },
    });
    await world.clock.pass(1_000_000);
    expect((await actor.post(message(bob, 'meanwhile'))).ok).toBe(true);
    expect(outlet.contents.at(-1)).toBe('meanwhile');
    expect(await decide(actor, turn, { callId: 'c1' })).toBe('ok');
    await settled();
    expect(begun.word).toBe('run');
    await tools.end('c1', { result: 1, durationMs: 1 });
    await world.clock.pass(29_999);
    expect(story(outlet)).toEqual(['started 1']);
    agent.last.say('x');
    await world.clock.pass(1);
    expect(story(outlet).at(-1)).toMatch(/^failed/);
  });

  it('goes away with a turn that is cancelled or superseded', async () => {
    const { begun, actor, outlet, world, turn } = await waiting();
    expect(actor.cancelTurn(turnId(turn))).toBeUndefined();
    await settled();
    expect(begun.word).toBe('AbortError');
    expect(story(outlet)).toEqual(['started 1', 'cancelled']);
    expect(await decide(actor, turn, { callId: 'c1' })).toBe('turn_over');
    expect(world.clock.waiting).toBe(new Set([world.registry]).size);
  });

  it('is refused like a message when the store is away, and can be decided after that', async () => {
    const { begun, actor, world, turn } = await waiting();
    world.store.doom('append', 'none');
    expect(await decide(actor, turn, { callId: 'c1' })).toBe('storage_unavailable');
    expect(begun.word).toBe('-');
    await world.clock.pass(2_000);
    expect(await decide(actor, turn, { callId: 'c1' })).toBe('ok');
    await settled();
    expect(begun.word).toBe('run');
  });

  it('lets a process end that others want to end', async () => {
    const { world, outlet, begun } = await waiting();
    await world.registry.drain(600_000);
    expect(story(outlet)).toEqual(['started 1']);
    await settled();
    expect(begun.word).toBe('AbortError');
  });
});

describe('a crash while people are asked', () => {
  it('keeps the call waiting, for as long as it would have, and is not held against the turn', async () => {
    const first = await waiting();
    await first.world.clock.pass(20_000);
    const crashed = [await afterCrash(first)];
    for (let times = 0; times < 3; times += 1) {
      const { actor, world, agent, outlet } = crashed.at(-1) ?? expect.unreachable();
      new Begun(agent.last.input.tools, call('c1', { needsApproval: true }));
      await settled();
      expect(outlet.of('turn.tool_call')[0]).toMatchObject({ call_id: 'c1', needs_approval: true });
      await world.clock.pass(10_000);
      crashed.push(await afterCrash({ actor, world }));
    }
    const { actor, world, agent, outlet } = crashed.at(-1) ?? expect.unreachable();
    expect(agent.last.input.steps[0]?.calls[0]?.state).toBe('waiting');
    const again = new Begun(agent.last.input.tools, call('c1', { needsApproval: true }));
    await world.clock.pass(9_999);
    expect(again.word).toBe('-');
    await world.clock.pass(1);
    expect(again.word).toContain('nobody decided');
    agent.last.say('x').done();
    await settled();
    expect(story(outlet)).toEqual(['started 5', '"x"', 'event 5', 'completed 5']);
    expect(await recordOf(world, actor, first.turn)).toMatchObject({ patientAttempts: 4 });
  });

  it('runs once what was approved before it and not yet begun', async () => {
    const first = await waiting();
    await first.tools.begin(call('c0', { step: 1 }));
    first.world.store.doom('append', 'ok', 'none');
    expect(await decide(first.actor, first.turn, { callId: 'c1' })).toBe('ok');
    await settled();
    expect(first.begun.word).toBe('-');
    const next = await afterCrash(first);
    const calls = next.agent.last.input.steps.flatMap((step) => step.calls);
    expect(calls.map(({ state }) => state)).toEqual(['waiting', 'done']);
    const again = new Begun(next.agent.last.input.tools, call('c1', { needsApproval: true }));
    await settled();
    expect(again.word).toBe('run');
  });

  it('can be decided before the agent has begun again', async () => {
    const first = await waiting();
    const { actor, agent } = await afterCrash(first);
    expect(await decide(actor, first.turn, { callId: 'c1' })).toBe('ok');
    const again = new Begun(agent.last.input.tools, call('c1', { needsApproval: true }));
    await settled();
    expect(again.word).toBe('run');
  });
});

describe('who comes while a call waits', () => {
  it('sees it, and what was said', async () => {
    const { actor, world, agent } = await waiting();
    agent.last.say('half');
    await settled();
    const late = listen(actor, { who: bob, outlet: world.outlet() });
    await settled();
    expect(late.outlet.of('turn.snapshot')[0]).toMatchObject({
      state: 'awaiting_approval',
      text: 'half',
      tool_calls: [{ call_id: 'c1', needs_approval: true, state: 'waiting' }],
    });
  });
});
