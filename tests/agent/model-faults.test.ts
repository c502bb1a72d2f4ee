import { inspect } from 'node:util';
import { afterEach, expect, test, vi } from 'vitest';

import { type Agent, type AgentChunk, AgentFailure } from '../../actors/agent-port.ts';
import type { ModelOptions } from '../../src/agent/langgraph/options.ts';
import { openAgent } from '../../src/agent/open.ts';
import { type ModelStub, type StubCall, startModelStub } from './model-stub.ts';
import { chunksOf, textOf, turn } from './turns.ts';

const KEY = 'sk-very-secret-key-0123456789';
let stub: ModelStub | undefined;

afterEach(async () => {
  vi.useRealTimers();
  await stub?.close();
  stub = undefined;
});

async function agentOn(
  answer: (call: StubCall, n: number) => void,
  more: Partial<ModelOptions> = {},
): Promise<{ agent: Agent; stub: ModelStub }> {
  stub = await startModelStub(answer);
  const model = { apiKey: KEY, baseUrl: stub.url, model: 'm', retryBaseMs: 5, ...more };
  const agent = await openAgent({ kind: 'openai', model });
  if (agent === undefined) throw new Error('no agent');
  return { agent, stub };
}

function speak(call: StubCall, ...tokens: string[]): void {
  for (const token of tokens) call.token(token);
}

/** The failure of a turn, and what came before it. */
async function failureOf(
  agent: Agent,
  seen: (chunk: AgentChunk) => void = () => undefined,
): Promise<{ failure: AgentFailure; chunks: AgentChunk[] }> {
  const chunks: AgentChunk[] = [];
  try {
    for await (const chunk of agent.answer(turn('hi'), new AbortController().signal)) {
      chunks.push(chunk);
      seen(chunk);
    }
  } catch (error) {
    if (error instanceof AgentFailure) return { failure: error, chunks };
    throw error;
  }
  throw new Error('it did not fail');
}

test('a model that does not begin is given up at the first-token watchdog, and its call is closed', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const begin = (call: StubCall) => {
    call.token('');
    void vi.advanceTimersByTimeAsync(400);
  };
  const { agent, stub } = await agentOn(begin, { firstTokenMs: 400 });
  const { failure } = await failureOf(agent);
  expect(failure).toMatchObject({
    reason: 'agent_unavailable',
    message: 'The model did not begin to answer in time.',
  });
  expect(await stub.calls[0]?.closed).toBe(true);
  expect(stub.calls).toHaveLength(1);
});

test('signs of life do not put the first-token watchdog off', async () => {
  const timers: NodeJS.Timeout[] = [];
  const { agent } = await agentOn((call) => timers.push(setInterval(() => call.token(''), 5)), {
    firstTokenMs: 400,
  });
  const { failure } = await failureOf(agent).finally(() => timers.forEach(clearInterval));
  expect(failure.message).toBe('The model did not begin to answer in time.');
});

test('a model that stalls between tokens is closed, asked once more, and its second answer counts', async () => {
  const { agent, stub } = await agentOn(
    (call, n) => {
      speak(call, 'It', ' is');
      if (n === 2) {
        speak(call, ' late.');
        call.finish();
      }
    },
    { stallMs: 400 },
  );
  const chunks = await chunksOf(agent, turn('hi'));
  expect(chunks.map((chunk) => (chunk.type === 'delta' ? chunk.text : chunk.type))).toEqual([
    'It',
    ' is',
    'restarted',
    'It',
    ' is',
    ' late.',
    'usage',
    'done',
  ]);
  expect(await stub.calls[0]?.closed).toBe(true);
});

test('a model that thinks between tokens is not taken for one that stalls', async () => {
  const timers: NodeJS.Timeout[] = [];
  const { agent } = await agentOn(
    (call) => {
      call.token('Well');
      let thoughts = 0;
      const timer = setInterval(() => {
        if (++thoughts < 13) return call.token('');
        clearInterval(timer);
        call.token(', yes.');
        call.finish();
      }, 100);
      timers.push(timer);
    },
    { stallMs: 1_000 },
  );
  expect(textOf(await chunksOf(agent, turn('hi')))).toBe('Well, yes.');
});

test('fails after a second cut, whatever kind of cut it is', async () => {
  const cuts: readonly (readonly [(call: StubCall) => void, string])[] = [
    [(call) => call.cut(), 'The connection to the model broke before its answer was whole.'],
    [(call) => call.end(), 'The connection to the model broke before its answer was whole.'],
    [
      (call) => call.event({ error: { message: 'overloaded', type: 'server_error', code: 'x' } }),
      'The model endpoint failed; ask again in a moment.',
    ],
  ];
  for (const [cut, message] of cuts) {
    const { agent, stub } = await agentOn((call) => speak(call, 'It', ' is'));
    const { failure, chunks } = await failureOf(agent, (chunk) => {
      const call = stub.calls.at(-1);
      if (call !== undefined && chunk.type === 'delta' && chunk.text === ' is') cut(call);
    });
    expect(failure).toMatchObject({ reason: 'agent_unavailable', message });
    expect(chunks.filter(({ type }) => type === 'restarted')).toHaveLength(1);
    expect(stub.calls).toHaveLength(2);
    await stub.close();
  }
  stub = undefined;
});

