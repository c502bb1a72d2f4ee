import { describe, expect, it } from 'vitest';
import type { Draft, Unsettled } from '../../actors/draft.ts';
import { turnId } from '../../src/domain/ids.ts';
import { recordOf, scene } from '../support/agent-scene.ts';
import { ada, assistant, message, settled } from '../support/test-actors.ts';

/** Ada's message, which asks an agent in the turn of this id. */
function asking(content: string, id: string, agentId = assistant.id): Unsettled<Draft> {
  return { ...message(ada, content), asks: { agentId, turnId: turnId(id) } } as Unsettled<Draft>;
}

describe('a message that asks an agent', () => {
  it('is answered in the turn that it names, whatever the policy', async () => {
    const { agent, actor, world } = await scene({ settings: { speaks: 'never' } });
    const said = await actor.post(asking('you', 't_1'));
    expect(said).toMatchObject({ ok: true, value: { seq: 2 } });
    await settled();
    agent.last.say('Yes?').done();
    await settled();
    expect(await recordOf(world, actor, 't_1')).toMatchObject({
      state: 'completed',
      triggerSeq: 2,
      messageSeq: 3,
      askedBy: [ada.id],
    });
    expect(agent.asked).toHaveLength(1);
  });

  it('asks once where the policy asks, too', async () => {
    const { agent, actor } = await scene({ settings: { speaks: 'always' } });
    await actor.post(asking('you', 't_1'));
    await settled();
    expect(agent.asked.map(({ input }) => input.turnId)).toEqual(['t_1']);
  });

  it('is not stored when there is no such agent', async () => {
    const { actor } = await scene();
    const said = await actor.post(asking('you', 't_1', ada.id));
    expect(said).toMatchObject({ ok: false, failure: { reason: 'not_found' } });
    expect(actor.conversation.headSeq).toBe(1);
  });

  it('that a newer one of the same batch takes the place of has a turn all the same, superseded and told', async () => {
    const { actor, world, outlet } = await scene({ settings: { whileBusy: 'debounce' } });
    const posts = ['t_1', 't_2'].map((id) => actor.post(asking(id, id)));
    await Promise.all(posts);
    await settled();
    expect(await recordOf(world, actor, 't_1')).toMatchObject({ state: 'superseded' });
    expect(outlet.of('turn.ended')).toMatchObject([{ turn_id: 't_1', state: 'superseded' }]);
    expect(await recordOf(world, actor, 't_2')).toMatchObject({ state: 'queued', triggerSeq: 3 });
  });
});
