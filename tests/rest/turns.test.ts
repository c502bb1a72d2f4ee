import { describe, expect, it } from 'vitest';
import type { RestClient } from '../support/rest-client.ts';
import { until } from '../support/until.ts';
import { useServed } from './served.ts';

const start = useServed();
const PATH = '/v1/conversations/room';
const TURNS = `${PATH}/turns`;

/** A conversation of Ada's whose agent speaks only when it is asked to, unless said otherwise. */
async function room(agent: object = { speaks: 'never' }) {
  const served = await start({ agent: 'scripted', agentTokensPerSecond: 0 });
  const ada = await served.person('ada');
  const bob = await served.person('bob');
  await ada.rest.post('/v1/conversations', { conversation_id: 'room', agent });
  await bob.rest.put(`${PATH}/participants/bob`, {});
  const say = async (content: string) =>
    (await ada.rest.post(`${PATH}/messages`, { content })).body.seq as number;
  return { ada: ada.rest, bob: bob.rest, say, served };
}

/** The turn when it is as far as `state`. */
async function turnIn(rest: RestClient, id: string, state: string) {
  let body = (await rest.get(`${TURNS}/${id}`)).body;
  await until(async () => {
    body = (await rest.get(`${TURNS}/${id}`)).body;
    return body.state === state;
  });
  return body;
}

describe('POST …/turns', () => {
  it('asks the agent to answer the newest message of somebody else, and says where the turn is', async () => {
    const { ada, bob, say } = await room();
    const seq = await say('say: Good morning.');
    const asked = await bob.post(TURNS, {});
    expect(asked.status).toBe(201);
    expect(asked.headers.get('location')).toBe(`${TURNS}/${asked.body.turn_id}`);
    expect(asked.body).toMatchObject({ trigger_seq: seq, agent: { id: 'assistant' } });
    const done = await turnIn(ada, asked.body.turn_id, 'completed');
    expect(done).toMatchObject({
      attempt: 1,
      message_seq: seq + 1,
      text: 'Good morning.',
      tool_calls: [],
    });
    expect(Date.parse(done.ended_at)).toBeGreaterThanOrEqual(Date.parse(done.started_at));
    const again = await ada.post(TURNS, { agent_id: 'assistant' });
    expect(again.body.trigger_seq).toBe(seq);
  });

  it('asks once under one key', async () => {
    const { ada, bob, say } = await room();
    await say('say: x');
    const key = { 'idempotency-key': 'k' };
    const [one, two] = [await ada.post(TURNS, {}, key), await ada.post(TURNS, {}, key)];
    expect([one.status, two.status]).toEqual([201, 200]);
    expect(two.body.turn_id).toBe(one.body.turn_id);
    expect((await bob.post(TURNS, {}, key)).body.turn_id).not.toBe(one.body.turn_id);
    expect((await ada.get(TURNS)).body.items).toHaveLength(2);
  });

  it('refuses what makes no sense: no message, no such agent, no right to', async () => {
    const { ada, bob, say, served } = await room();
    expect((await ada.post(TURNS, {})).body.reason).toBe('bad_request');
    await say('hello');
    expect((await ada.post(TURNS, { agent_id: 'other' })).body).toMatchObject({
      status: 404,
      reason: 'not_found',
    });
    await ada.put(`${PATH}/participants/bob`, { role: 'observer' });
    expect((await bob.post(TURNS, {})).body).toMatchObject({ status: 403, reason: 'forbidden' });
    const cy = await served.person('cy');
    expect((await cy.rest.post(TURNS, {})).status).toBe(403);
    expect((await cy.rest.get(TURNS)).status).toBe(403);
  });

  it('is 409 while the agent is busy where that is the policy, and 429 when too many wait', async () => {
    const { ada, say } = await room({ speaks: 'never', while_busy: 'reject' });
    await say('stall: 1');
    const one = await ada.post(TURNS, {});
    expect((await ada.post(TURNS, {})).body).toMatchObject({
      status: 409,
      reason: 'turn_in_progress',
    });
    await ada.post(`${TURNS}/${one.body.turn_id}/cancel`, {});
    await turnIn(ada, one.body.turn_id, 'cancelled');
    await ada.patch(PATH, { agent: { while_busy: 'enqueue' } });
    let last = await ada.post(TURNS, {});
    for (let at = 0; at < 20 && last.status === 201; at += 1) last = await ada.post(TURNS, {});
    expect(last.body).toMatchObject({ status: 429, reason: 'turn_queue_full' });
  });
});

