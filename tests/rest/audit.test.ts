import { describe, expect, it } from 'vitest';
import { TestAgent } from '../support/test-agent.ts';
import { WireClient } from '../support/wire-client.ts';
import { type Person, type Served, useServed } from './served.ts';

const start = useServed();
const AUDIT = '/v1/admin/audit';

async function lines(served: Served, operator: Person, query = '') {
  await served.clock.pass(100);
  const { status, body } = await operator.rest.get(`${AUDIT}?limit=100${query}`);
  expect(status).toBe(200);
  return (body.items as Record<string, unknown>[]).filter(({ action }) => action !== 'admin.read');
}

const deeds = (all: readonly Record<string, unknown>[]) =>
  all.map(({ action, outcome, target }) => [action, outcome, target].join(' ')).toReversed();

describe('the audit log', () => {
  it('says who did what, when and from where over REST, and nothing of what was written', async () => {
    const served = await start();
    const [ada, bob, operator] = [
      await served.person('ada'),
      await served.person('bob'),
      await served.operator(),
    ];
    await served.room(ada, 'c');
    const { rest } = ada;
    await rest.patch('/v1/conversations/c', { title: 'Secret plans' });
    await rest.put('/v1/conversations/c/participants/bob', {});
    await rest.post('/v1/conversations/c/messages', { content: 'not a line' });
    await rest.patch('/v1/conversations/c/messages/4', { content: 'edited words' });
    await bob.rest.delete('/v1/conversations/c/messages/4');
    await rest.delete('/v1/conversations/c/messages/4');
    await rest.delete('/v1/conversations/c/participants/bob');
    await rest.post('/v1/documents', { title: 'd', text: 'words of a document' });
    await rest.delete('/v1/conversations/c');
    const found = await lines(served, operator);
    expect(deeds(found)).toEqual([
      'conversation.created ok ',
      'conversation.updated ok ',
      'participant.put ok bob',
      'message.edited ok 4',
      'message.deleted forbidden 4',
      'message.deleted ok 4',
      'participant.removed ok bob',
      expect.stringMatching(/^document\.added \w+ /),
      'conversation.deleted ok ',
    ]);
    expect(found.at(-1)).toEqual({
      at: '2026-01-01T00:00:00.000Z',
      action: 'conversation.created',
      outcome: 'ok',
      participant_id: 'ada',
      from: '127.0.0.1',
      conversation_id: 'c',
      target: null,
    });
    expect(JSON.stringify(found)).not.toMatch(/Secret|words/);
  });

  it('has what is done over WebSocket, too, and sign-ins that were refused', async () => {
    const served = await start();
    const [ada, bob, operator] = [
      await served.person('ada'),
      await served.person('bob'),
      await served.operator(),
    ];
    await served.room(ada, 'c');
    const client = await WireClient.connect(`${served.url.replace('http', 'ws')}/v1/ws`, {
      token: bob.token,
    });
    await client.joinLive('c', {});
    const { seq } = await client.send('c', 'mine');
    await client.ask({ type: 'edit', conversation_id: 'c', seq, content: 'still mine' });
    await client.ask({ type: 'delete', conversation_id: 'c', seq: 1 });
    await client.ask({ type: 'delete', conversation_id: 'c', seq });
    await client.ask({ type: 'cancel', conversation_id: 'c', turn_id: 't_none' });
    await client.close();
    await served.rest('no.token.atall').get('/v1/conversations');
    const found = await lines(served, operator);
    expect(deeds(found)).toEqual([
      'conversation.created ok ',
      'participant.joined ok bob',
      `message.edited ok ${seq}`,
      'message.deleted message_not_found 1',
      `message.deleted ok ${seq}`,
      'turn.cancelled turn_not_found t_none',
      'signin.refused bad_token ',
    ]);
    expect(new Set(found.map(({ from }) => from))).toEqual(new Set(['127.0.0.1']));
  });

  it('believes a proxy about where a request came from only where the operator does', async () => {
    const headers = { 'x-forwarded-for': '6.6.6.6, 203.0.113.7' };
    for (const forwardedFor of [false, true]) {
      const served = await start({ forwardedFor });
      const [ada, operator] = [await served.person('ada'), await served.operator()];
      const made = { conversation_id: 'c', title: 'x' };
      await ada.rest.post('/v1/conversations', made, headers);
      const other = { conversation_id: 'd', title: 'x' };
      await ada.rest.post('/v1/conversations', other, { 'x-forwarded-for': '<script>' });
      const found = await lines(served, operator);
      const proxied = forwardedFor ? '203.0.113.7' : '127.0.0.1';
      expect(found.map(({ from }) => from)).toEqual(['127.0.0.1', proxied]);
    }
  });

  it('has the conversation that a question in one call began, once', async () => {
    const agent = new TestAgent();
    agent.answers = () => 'At four.';
    const served = await start({}, agent);
    const [ada, operator] = [await served.person('ada'), await served.operator()];
    const ask = () =>
      ada.rest.post('/v1/chat', { message: 'When is tea?' }, { 'idempotency-key': 'k' });
    const { body } = await ask();
    await ask();
    expect(await lines(served, operator)).toMatchObject([
      {
        action: 'conversation.created',
        participant_id: 'ada',
        from: '127.0.0.1',
        conversation_id: body.conversation_id,
      },
    ]);
  });

  it('has every message only where the operator wants that', async () => {
    const served = await start({ auditMessages: true });
    const [ada, operator] = [await served.person('ada'), await served.operator()];
    await served.room(ada, 'c');
    await ada.rest.post('/v1/conversations/c/messages', { content: 'hello' });
    const client = await WireClient.connect(`${served.url.replace('http', 'ws')}/v1/ws`, {
      token: ada.token,
    });
    await client.joinLive('c', {});
    await client.send('c', 'hello');
    await client.close();
    const sent = await lines(served, operator, '&action=message.sent');
    expect(deeds(sent)).toEqual(['message.sent ok 2', 'message.sent ok 3']);
  });

  it('comes in pages, with filters, to admins alone; that somebody looked is a line', async () => {
    const served = await start();
    const [ada, operator] = [await served.person('ada'), await served.operator()];
    for (const id of ['a', 'b', 'c']) await served.room(ada, id);
    expect((await ada.rest.get(AUDIT)).status).toBe(403);
    await served.clock.pass(100);
    const first = (await operator.rest.get(`${AUDIT}?limit=2&participant_id=ada`)).body;
    const next = `${AUDIT}?limit=2&participant_id=ada&cursor=${first.next_cursor}`;
    const second = (await operator.rest.get(next)).body;
    const ids = [...first.items, ...second.items].map(
      ({ action, conversation_id }) => conversation_id ?? action,
    );
    expect(ids).toEqual(['admin.read', 'c', 'b', 'a']);
    expect(second.next_cursor).toBeNull();
    const one = await operator.rest.get(`${AUDIT}?conversation_id=b&until=2027-01-01T00:00:00Z`);
    expect(one.body.items).toHaveLength(1);
    const none = await operator.rest.get(`${AUDIT}?since=2027-01-01T00:00:00Z`);
    expect(none.body.items).toEqual([]);
    for (const query of ['cursor=x', 'action=nothing', 'since=yesterday', 'limit=0'])
      expect((await operator.rest.get(`${AUDIT}?${query}`)).body.reason).toBe('invalid_field');
  });
});

describe('GET /v1/admin/usage', () => {
  it('says what a participant and a conversation took on a day', async () => {
    const served = await start();
    const operator = await served.operator();
    const { budgets, clock } = served.runtime.edge;
    const asker = { conversationId: 'c', askedBy: ['ada'] } as unknown as Parameters<
      typeof budgets.spend
    >[0];
    await budgets.spend(asker, { input_tokens: 10, output_tokens: 5, cost: 0.25 });
    const query = 'participant_id=ada&conversation_id=c';
    const { body } = await operator.rest.get(`/v1/admin/usage?${query}`);
    const spent = { day: '2026-01-01', input_tokens: 10, output_tokens: 5, cost: 0.25 };
    expect(body.items).toEqual([
      { account: 'participant:ada', ...spent },
      { account: 'conversation:c', ...spent },
    ]);
    expect(clock.now()).toBeLessThan(Date.parse('2026-01-02'));
    const other = await operator.rest.get(`/v1/admin/usage?day=2026-01-02&${query}`);
    expect(other.body.items[0]).toMatchObject({ day: '2026-01-02', input_tokens: 0 });
  });
});
