import { describe, expect, it } from 'vitest';
import { askAgent } from '../../actors/turn-commands.ts';
import type { AgentSettings, Settings } from '../../src/domain/conversation.ts';
import { participantId } from '../../src/domain/ids.ts';
import {
  ada,
  assistant,
  bob,
  joining,
  listen,
  message,
  settled,
  World,
} from '../support/test-actors.ts';
import { TestAgent } from '../support/test-agent.ts';

function settingsOf(id: string, more: Partial<AgentSettings> = {}): AgentSettings {
  return { ...assistant, id: participantId(id), name: id, speaks: 'auto', ...more };
}

/** A conversation with these agents, each of which a test speaks for. */
async function table(
  settings: readonly AgentSettings[] = [settingsOf('one'), settingsOf('two'), settingsOf('three')],
) {
  const agents = new Map(settings.map(({ id }) => [id, new TestAgent()]));
  const world = new World({ agents });
  const [agent = null, ...more] = settings;
  const actor = await world.room({ agent, agents: more } satisfies Partial<Settings>);
  const { outlet } = listen(actor, { outlet: world.outlet() });
  const ask = async (content: string, who = ada, replyTo?: number) => {
    const outcome = await actor.post(
      message(who, content, replyTo === undefined ? {} : { replyTo }),
    );
    await settled();
    return outcome.ok ? outcome.value.seq : outcome.failure.reason;
  };
  const of = (id: string): TestAgent => agents.get(participantId(id)) ?? expect.unreachable();
  /** How often each was asked so far. */
  const asked = () => settings.map(({ id }) => of(id).asked.length);
  return { world, actor, outlet, ask, of, asked };
}

describe('several agents in one conversation', () => {
  it('the first answers what is said to nobody, the others what is said to them', async () => {
    const { ask, asked, of } = await table();
    await ask('hello');
    expect(asked()).toEqual([1, 0, 0]);
    of('one').last.say('x').done();
    await settled();
    await ask('@two and @Three, what do you think?');
    expect(asked()).toEqual([1, 1, 1]);
  });

  it('each answers replies to itself', async () => {
    const { ask, asked, of, outlet } = await table();
    await ask('@two hello');
    of('two').last.say('yes').done();
    await settled();
    const seq = outlet.of('event').at(-1)?.['seq'];
    await ask('are you sure?', ada, Number(seq));
    expect(asked()).toEqual([0, 2, 0]);
  });

  it('none but the meant answers among several people', async () => {
    const { actor, ask, asked } = await table();
    await actor.post(joining(bob));
    await ask('hello', bob);
    expect(asked()).toEqual([0, 0, 0]);
    await ask('hello @two', bob);
    expect(asked()).toEqual([0, 1, 0]);
  });

  it('speak as their own policies say', async () => {
    const { ask, asked } = await table([
      settingsOf('one', { speaks: 'mention' }),
      settingsOf('two', { speaks: 'always' }),
      settingsOf('three', { speaks: 'never' }),
    ]);
    await ask('hello @three');
    expect(asked()).toEqual([0, 1, 0]);
  });

  it('speak at the same time, each one turn at a time, each under its own name', async () => {
    const { actor, ask, asked, of, outlet } = await table();
    await ask('@one @two go');
    await ask('@one @two go on');
    expect(asked()).toEqual([1, 1, 0]);
    expect(actor.turnSnapshots().map(({ agent }) => agent.id)).toEqual(['one', 'two']);
    of('two').last.say('b').done();
    await settled();
    expect(asked()).toEqual([1, 2, 0]);
    of('one').last.say('a').done();
    await settled();
    const answers = outlet
      .of('event')
      .flatMap(({ from, content, turn_id }) =>
        turn_id === undefined ? [] : [[(from as { id: string }).id, content]],
      );
    expect(answers).toEqual([
      ['two', 'b'],
      ['one', 'a'],
    ]);
  });

  it('are interrupted and refused each by its own policy', async () => {
    const { ask, actor, outlet, of } = await table([
      settingsOf('one', { whileBusy: 'rollback' }),
      settingsOf('two', { whileBusy: 'reject' }),
    ]);
    await ask('@one @two go');
    of('one').last.say('half');
    expect(await ask('@one again')).toBe(3);
    expect(outlet.of('turn.ended')).toMatchObject([{ state: 'superseded' }]);
    expect(actor.turns?.openOf(participantId('two'))).toBe(1);
    expect(await ask('@two again')).toBe('turn_in_progress');
    expect(await ask('@one @two again')).toBe('turn_in_progress');
  });

  it('are asked by name without a message, and must be there', async () => {
    const { actor, ask, asked } = await table();
    await ask('@three hello');
    const by = (agentId: string) => askAgent(actor, { by: ada, agentId: participantId(agentId) });
    expect(await by('two')).toMatchObject({ ok: true });
    expect(await by('four')).toMatchObject({ failure: { reason: 'not_found' } });
    await settled();
    expect(asked()).toEqual([0, 1, 1]);
  });
});

describe('an agent that is not on this server', () => {
  it('fails its turn with a reason for people, and the others go on', async () => {
    const one = new TestAgent();
    const world = new World({ agents: new Map([[participantId('one'), one]]) });
    const actor = await world.room({ agent: settingsOf('one'), agents: [settingsOf('gone')] });
    const { outlet } = listen(actor, { outlet: world.outlet() });
    await actor.post(message(ada, '@gone @one'));
    await settled();
    expect(outlet.of('turn.ended')).toMatchObject([
      { state: 'failed', error: { reason: 'agent_unavailable' } },
    ]);
    expect(one.asked).toHaveLength(1);
  });
});

describe('agents that name each other', () => {
  it('are asked by each other, with the rights of who asked first', async () => {
    const { ask, asked, of } = await table();
    await ask('@one ask the other one, will you?');
    of('one').last.say('@two what do you say?').done();
    await settled();
    expect(asked()).toEqual([1, 1, 0]);
    expect(of('two').last.input).toMatchObject({ askedBy: ['ada'], triggerSeq: 3 });
  });

  it('stop after as many hops as are allowed', async () => {
    const { world, ask, asked, of } = await table([settingsOf('one'), settingsOf('two')]);
    of('one').answers = () => '@two go on';
    of('two').answers = () => '@one go on';
    await ask('hello');
    await world.clock.pass(1_000);
    expect(asked()).toEqual([2, 2]);
    await ask('again');
    await world.clock.pass(1_000);
    expect(asked()).toEqual([4, 4]);
  });

  it('stop after as many turns as are allowed, however many they name', async () => {
    const { world, ask, asked, of } = await table();
    for (const id of ['one', 'two', 'three']) of(id).answers = () => '@one @two @three go on';
    await ask('hello');
    await world.clock.pass(1_000);
    const turns = asked().reduce((sum, each) => sum + each, 0);
    expect(turns).toBeGreaterThan(3);
    expect(turns).toBeLessThanOrEqual(1 + 6);
  });

  it('do not ask themselves, nor who never speaks, nor with what was cut off', async () => {
    const { ask, asked, of } = await table([
      settingsOf('one', { whileBusy: 'interrupt' }),
      settingsOf('two', { speaks: 'never' }),
      settingsOf('three'),
    ]);
    await ask('hello');
    of('one').last.say('@one @two');
    of('one').last.done();
    await settled();
    expect(asked()).toEqual([1, 0, 0]);
    await ask('hello');
    of('one').last.say('@three');
    await settled();
    await ask('stop');
    expect(asked()).toEqual([3, 0, 0]);
  });
});