describe('GET …/turns', () => {
  it('gives the turns in the order they were asked for, page by page, with what they said', async () => {
    const { ada, say } = await room({ speaks: 'always' });
    for (const word of ['one', 'two', 'three']) await say(`say: ${word}`);
    await until(async () => {
      const { items } = (await ada.get(TURNS)).body;
      return (
        items.length === 3 &&
        items.every((turn: { text: string; state: string }) => turn.state === 'completed')
      );
    });
    const first = (await ada.get(`${TURNS}?limit=2`)).body;
    expect(first.items.map(({ text }: { text: string }) => text)).toEqual(['one', 'two']);
    const rest = (await ada.get(`${TURNS}?limit=2&cursor=${first.next_cursor}`)).body;
    expect(rest).toMatchObject({ items: [{ text: 'three' }], next_cursor: null });
  });

  it('shows what was said so far of one that runs, and 404 for one that is not', async () => {
    const { ada, say } = await room({ speaks: 'always' });
    await say('say: one two three four\nstall: 1');
    await until(async () => (await ada.get(TURNS)).body.items[0]?.text === 'one');
    const [turn] = (await ada.get(TURNS)).body.items;
    expect(turn).toMatchObject({ state: 'streaming', attempt: 1 });
    expect(turn).not.toHaveProperty('ended_at');
    expect((await ada.get(`${TURNS}/t_none`)).body).toMatchObject({
      status: 404,
      reason: 'turn_not_found',
    });
  });
});

describe('POST …/cancel', () => {
  it('stops a turn, once', async () => {
    const { ada, bob, say } = await room({ speaks: 'always' });
    await say('stall: 1');
    await until(async () => (await ada.get(TURNS)).body.items.length === 1);
    const [{ turn_id: id }] = (await ada.get(TURNS)).body.items;
    expect((await bob.post(`${TURNS}/${id}/cancel`, {})).status).toBe(200);
    expect(await turnIn(ada, id, 'cancelled')).toMatchObject({ text: '' });
    const over = await ada.post(`${TURNS}/${id}/cancel`, {});
    expect(over.body).toMatchObject({ status: 409, reason: 'turn_over' });
    expect((await ada.post(`${TURNS}/t_none/cancel`, {})).status).toBe(404);
  });
});

describe('POST …/decisions', () => {
  it('approves and rejects the calls of a turn, which shows them', async () => {
    const { ada, bob, say } = await room();
    await say('say: So be it\napprove: pay; tool: look; approve: ship');
    const id = (await ada.post(TURNS, {})).body.turn_id;
    const waits = await turnIn(ada, id, 'awaiting_approval');
    expect(waits.tool_calls).toMatchObject([
      { call_id: 'call_1', name: 'pay', needs_approval: true, state: 'waiting', args: { step: 0 } },
    ]);
    const path = `${TURNS}/${id}/decisions`;
    const unknown = await ada.post(path, { call_id: 'x', decision: 'approve' });
    expect(unknown.body).toMatchObject({ status: 404, reason: 'not_found' });
    const bad = await ada.post(path, { call_id: 'call_1', decision: 'perhaps' });
    expect(bad.body).toMatchObject({ status: 400, reason: 'invalid_field' });
    const yes = { call_id: 'call_1', decision: 'approve' };
    const key = { 'idempotency-key': 'k' };
    expect((await bob.post(path, yes, key)).status).toBe(200);
    expect((await bob.post(path, yes, key)).status).toBe(200);
    const late = await ada.post(path, yes);
    expect(late.body).toMatchObject({ status: 409, reason: 'already_exists' });
    await until(async () => {
      const { tool_calls } = (await ada.get(`${TURNS}/${id}`)).body;
      return tool_calls.length === 3;
    });
    const no = { call_id: 'call_3', decision: 'reject', reason: 'not today' };
    expect((await ada.post(path, no)).status).toBe(200);
    const done = await turnIn(ada, id, 'completed');
    expect(done.text).toBe(
      'So [pay: done] [look: done] [ship: rejected by a person: not today] be it',
    );
    expect(done.tool_calls).toMatchObject([
      { decision: { by: 'bob', decision: 'approve' }, result: 'done', state: 'done' },
      { needs_approval: false, result: 'done' },
      {
        decision: { by: 'ada', decision: 'reject', reason: 'not today' },
        error: 'rejected by a person: not today',
      },
    ]);
    const { items } = (await ada.get(`${PATH}/events?limit=100`)).body;
    expect(items.filter(({ kind }: { kind: string }) => kind === 'turn.decided')).toMatchObject([
      { from: { id: 'bob' }, turn_id: id, call_id: 'call_1', decision: 'approve' },
      { from: { id: 'ada' }, call_id: 'call_3', decision: 'reject', reason: 'not today' },
    ]);
    const over = await ada.post(path, no);
    expect(over.body).toMatchObject({ status: 409, reason: 'turn_over' });
  });
});