test('a connection that breaks before the first token is tried again in silence', async () => {
  const { agent } = await agentOn((call, n) => {
    if (n < 3) return call.cut();
    call.token('ok');
    call.finish();
  });
  const chunks = await chunksOf(agent, turn('hi'));
  expect(chunks.map(({ type }) => type)).toEqual(['delta', 'usage', 'done']);
});

test('an endpoint that is not there is a failure in public words', async () => {
  const { agent, stub } = await agentOn(() => undefined, { retries: 1 });
  await stub.close();
  const { failure } = await failureOf(agent);
  expect(failure).toMatchObject({
    reason: 'agent_unavailable',
    message: 'The model endpoint cannot be reached.',
  });
});

test('what cannot get better is not tried again, and is told in words people can act on', async () => {
  const cases: readonly (readonly [number, unknown, string, RegExp])[] = [
    [
      401,
      { message: `Incorrect API key provided: ${KEY}` },
      'agent_unavailable',
      /refuses the key/u,
    ],
    [404, { message: 'no such model' }, 'agent_unavailable', /no such model/u],
    [
      400,
      { message: 'maximum context length', code: 'context_length_exceeded' },
      'agent_unavailable',
      /longer than/u,
    ],
    [400, { message: 'bad' }, 'agent_unavailable', /refused the request/u],
    [429, { message: 'pay', code: 'insufficient_quota' }, 'agent_unavailable', /used up/u],
  ];
  for (const [status, error, reason, message] of cases) {
    const { agent, stub } = await agentOn((call) => call.refuse(status, {}, { error }));
    const { failure } = await failureOf(agent);
    expect(failure).toMatchObject({ reason, message: expect.stringMatching(message) });
    expect(stub.calls).toHaveLength(1);
    await stub.close();
  }
  stub = undefined;
});

test('no failure, at any depth, holds the key', async () => {
  for (const status of [401, 403, 404, 422, 429, 500, 503]) {
    const { agent, stub } = await agentOn((call) => call.refuse(status), { retries: 0 });
    const { failure } = await failureOf(agent);
    expect(inspect(failure, { depth: 10, showHidden: true })).not.toContain(KEY);
    expect(failure.message).not.toMatch(/\n|\bat \//u);
    await stub.close();
  }
  stub = undefined;
});

test('an endpoint that asks for more patience than a turn has is not asked again', async () => {
  const { agent, stub } = await agentOn((call) => call.refuse(429, { 'retry-after': '3600' }));
  expect((await failureOf(agent)).failure.message).toMatch(/too many requests/u);
  expect(stub.calls).toHaveLength(1);
});

test('an answer of nothing is a failure, and so is one that the provider withheld', async () => {
  const { agent } = await agentOn((call, n) => {
    call.token('');
    call.finish(n === 1 ? 'stop' : 'content_filter');
  });
  expect((await failureOf(agent)).failure).toMatchObject({
    reason: 'agent_unavailable',
    message: 'The model gave no answer.',
  });
  expect((await failureOf(agent)).failure).toMatchObject({ reason: 'content_refused' });
});

test('the breaker leaves a broken endpoint alone, and closes after two good calls', async () => {
  let isBroken = true;
  const { agent, stub } = await agentOn(
    (call) => {
      if (isBroken) return call.refuse(500);
      call.token('ok');
      call.finish();
    },
    { retries: 0, breakerFailures: 2, breakerOpenMs: 60_000 },
  );
  vi.useFakeTimers({ toFake: ['Date'] });
  await failureOf(agent);
  await failureOf(agent);
  expect((await failureOf(agent)).failure.message).toMatch(/left alone/u);
  expect(stub.calls).toHaveLength(2);

  vi.setSystemTime(Date.now() + 60_001);
  await failureOf(agent);
  vi.setSystemTime(Date.now() + 60_001);
  expect((await failureOf(agent)).failure.message).toMatch(/left alone/u);
  expect(stub.calls).toHaveLength(3);

  isBroken = false;
  vi.setSystemTime(Date.now() + 60_001);
  for (let i = 0; i < 3; i++) expect(textOf(await chunksOf(agent, turn('hi')))).toBe('ok');
});

test('refusals that are no sign of a broken endpoint do not open the breaker', async () => {
  const { agent, stub } = await agentOn((call) => call.refuse(429), {
    retries: 0,
    breakerFailures: 1,
  });
  for (let i = 0; i < 3; i++)
    expect((await failureOf(agent)).failure.message).toMatch(/too many requests/u);
  expect(stub.calls).toHaveLength(3);
});

test('an endpoint that does not say whose words they are is understood', async () => {
  const { agent } = await agentOn((call) => {
    const choice = (delta: object, finish_reason: string | null = null) =>
      call.event({ choices: [{ index: 0, delta, finish_reason }] });
    choice({ content: 'Hello' });
    choice({ content: ' there' });
    choice({}, 'stop');
    call.end();
  });
  expect(textOf(await chunksOf(agent, turn('hi')))).toBe('Hello there');
});
