import { LLMock } from '@copilotkit/aimock';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAgent } from '../../src/agent/open.ts';
import { conversationId } from '../../src/domain/ids.ts';
import { until } from '../support/until.ts';
import { type Person, type Served, useServed } from './served.ts';

const start = useServed();
const mock = new LLMock({ port: 0 });
const MESSAGES = '/v1/conversations/c/messages';
const ROOM = conversationId('c');
const LONG = 'We row the green boat to the island and back, whatever the weather is. '.repeat(6);

beforeAll(async () => {
  await mock.start();
  const isSummary = (text: string) => /The messages:/u.test(text);
  mock.on(
    { predicate: ({ messages }) => isSummary(String(messages.at(-1)?.content)) },
    { content: 'They row a boat to an island.' },
  );
  mock.on({ userMessage: /./u }, { content: 'Aye.' });
});
afterAll(() => mock.stop());

async function room(): Promise<{ served: Served; ada: Person }> {
  const model = { apiKey: 'k', baseUrl: `${mock.url}/v1`, model: 'm', contextTokens: 700 };
  const agent = await openAgent({ kind: 'openai', model });
  const served = await start({ summaryTokens: 500, contextTokens: 700 }, agent);
  const ada = await served.person('ada');
  await served.room(ada, 'c');
  return { served, ada };
}

/** Says it, and waits for the answer. */
async function talk({ served, ada }: { served: Served; ada: Person }, content: string) {
  const { body } = await ada.rest.post(MESSAGES, { content });
  await until(async () => {
    await served.clock.pass(20);
    const { items } = (await ada.rest.get('/v1/conversations/c/turns')).body;
    const turn = items.find(({ trigger_seq }: { trigger_seq: number }) => trigger_seq === body.seq);
    return turn?.state === 'completed';
  });
  return body.seq as number;
}

const summaryOf = async ({ store }: Served) => {
  const read = await store.readSummary(ROOM);
  return read.ok ? read.value : undefined;
};

describe('a conversation that is longer than a prompt', () => {
  it('is summed up by the model of its agent, and the next prompt tells of what it has no room for', async () => {
    const here = await room();
    for (let n = 0; n < 8; n += 1) await talk(here, `${n}: ${LONG}`);
    await until(async () => (await summaryOf(here.served)) !== undefined);
    await talk(here, 'What do we do with the island?');
    const last = mock
      .getRequests()
      .findLast(({ body }) => JSON.stringify(body).includes('What do we do with the island?'));
    const body = (last?.body ?? {}) as { messages?: { role: string; content: string }[] };
    const { messages = [] } = body;
    expect(messages[1]).toMatchObject({ role: 'user' });
    expect(messages[1]?.content).toContain('They row a boat to an island.');
    expect(messages[1]?.content).toMatch(/ada \(message \d+\): \d: We row/u);
    expect(messages.at(-1)?.content).toBe('ada: What do we do with the island?');
    const { text } = await here.ada.rest.get('/metrics');
    expect(text).toMatch(/pipeline_total\{stage="memory",outcome="summary_and_messages"\} [1-9]/);
  });

  it('has no summary of what is deleted, from the moment it is', async () => {
    const here = await room();
    const first = await talk(here, `0: ${LONG}`);
    for (let n = 1; n < 7; n += 1) await talk(here, `${n}: ${LONG}`);
    await until(async () => (await summaryOf(here.served)) !== undefined);
    await here.ada.rest.delete(`${MESSAGES}/${first}`);
    expect(await summaryOf(here.served)).toBeUndefined();
    await talk(here, 'And now?');
    await until(async () => (await summaryOf(here.served)) !== undefined);
    const made = mock
      .getRequests()
      .findLast(({ body }) => JSON.stringify(body).includes('The messages:'));
    expect(JSON.stringify(made?.body)).not.toContain('ada: 0: We row');
  });
});
