import { describe, expect, it } from 'vitest';
import { AgentFailure } from '../../actors/agent-port.ts';
import { eventually } from '../support/deadline.ts';
import { type CallOptions, OneCall } from '../support/one-call.ts';
import { TestAgent } from '../support/test-agent.ts';
import { type Person, said, useServed } from './served.ts';

const start = useServed();

/** A room of Ada's with an agent that the test speaks for. */
async function scene(settings: object = {}) {
  const agent = new TestAgent();
  const served = await start({}, agent);
  const ada = await served.person('ada');
  const actor = await served.room(ada, 'c', settings);
  const call = (body: object, options: CallOptions = {}) =>
    OneCall.open(`${served.url}/v1/conversations/c/stream`, body, { token: ada.token, ...options });
  const asked = (count = 1) =>
    eventually(`${count} asked`, async () => agent.asked.length === count);
  return { agent, served, ada, actor, call, asked };
}

describe('POST …/stream', () => {
  it('says that the message is stored, then the answer as it is made, then all of it', async () => {
    const { agent, call, asked, served } = await scene();
    const one = await call({ content: 'hello' }, { key: 'k1' });
    expect(one.contentType).toBe('text/event-stream; charset=utf-8');
    const accepted = await one.first('accepted');
    expect(accepted).toMatchObject({
      conversation_id: 'c',
      seq: 2,
      key: 'k1',
      duplicate: false,
    });
    await asked();
    agent.last.say('Hel');
    expect(await one.first('message_chunk')).toMatchObject({
      turn_id: accepted.turn_id,
      attempt: 1,
      index: 0,
      content: 'Hel',
      tokens: 1,
    });
    agent.last.say('lo');
    agent.last.give({ type: 'usage', usage: { input_tokens: 3, output_tokens: 4 } }).done();
    await served.clock.pass(20);
    expect(await one.last()).toMatchObject({
      type: 'complete_state',
      turn_id: accepted.turn_id,
      seq: 3,
      message: 'Hello',
      total_tokens: 7,
      usage: { input_tokens: 3, output_tokens: 4 },
    });
    expect(one.text).toBe('Hello');
    // Where a reader that was cut off goes on in the events.
    expect(one.ids).toEqual([2, 3]);
  });

  it('is a record a line where that is asked for', async () => {
    const { agent, call } = await scene();
    agent.answers = () => 'Hello';
    const one = await call({ content: 'hello' }, { accept: 'application/x-ndjson' });
    expect(one.contentType).toBe('application/x-ndjson; charset=utf-8');
    await one.last();
    expect(one.records.map(({ type }) => type)).toEqual([
      'accepted',
      'message_chunk',
      'complete_state',
    ]);
    expect(one.of('complete_state')[0]).toMatchObject({ message: 'Hello', total_tokens: 2 });
  });

  it('the message and the answer are in the log like any other', async () => {
    const { agent, call, ada } = await scene();
    agent.answers = () => 'Hello';
    const one = await call({ content: 'hello', metadata: { a: 1 } }, { key: 'k' });
    await one.last();
    const { items } = (await ada.rest.get('/v1/conversations/c/messages')).body;
    expect(items).toMatchObject([
      { seq: 2, content: 'hello', key: 'k', metadata: { a: 1 }, from: { id: 'ada' } },
      { seq: 3, content: 'Hello', reply_to: 2, turn_id: one.of('accepted')[0]?.turn_id },
    ]);
  });

  it('a new attempt begins its pieces at 0 again, and only they are the answer', async () => {
    const { agent, call, asked, served } = await scene();
    const one = await call({ content: 'hello' });
    await asked();
    agent.last.say('wrong');
    await one.first('message_chunk');
    agent.last.give({ type: 'restarted' }).say('right').done();
    await served.clock.pass(20);
    expect(await one.last()).toMatchObject({ type: 'complete_state', message: 'right' });
    expect(one.of('message_chunk').map(({ attempt, index }) => [attempt, index])).toEqual([
      [1, 0],
      [2, 0],
    ]);
    expect(one.text).toBe('right');
  });

  it('shows the calls of tools, and what came of them', async () => {
    const { agent, call, asked } = await scene();
    const one = await call({ content: 'hello' });
    await asked();
    const { tools } = agent.last.input;
    const begun = {
      step: 0,
      stepText: '',
      callId: 't1',
      name: 'current_time',
      args: { zone: 'UTC' },
    };
    expect(await tools.begin({ ...begun, needsApproval: false })).toEqual({ kind: 'run' });
    expect(await one.first('tool_call')).toMatchObject({
      call_id: 't1',
      tool_name: 'current_time',
      args: { zone: 'UTC' },
      needs_approval: false,
    });
    await tools.end('t1', { result: 'noon', durationMs: 3 });
    expect(await one.first('tool_result')).toMatchObject({
      call_id: 't1',
      tool_name: 'current_time',
      result: 'noon',
      duration_ms: 3,
    });
    agent.last.say('Noon.').done();
    expect(await one.last()).toMatchObject({ type: 'complete_state', message: 'Noon.' });
  });

  it('asks the agent whatever its policy says, and no other call does', async () => {
    const { agent, call, ada, actor } = await scene({ agent: { speaks: 'never' } });
    agent.answers = () => 'Hello';
    await said(actor, ada.who, 'not to you');
    expect(agent.asked).toHaveLength(0);
    const one = await call({ content: 'to you' });
    expect(await one.last()).toMatchObject({ type: 'complete_state', message: 'Hello' });
    expect(agent.asked).toHaveLength(1);
  });

  it('the same key is answered by the same turn: while it runs, and when it is done', async () => {
    const { agent, call, asked, ada } = await scene();
    const first = await call({ content: 'hello' }, { key: 'k' });
    await asked();
    agent.last.say('Hel');
    await first.first('message_chunk');
    first.leave();
    const second = await call({ content: 'hello' }, { key: 'k' });
    expect(await second.first('accepted')).toMatchObject({ seq: 2, duplicate: true });
    expect((await second.first('message_chunk')).content).toBe('Hel');
    agent.last.say('lo').done();
    expect(await second.last()).toMatchObject({ type: 'complete_state', seq: 3, message: 'Hello' });
    expect(second.text).toBe('Hello');
    const third = await call({ content: 'hello' }, { key: 'k' });
    expect(await third.last()).toMatchObject({ type: 'complete_state', seq: 3, message: 'Hello' });
    expect(third.of('message_chunk')).toMatchObject([{ attempt: 1, index: 0, content: 'Hello' }]);
    expect(agent.asked).toHaveLength(1);
    const other = await ada.rest.post(
      '/v1/conversations/c/stream',
      { content: 'other' },
      { 'idempotency-key': 'k' },
    );
    expect([other.status, other.body.reason]).toEqual([409, 'key_reused']);
  });

  it('a key that a plain send stored is asked about now', async () => {
    const { agent, call, ada } = await scene({ agent: { speaks: 'never' } });
    agent.answers = () => 'Hello';
    await ada.rest.post(
      '/v1/conversations/c/messages',
      { content: 'hello' },
      { 'idempotency-key': 'k' },
    );
    const one = await call({ content: 'hello' }, { key: 'k' });
    expect(await one.last()).toMatchObject({ type: 'complete_state', seq: 3, message: 'Hello' });
    expect(one.of('accepted')[0]).toMatchObject({ seq: 2, duplicate: true });
  });

  it('an answer that fails ends it with an error, the same for the same key', async () => {
    const { agent, call, asked } = await scene();
    const one = await call({ content: 'hello' }, { key: 'k' });
    await asked();
    agent.last.fail(new AgentFailure('agent_unavailable', 'The model endpoint cannot be reached.'));
    const failed = {
      type: 'error',
      code: 503,
      reason: 'agent_unavailable',
      message: 'The model endpoint cannot be reached.',
    };
    expect(await one.last()).toMatchObject(failed);
    expect(await (await call({ content: 'hello' }, { key: 'k' })).last()).toMatchObject(failed);
    expect(agent.asked).toHaveLength(1);
  });

  it('an answer that is cancelled, or whose place a newer message took, ends it with an error', async () => {
    const { call, asked, ada, actor } = await scene({ agent: { while_busy: 'rollback' } });
    const one = await call({ content: 'hello' });
    const { turn_id } = await one.first('accepted');
    await asked();
    await ada.rest.post(`/v1/conversations/c/turns/${turn_id}/cancel`, {});
    expect(await one.last()).toMatchObject({ type: 'error', code: 409, reason: 'turn_over' });
    const two = await call({ content: 'again' });
    await asked(2);
    await said(actor, ada.who, 'no, wait');
    expect(await two.last()).toMatchObject({ type: 'error', reason: 'turn_over' });
  });

  it('a full queue, and a policy that takes nothing now, refuse it, and nothing is stored', async () => {
    const agent = new TestAgent();
    const served = await start({ maxQueuedTurns: 1 }, agent);
    const ada = await served.person('ada');
    for (const [id, while_busy, status, reason] of [
      ['q', 'enqueue', 429, 'turn_queue_full'],
      ['r', 'reject', 409, 'turn_in_progress'],
    ] as const) {
      const actor = await served.room(ada, id, { agent: { while_busy } });
      await said(actor, ada.who, 'hello');
      const path = `/v1/conversations/${id}/stream`;
      const refused = await ada.rest.post(path, { content: 'again' });
      expect([refused.status, refused.body.reason]).toEqual([status, reason]);
      expect(actor.conversation.headSeq).toBe(2);
      expect(actor.listeners).toBe(0);
    }
  });

  it('what is wrong with it is said before a stream begins', async () => {
    const { served, ada } = await scene();
    const bob = await served.person('bob');
    await served.room(ada, 'quiet', { agent: null });
    const path = '/v1/conversations/c/stream';
    for (const [who, to, body, status, reason] of [
      [undefined, path, { content: 'x' }, 401, 'unauthenticated'],
      [bob, path, { content: 'x' }, 403, 'not_a_participant'],
      [ada, '/v1/conversations/none/stream', { content: 'x' }, 404, 'conversation_not_found'],
      [ada, '/v1/conversations/quiet/stream', { content: 'x' }, 404, 'not_found'],
      [ada, path, { content: 'x', agent_id: 'nobody' }, 404, 'not_found'],
      [ada, path, { content: '' }, 400, 'invalid_field'],
      [ada, path, { content: 'x', reply_to: 99 }, 400, 'invalid_field'],
      [ada, path, { content: 'x'.repeat(10_001) }, 413, 'message_too_long'],
    ] as const) {
      const rest = (who as Person | undefined)?.rest ?? served.rest();
      const refused = await rest.post(to, body);
      expect([refused.status, refused.body.reason]).toEqual([status, reason]);
      expect(refused.headers.get('content-type')).toContain('problem+json');
    }
    expect(served.runtime.edge.meters.connections).toBe(0);
  });

  it('a client that goes away takes its question back only when it said so', async () => {
    const { agent, call, asked, actor } = await scene();
    const one = await call({ content: 'hello' });
    await asked();
    one.leave();
    await eventually('nobody listens', async () => actor.listeners === 0);
    expect(agent.last.signal.aborted).toBe(false);
    agent.last.say('Hello').done();
    await eventually('it is answered', async () => actor.conversation.headSeq === 3);

    const two = await call({ content: 'again', cancel_on_disconnect: true });
    await asked(2);
    two.leave();
    await eventually('it is told to stop', async () => agent.last.signal.aborted);
  });

  it('is kept alive, and lets go of all it held when it is over', async () => {
    const { agent, call, asked, served, actor } = await scene();
    const { meters } = served.runtime.edge;
    for (const [at, accept] of ['text/event-stream', 'application/x-ndjson'].entries()) {
      const one = await call({ content: 'hello' }, { accept });
      await one.first('accepted');
      await asked(at + 1);
      expect([meters.connections, actor.listeners]).toEqual([1, 1]);
      await served.clock.pass(15_000);
      await eventually('a sign of life', async () => one.idle > 0);
      agent.last.say('Hello').done();
      await one.last();
      await eventually('nothing is held', async () => meters.connections + actor.listeners === 0);
    }
  });

  it('learns the end of a turn that another server runs', async () => {
    const { call, asked, served, actor } = await scene();
    const one = await call({ content: 'hello' });
    const { turn_id } = await one.first('accepted');
    await asked();
    const { inner } = served.store;
    const read = await inner.readTurn(actor.id, turn_id);
    const turn = read.ok ? read.value : undefined;
    if (turn === undefined) throw new Error('no turn');
    const failed = { code: 503, reason: 'agent_unavailable', message: 'elsewhere' };
    const ended = { ...turn, state: 'failed', error: failed } as const;
    const effects = [{ kind: 'turn', turn: ended } as const];
    await inner.append({ id: actor.id, expectedHead: 2, events: [], effects });
    await served.clock.pass(15_000);
    expect(await one.last()).toMatchObject({ type: 'error', message: 'elsewhere' });
  });

  it('ends with an error when the server goes away, and the turn is not lost', async () => {
    const { agent, call, asked, served } = await scene();
    const one = await call({ content: 'hello' });
    await asked();
    agent.last.say('Hel');
    await one.first('message_chunk');
    await served.close();
    expect(await one.last()).toMatchObject({ type: 'error', code: 4001, reason: 'draining' });
  });
});

