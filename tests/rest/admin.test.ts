import { describe, expect, it } from 'vitest';
import { Breakers } from '../../src/provider/breakers.ts';
import { ProviderFault } from '../../src/provider/provider-fault.ts';
import { type Served, useServed } from './served.ts';

const start = useServed();

const broken = async () => {
  throw new ProviderFault('broken', 'status 500');
};

/** A breaker of this server that failures have opened. */
async function openBreaker({ runtime }: Served, name: string): Promise<void> {
  const { breakers } = runtime.edge;
  if (!(breakers instanceof Breakers)) throw new Error('not the breakers of a runtime');
  const breaker = breakers.named(name);
  for (let at = 0; at < 5; at += 1) await breaker.run(broken).catch(() => {});
}

describe('/v1/admin', () => {
  it.each([
    ['GET', '/v1/admin/breakers'],
    ['POST', '/v1/admin/breakers/model:m/reset'],
    ['GET', '/v1/admin/actors'],
    ['GET', '/v1/admin/flags'],
  ])('%s %s is for the admin role alone', async (method, path) => {
    const served = await start();
    const ada = await served.person('ada');
    const operator = await served.operator();
    await served.room(ada, 'c');
    expect((await served.rest().request(method, path)).status).toBe(401);
    const refused = await ada.rest.request(method, path);
    expect([refused.status, refused.body.reason]).toEqual([403, 'forbidden']);
    expect((await operator.rest.request(method, path)).status).toBeOneOf([200, 404]);
  });

  it('an admin sees no conversation that they are not in', async () => {
    const served = await start();
    const ada = await served.person('ada');
    await served.room(ada, 'c', { visibility: 'invite' });
    const { rest } = await served.operator();
    expect((await rest.get('/v1/conversations/c')).status).toBe(404);
    expect((await rest.get('/v1/conversations/c/messages')).status).toBe(404);
  });

  it('breakers are listed with what they know, and reset by name', async () => {
    const served = await start();
    const { rest } = await served.operator();
    await openBreaker(served, 'model:openai:m');
    const { body } = await rest.get('/v1/admin/breakers');
    expect(body.next_cursor).toBeNull();
    expect(body.items.map(({ name }: { name: string }) => name)).toEqual([
      'model:openai:m',
      'vector_search',
    ]);
    expect(body.items[0]).toMatchObject({
      state: 'open',
      failures: 5,
      refused: 0,
      in_flight: 0,
      times: { open: 1, half_open: 0, closed: 0 },
      last_transitions: [{ to: 'open', why: 'failures' }],
    });
    const { body: health } = await served.rest().get('/health/detailed');
    expect(health).toMatchObject({
      status: 'degraded',
      breakers: [
        { name: 'model:openai:m', state: 'open', last_transition: { to: 'open' } },
        { name: 'vector_search', state: 'closed', last_transition: null },
      ],
    });
    const { text } = await served.rest().get('/metrics');
    expect(text).toContain('colloquy_breaker_state{breaker="model:openai:m"} 2');
    expect(text).toContain(
      'colloquy_breaker_calls_total{breaker="model:openai:m",outcome="failure"} 5',
    );

    const reset = await rest.post('/v1/admin/breakers/model:openai:m/reset', {});
    expect(reset.status).toBe(200);
    expect(reset.body).toMatchObject({ state: 'closed', open_until: null });
    expect((await served.rest().get('/health/detailed')).body.status).toBe('ok');
    expect(served.lines).toContainEqual(
      expect.objectContaining({
        event: 'breaker_reset',
        about: { breaker: 'model:openai:m', participant_id: 'operator' },
      }),
    );
    expect((await rest.post('/v1/admin/breakers/none/reset', {})).status).toBe(404);
  });

  it('live actors come by id, a page at a time', async () => {
    const served = await start();
    const ada = await served.person('ada');
    for (const id of ['d', 'B', 'a', 'c', 'e']) await served.room(ada, id);
    await ada.rest.post('/v1/conversations/c/messages', { content: 'hello' });
    const { rest } = await served.operator();
    const first = (await rest.get('/v1/admin/actors?limit=2')).body;
    expect(first.items.map((item: { conversation_id: string }) => item.conversation_id)).toEqual([
      'B',
      'a',
    ]);
    const next = (await rest.get(`/v1/admin/actors?limit=2&cursor=${first.next_cursor}`)).body;
    expect(next.items).toMatchObject([
      {
        conversation_id: 'c',
        state: expect.stringMatching(/^open\./),
        head_seq: 2,
        listeners: 0,
        mailbox_depth: 0,
        running_turns: 0,
      },
      { conversation_id: 'd' },
    ]);
    const last = (await rest.get(`/v1/admin/actors?limit=2&cursor=${next.next_cursor}`)).body;
    expect(last).toMatchObject({ items: [{ conversation_id: 'e' }], next_cursor: null });
  });

  it('flags are the settings in force, without secrets', async () => {
    const served = await start({ openaiApiKey: 'sk-very-secret', mailboxCapacity: 7 });
    const { rest } = await served.operator();
    const { body, text } = await rest.get('/v1/admin/flags');
    expect(body.items).toContainEqual({ name: 'COLLOQUY_MAILBOX_CAPACITY', value: 7 });
    expect(body.items).toContainEqual({ name: 'COLLOQUY_OPENAI_API_KEY', value: '[set]' });
    expect(text).not.toContain('very-secret');
  });
});
