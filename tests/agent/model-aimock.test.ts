import { LLMock } from '@copilotkit/aimock';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { ModelOptions } from '../../src/agent/langgraph/options.ts';
import { openAgent } from '../../src/agent/open.ts';
import { chunksOf, textOf, turn } from './turns.ts';

/** A real endpoint over HTTP behind the real client: what a provider does on its good and bad days. */
const mock = new LLMock({ port: 0 });
const KEY = 'sk-very-secret-key-0123456789';

beforeAll(() => mock.start());
afterAll(() => mock.stop());
afterEach(() => {
  mock.reset();
});

async function agentOf(more: Partial<ModelOptions> = {}) {
  const model = { apiKey: KEY, baseUrl: `${mock.url}/v1`, model: 'm', retryBaseMs: 5, ...more };
  const agent = await openAgent({ kind: 'openai', model });
  if (agent === undefined) throw new Error('no agent');
  return agent;
}

const WEATHER = 'Sunny, with a light breeze from the harbour, and warm enough for a swim.';

test('streams what the model says, in pieces, then its usage and `done`', async () => {
  mock.onMessage(
    /weather/u,
    { content: WEATHER, usage: { prompt_tokens: 42, completion_tokens: 17 } },
    { chunkSize: 8 },
  );
  const chunks = await chunksOf(await agentOf(), turn('How is the weather?'));
  expect(textOf(chunks)).toBe(WEATHER);
  expect(chunks.filter(({ type }) => type === 'delta').length).toBeGreaterThan(5);
  expect(chunks.slice(-2)).toEqual([
    { type: 'usage', usage: { input_tokens: 42, output_tokens: 17 } },
    { type: 'done' },
  ]);
});

test('one agent answers many turns at once, each with its own words', async () => {
  const words = Array.from({ length: 20 }, (_, i) => `answer number ${i}`);
  for (const [i, content] of words.entries())
    mock.onMessage(new RegExp(`question ${i}$`, 'u'), { content }, { chunkSize: 3 });
  const agent = await agentOf();
  const answers = await Promise.all(words.map((_, i) => chunksOf(agent, turn(`question ${i}`))));
  expect(answers.map(textOf)).toEqual(words);
});

test('asks again after a 429, when the endpoint allows it, and nobody notices', async () => {
  mock.on(
    { userMessage: /weather/u, sequenceIndex: 0 },
    { error: { message: 'slow down' }, status: 429, retryAfter: 1 },
  );
  mock.on({ userMessage: /weather/u, sequenceIndex: 1 }, { content: WEATHER });
  const startedAt = performance.now();
  const chunks = await chunksOf(await agentOf(), turn('How is the weather?'));
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(990);
  expect(textOf(chunks)).toBe(WEATHER);
  expect(chunks.some(({ type }) => type === 'restarted')).toBe(false);
});

test('asks again after a 500', async () => {
  mock.on({ userMessage: /weather/u, sequenceIndex: 0 }, { error: { message: 'oh' }, status: 500 });
  mock.on({ userMessage: /weather/u, sequenceIndex: 1 }, { content: WEATHER });
  expect(textOf(await chunksOf(await agentOf(), turn('How is the weather?')))).toBe(WEATHER);
});

test('fails in public words when the endpoint answers 500 for ever', async () => {
  mock.on({ userMessage: /weather/u }, { error: { message: `broken, key ${KEY}` }, status: 500 });
  const failed = chunksOf(await agentOf({ retries: 2 }), turn('How is the weather?'));
  await expect(failed).rejects.toMatchObject({
    reason: 'agent_unavailable',
    message: 'The model endpoint failed; ask again in a moment.',
  });
  expect(mock.getRequests()).toHaveLength(3);
});

test('begins anew after a cut in the middle; the last attempt is the answer', async () => {
  mock.on(
    { userMessage: /weather/u, sequenceIndex: 0 },
    { content: WEATHER },
    // With time to arrive between them: what was sent last is lost with the connection.
    { chunkSize: 8, truncateAfterChunks: 6, latency: 10 },
  );
  mock.on({ userMessage: /weather/u, sequenceIndex: 1 }, { content: WEATHER }, { chunkSize: 8 });
  const chunks = await chunksOf(await agentOf(), turn('How is the weather?'));
  const types = chunks.map(({ type }) => type);
  expect(types.filter((type) => type === 'restarted')).toHaveLength(1);
  expect(types.indexOf('delta')).toBeLessThan(types.indexOf('restarted'));
  expect(textOf(chunks)).toBe(WEATHER);
  expect(mock.getRequests()).toHaveLength(2);
});