describe('POST /v1/chat', () => {
  it('makes a conversation, and answers when the answer is whole', async () => {
    const agent = new TestAgent();
    agent.answers = () => 'Hello';
    const served = await start({}, agent);
    const { rest } = await served.person('ada');
    const { status, body } = await rest.post('/v1/chat', { message: 'hello' });
    expect(status).toBe(200);
    expect(body).toMatchObject({ message: 'Hello', seq: 3, accepted_seq: 2 });
    expect(body.created_at).toMatch(/Z$/);
    const again = await rest.post('/v1/chat', {
      message: 'and again',
      conversation_id: body.conversation_id,
    });
    expect(again.body).toMatchObject({ conversation_id: body.conversation_id, seq: 5 });
  });

  it('the same key finds the same conversation, message and answer', async () => {
    const agent = new TestAgent();
    agent.answers = () => 'Hello';
    const served = await start({}, agent);
    const { rest } = await served.person('ada');
    const ask = (message: string) => rest.post('/v1/chat', { message }, { 'idempotency-key': 'k' });
    const [first, second] = [await ask('hello'), await ask('hello')];
    expect(second.body).toEqual(first.body);
    expect(agent.asked).toHaveLength(1);
    const other = await ask('something else');
    expect([other.status, other.body.reason]).toEqual([409, 'key_reused']);
  });

  it('an answer that fails is 502, for its message is stored', async () => {
    const agent = new TestAgent();
    const served = await start({}, agent);
    const { rest } = await served.person('ada');
    const reply = rest.post('/v1/chat', { message: 'hello' });
    await eventually('it is asked', async () => agent.asked.length === 1);
    agent.last.fail(new AgentFailure('agent_unavailable', 'The model is away.'));
    const { status, body } = await reply;
    expect([status, body.reason, body.retryable]).toEqual([502, 'answer_failed', false]);
    expect(body.detail).toMatch(/^The model is away\. The message is stored as 2 of c_/);
  });

  it('leaves nothing behind where the question is refused', async () => {
    const served = await start();
    const { rest } = await served.person('ada');
    const refused = await rest.post('/v1/chat', { message: 'hello' });
    expect([refused.status, refused.body.reason]).toEqual([404, 'not_found']);
    expect((await rest.get('/v1/conversations')).body.items).toEqual([]);
  });

  it('/v1/chat/stream streams, in a conversation that it names', async () => {
    const agent = new TestAgent();
    agent.answers = () => 'Hello';
    const served = await start({}, agent);
    const { token } = await served.person('ada');
    const one = await OneCall.open(`${served.url}/v1/chat/stream`, { message: 'hi' }, { token });
    const { conversation_id } = await one.first('accepted');
    expect(await one.last()).toMatchObject({ type: 'complete_state', conversation_id, seq: 3 });
    expect(one.text).toBe('Hello');
  });
});
