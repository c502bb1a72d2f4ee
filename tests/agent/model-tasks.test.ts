import { LLMock } from '@copilotkit/aimock';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { openAgent } from '../../src/agent/open.ts';

/** What the model behind an agent writes besides answers, over real HTTP. */
const mock = new LLMock({ port: 0 });
const KEY = 'sk-very-secret-key-0123456789';
const TASK = { instructions: 'Sum it up.', text: "Ana: the lake is green, and $' is text" };

beforeAll(() => mock.start());
afterAll(() => mock.stop());
afterEach(() => {
  mock.reset();
});

async function complete(signal = new AbortController().signal) {
  const model = { apiKey: KEY, baseUrl: `${mock.url}/v1`, model: 'm', retryBaseMs: 5, retries: 1 };
  const agent = await openAgent({ kind: 'openai', model });
  if (agent?.complete === undefined) throw new Error('no model');
  return agent.complete(TASK, signal);
}

test('a task is done in one call: the instructions are the server’s, the text is a person’s', async () => {
  mock.on(
    { userMessage: /lake/u },
    { content: 'A green lake.', usage: { prompt_tokens: 12, completion_tokens: 4 } },
  );
  expect(await complete()).toEqual({
    text: 'A green lake.',
    usage: { input_tokens: 12, output_tokens: 4 },
  });
  const [request, ...others] = mock.getRequests();
  expect(others).toEqual([]);
  expect(request?.body).toMatchObject({
    messages: [
      { role: 'system', content: TASK.instructions },
      { role: 'user', content: TASK.text },
    ],
  });
});

test('it is tried again like an answer, and fails in public words', async () => {
  mock.on({ userMessage: /lake/u }, { error: { message: `broken ${KEY}` }, status: 500 });
  const failed = await complete().catch((error: unknown) => error);
  expect(failed).toMatchObject({ reason: 'agent_unavailable' });
  expect(String(failed)).not.toContain(KEY);
  expect(mock.getRequests()).toHaveLength(2);
});

test('it ends with its signal', async () => {
  mock.on({ userMessage: /lake/u }, { content: 'late' }, { latency: 5_000 });
  const closing = new AbortController();
  const ended = complete(closing.signal);
  setImmediate(() => closing.abort(new Error('closing')));
  await expect(ended).rejects.toThrow('closing');
});
