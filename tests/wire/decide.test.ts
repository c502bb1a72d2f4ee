import { describe, expect, it } from 'vitest';
import { expectError } from '../support/failures.ts';
import { useWire } from '../support/wire.ts';

const wire = useWire({ agent: 'scripted' });

/** Two people, and a turn whose first call waits for one of them. */
async function waiting(directions = 'approve: pay') {
  const { id, people } = await wire.room('Ada', 'Bob');
  const [ada, bob] = people;
  if (!ada || !bob) throw new Error('nobody');
  await ada.ws.send(id, `@assistant say: So be it\n${directions}`);
  const call = await bob.ws.waitFor('turn.tool_call', (one) => one.needs_approval);
  const about = { conversation_id: id, turn_id: call.turn_id, call_id: call.call_id };
  return { id, ada, bob, call, about };
}

const decide = (about: object, more: object = {}) => ({
  type: 'decide',
  decision: 'approve',
  ...about,
  ...more,
});

describe('a tool call that needs approval', () => {
  it('goes on when somebody approves, and everybody reads in the log who did', async () => {
    const { id, ada, bob, call, about } = await waiting();
    await bob.ws.send(id, 'people go on talking');
    expect(await bob.ws.ask(decide(about))).toMatchObject({ type: 'ok' });
    for (const { ws } of [ada, bob]) {
      const decided = await ws.waitFor('event', ({ kind }) => kind === 'turn.decided');
      expect(decided).toMatchObject({
        from: { name: 'Bob' },
        turn_id: call.turn_id,
        call_id: call.call_id,
        decision: 'approve',
      });
      const result = await ws.waitFor('turn.tool_result');
      expect(result).toMatchObject({ call_id: call.call_id, result: 'done' });
      const end = await ws.waitFor('turn.ended');
      expect(end).toMatchObject({ state: 'completed' });
      expect(await ws.waitForSeq(id, end.seq ?? 0)).toMatchObject({
        content: 'So [pay: done] be it',
      });
    }
  });

  it('is not done when somebody rejects it, and the answer says what it likes to that', async () => {
    const { id, ada, bob, about } = await waiting();
    const no = decide(about, { decision: 'reject', reason: 'too dear' });
    expect(await ada.ws.ask(no)).toMatchObject({ type: 'ok' });
    const { text } = await ada.rest.get('/metrics');
    expect(text).toContain('colloquy_decisions_total{decision="reject"} 1');
    const end = await bob.ws.waitFor('turn.ended');
    expect(await bob.ws.waitForSeq(id, end.seq ?? 0)).toMatchObject({
      content: 'So [pay: rejected by a person: too dear] be it',
    });
  });

  it('is decided once, by who may', async () => {
    // The second call keeps the turn open.
    const { id, ada, bob, about } = await waiting('approve: pay; approve: ship');
    await ada.rest.put(`/v1/conversations/${id}/participants/${bob.id}`, { role: 'observer' });
    expectError(await bob.ws.ask(decide(about)), 403, 'forbidden');
    expectError(await ada.ws.ask(decide(about, { call_id: 'x' })), 404, 'not_found');
    expectError(await ada.ws.ask(decide(about, { turn_id: 't_x' })), 404, 'turn_not_found');
    expectError(await ada.ws.ask(decide(about, { decision: 'maybe' })), 400, 'invalid_field');
    const both = await Promise.all([
      ada.ws.ask(decide(about)),
      ada.ws.ask(decide(about, { decision: 'reject' })),
    ]);
    expect(both[0]).toMatchObject({ type: 'ok' });
    expectError(both[1], 409, 'already_exists');
    await ada.ws.waitFor('turn.tool_call', ({ call_id }) => call_id === 'call_2');
    expect(await ada.ws.ask(decide(about, { call_id: 'call_2' }))).toMatchObject({ type: 'ok' });
    await ada.ws.waitFor('turn.ended');
    expectError(await ada.ws.ask(decide(about)), 409, 'turn_over');
  });

  it('is seen by who joins while it waits', async () => {
    const { id, ada, call, about } = await waiting('tool: look; approve: pay');
    const late = await wire.connect({ token: ada.token });
    const joined = await late.joinLive(id);
    expect(joined.turns).toMatchObject([
      {
        turn_id: call.turn_id,
        state: 'awaiting_approval',
        tool_calls: [
          { name: 'look', state: 'done', result: 'done' },
          { call_id: call.call_id, name: 'pay', state: 'waiting', needs_approval: true },
        ],
      },
    ]);
    await late.ask(decide(about));
    expect(await late.waitFor('turn.ended')).toMatchObject({ state: 'completed' });
  });
});
