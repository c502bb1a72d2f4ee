import { describe, expect, it } from 'vitest';
import { idOf, recordOf, scene, story } from '../support/agent-scene.ts';
import { ControlledStore } from '../support/controlled-store.ts';
import { SimulatedClock } from '../support/simulated-clock.ts';
import { ada, listen, settled, TURN_LIMITS, World } from '../support/test-actors.ts';
import { TestAgent } from '../support/test-agent.ts';
import { Begun, call } from '../support/turn-tools.ts';

const LOOK_MS = 5_000;
const ABANDONED_MS = 20_000;

/** Servers of one store and one time; the first has a conversation with a turn that runs. */
async function servers() {
  const store = new ControlledStore();
  store.isShared = true;
  const clock = new SimulatedClock();
  const limits = {
    turns: { ...TURN_LIMITS, deadlineMs: 600_000, maxAnswerChars: 2_000, deltaMs: 10 },
  };
  const first = await scene({ store, clock, limits });
  await first.world.registry.recoverTurns();
  await first.ask('hello');
  first.agent.last.say('half');
  await settled();
  const server = async () => {
    const agent = new TestAgent();
    const world = new World({ store, clock, agent, limits });
    await world.registry.recoverTurns();
    return { agent, world };
  };
  const turn = () => recordOf(first.world, first.actor, idOf(first.outlet));
  return { store, clock, first, server, turn };
}

/** The process is gone: nothing of it looks, renews or writes any more. */
async function kill(world: World, agent: TestAgent): Promise<void> {
  const gone = world.registry.drain(0);
  await world.clock.pass(0);
  await gone;
  expect(agent.asked.every(({ signal }) => signal.aborted)).toBe(true);
}

describe('turns on a store that is shared', () => {
  it('are left to the server that runs them, however long they take', async () => {
    const { clock, first, server } = await servers();
    const second = await server();
    await clock.pass(10 * ABANDONED_MS);
    expect(second.agent.asked).toEqual([]);
    expect(first.agent.asked).toHaveLength(1);
    first.agent.last.say(' and whole').done();
    await settled();
    expect(story(first.outlet).slice(-2)).toEqual(['event 3', 'completed 3']);
    await clock.pass(10 * ABANDONED_MS);
    expect(second.agent.asked).toEqual([]);
  });

  it('are left to the server in whose queue they wait', async () => {
    const { clock, first, server } = await servers();
    await first.ask('and another');
    const second = await server();
    await clock.pass(10 * ABANDONED_MS);
    expect(second.agent.asked).toEqual([]);
    first.agent.last.done();
    await settled();
    expect(first.agent.asked).toHaveLength(2);
    first.agent.last.say('b').done();
    await settled();
    expect(story(first.outlet).filter((word) => word.startsWith('completed'))).toHaveLength(2);
  });

  it('cost no write beyond their own when they end soon', async () => {
    const { store, clock, first } = await servers();
    await clock.pass(LOOK_MS - 1);
    const writes = store.appends.length;
    first.agent.last.done();
    await clock.pass(10 * LOOK_MS);
    expect(store.appends.length).toBe(writes + 1);
  });

  it('of a server that is gone are taken by another, as the next attempt, once', async () => {
    const { clock, first, server, turn, store } = await servers();
    const others = [await server(), await server(), await server()];
    await kill(first.world, first.agent);
    await clock.pass(ABANDONED_MS - 1);
    expect(others.flatMap(({ agent }) => agent.asked)).toEqual([]);
    await clock.pass(3 * LOOK_MS);
    expect(others.flatMap(({ agent }) => agent.asked)).toHaveLength(1);
    expect(await turn()).toMatchObject({ attempt: 2, state: 'thinking' });
    const taker = others.find(({ agent }) => agent.asked.length > 0);
    if (taker === undefined) return expect.unreachable();
    const actor = await taker.world.actor(first.actor.id);
    const { outlet } = listen(actor, { who: ada, outlet: taker.world.outlet(), position: 0 });
    taker.agent.last.say('whole').done();
    await settled();
    expect(story(outlet)).toEqual(['"whole"', 'event 3', 'completed 3']);
    await clock.pass(5 * ABANDONED_MS);
    expect(others.flatMap(({ agent }) => agent.asked)).toHaveLength(1);
    expect(await store.inner.readOpenTurns(first.actor.id)).toMatchObject({ value: [] });
  });

  it('of a server that stood still call no tool once another has them', async () => {
    const { first, turn, store } = await servers();
    const { tools } = first.agent.last.input;
    await tools.begin(call('c1'));
    const record = { ...(await turn()), lease: { runner: 'another', renewals: 0 } };
    await store.inner.append({
      id: first.actor.id,
      expectedHead: first.actor.conversation.headSeq,
      events: [],
      effects: [{ kind: 'turn', turn: record }],
    });
    const begun = new Begun(tools, call('c2'));
    await settled();
    expect(begun.word).toBe('AbortError');
    expect(first.agent.last.signal.aborted).toBe(true);
    expect((await turn()).steps?.[0]?.calls).toHaveLength(1);
    expect(await turn()).toMatchObject({ state: 'streaming', lease: { runner: 'another' } });
  });

  it('are not taken because the store was away from everybody', async () => {
    const { store, clock, server, first } = await servers();
    const second = await server();
    store.down();
    await clock.pass(5 * ABANDONED_MS);
    store.up();
    await clock.pass(5 * ABANDONED_MS);
    expect(second.agent.asked).toEqual([]);
    first.agent.last.done();
    await settled();
    expect(story(first.outlet).slice(-1)).toEqual(['completed 3']);
  });

  it('are let go of by a server that stood still while another took them', async () => {
    const { clock, first, server } = await servers();
    const second = await server();
    // The first stands still: its renewals do not come.
    const renew = first.actor.turns?.renew;
    if (first.actor.turns !== undefined) first.actor.turns.renew = () => {};
    await clock.pass(ABANDONED_MS + 3 * LOOK_MS);
    expect(second.agent.asked).toHaveLength(1);
    if (first.actor.turns !== undefined && renew !== undefined) first.actor.turns.renew = renew;
    await clock.pass(LOOK_MS);
    expect(first.agent.last.signal.aborted).toBe(true);
    second.agent.last.say('whole').done();
    await clock.pass(2 * LOOK_MS);
    const log = await first.world.log(first.actor.id);
    expect(log.filter(({ author }) => author.kind === 'agent')).toHaveLength(1);
    expect(second.agent.asked).toHaveLength(1);
  });

  it('are taken up by a server that starts alone, after it has seen that nobody runs them', async () => {
    const { clock, first, server, turn } = await servers();
    await kill(first.world, first.agent);
    const next = await server();
    await clock.pass(ABANDONED_MS + 2 * LOOK_MS);
    expect(next.agent.asked).toHaveLength(1);
    next.agent.last.say('whole').done();
    await settled();
    expect(await turn()).toMatchObject({ attempt: 2, state: 'completed', messageSeq: 3 });
  });

  it('are looked after no more by a server that drains', async () => {
    const { store, clock, server } = await servers();
    const second = await server();
    await kill(second.world, second.agent);
    const looks = store.countOf('listConversationsWithOpenTurns');
    await clock.pass(2 * LOOK_MS);
    // The first one's alone.
    expect(store.countOf('listConversationsWithOpenTurns')).toBe(looks + 2);
  });
});
