import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Agent } from '../../actors/agent-port.ts';
import { WireClient } from '../support/wire-client.ts';
import { type Served, useServed } from './served.ts';

const start = useServed();

/** Flags what has "bomb" in it; slow with what says so; can be down. */
let isDown: boolean;
const endpoint = createServer(async (request, response) => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const { input } = JSON.parse(Buffer.concat(parts).toString()) as { input: string };
  if (input.includes('slow')) await new Promise((resolve) => setTimeout(resolve, 50));
  const isFlagged = input.includes('bomb');
  // Of those refusals that open no breaker.
  response.writeHead(isDown ? 404 : 200).end(JSON.stringify({ results: [{ flagged: isFlagged }] }));
});

beforeAll(async () => {
  endpoint.listen(0, '127.0.0.1');
  await once(endpoint, 'listening');
});
afterAll(() => {
  endpoint.closeAllConnections();
  endpoint.close();
});
beforeEach(() => {
  isDown = false;
});

const url = () => `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/v1`;
const MESSAGES = '/v1/conversations/c/messages';

async function alone(served: Served) {
  const ada = await served.person('ada');
  await served.room(ada, 'c');
  const client = await WireClient.connect(`${served.url.replace('http', 'ws')}/v1/ws`, {
    token: ada.token,
  });
  await client.joinLive('c', {});
  return { ada, client };
}

describe('moderation of messages', () => {
  it('refuses with 422 and stores nothing, over REST and WebSocket, and for edits', async () => {
    const served = await start({ wordFilter: true });
    const { ada, client } = await alone(served);
    const refused = await ada.rest.post(MESSAGES, { content: 'what the fuck' });
    expect([refused.status, refused.body.reason]).toEqual([422, 'content_refused']);
    const sent = await client.trySend('c', 'what the fuck');
    expect(sent).toMatchObject({ type: 'error', code: 422, reason: 'content_refused' });
    const { seq } = await client.send('c', 'what a day');
    expect(seq).toBe(2);
    const edit = { type: 'edit', conversation_id: 'c', seq, content: 'what the fuck' } as const;
    expect(await client.ask(edit)).toMatchObject({ reason: 'content_refused' });
    expect((await ada.rest.get(`${MESSAGES}/2`)).body.content).toBe('what a day');
    await served.clock.pass(100);
    const { rest } = await served.operator();
    const { body } = await rest.get('/v1/admin/audit?action=message.refused');
    expect(body.items).toHaveLength(3);
    await client.close();
  });

  it('asks the endpoint in the order in which a connection speaks', async () => {
    const served = await start({ moderationUrl: url() });
    const { ada, client } = await alone(served);
    const answers = await Promise.all([
      client.send('c', 'slow one'),
      client.trySend('c', 'a bomb'),
      client.send('c', 'two'),
    ]);
    expect(answers.map((answer) => (answer.type === 'ack' ? answer.seq : answer.type))).toEqual([
      2,
      'error',
      3,
    ]);
    expect((await ada.rest.get(`${MESSAGES}/2`)).body.content).toBe('slow one');
    await client.close();
  });

  it('does not refuse what is stored under its key already', async () => {
    const served = await start({ moderationUrl: url(), moderationDown: 'refuse' });
    const { ada, client } = await alone(served);
    const { seq } = await client.send('c', 'hello', { key: 'k' });
    isDown = true;
    expect(await client.send('c', 'hello', { key: 'k' })).toMatchObject({ seq, duplicate: true });
    const other = await client.trySend('c', 'hello?');
    expect(other).toMatchObject({ code: 503, reason: 'overloaded', retryable: true });
    const headers = { 'idempotency-key': 'k' };
    const again = await ada.rest.post(MESSAGES, { content: 'hello' }, headers);
    expect([again.status, again.body.duplicate]).toEqual([200, true]);
    await client.close();
  });

  it('withholds the sentence of an answer that is refused, and what comes after it', async () => {
    const words = 'All is well. What the fuck is it? Never said.'.split(/(?<= )/u);
    const agent: Agent = {
      label: 'm',
      answer: async function* () {
        for (const text of words) yield { type: 'delta', text };
        yield { type: 'done' };
      },
    };
    const served = await start({ wordFilter: true, moderateAnswers: true }, agent);
    const { ada, client } = await alone(served);
    await client.send('c', 'How is it?');
    const ended = await client.waitFor('turn.ended');
    expect(ended).toMatchObject({
      state: 'failed',
      error: { code: 422, reason: 'content_refused' },
    });
    const shown = client.framesOf('turn.delta').map(({ text }) => text);
    expect(shown.join('')).toBe('All is well. ');
    const log = (await ada.rest.get('/v1/conversations/c/events')).text;
    expect(log).not.toContain('fuck');
    await served.clock.pass(100);
    const { rest } = await served.operator();
    const { body } = await rest.get('/v1/admin/audit?action=answer.refused');
    expect(body.items).toMatchObject([
      { participant_id: 'assistant', target: ended.turn_id, from: null },
    ]);
    await client.close();
  });
});
