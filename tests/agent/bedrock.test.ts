import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Agent, AgentFailure } from '../../actors/agent-port.ts';
import type { ModelSpec } from '../../src/agent/model-agent.ts';
import { openAgent } from '../../src/agent/open.ts';
import { currentTime } from '../../src/agent/tools/current-time.ts';
import type { ToolSource } from '../../src/agent/tools/tool.ts';
import { type BedrockStub, type ConverseCall, startBedrockStub } from './bedrock-stub.ts';
import { chunksOf, textOf, turn } from './turns.ts';

const MODEL = 'anthropic.claude-x-v1:0';
let stub: BedrockStub | undefined;

beforeEach(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAEXAMPLEEXAMPLE12');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'very-secret-key');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await stub?.close();
  stub = undefined;
});

async function agentOn(
  answer: (call: ConverseCall, n: number) => void,
  more: Partial<ModelSpec> = {},
  tools: ToolSource = async () => [],
): Promise<{ agent: Agent; stub: BedrockStub }> {
  stub = await startBedrockStub(answer);
  const bedrock = { region: 'eu-central-1', endpoint: stub.url };
  const model = { model: `bedrock:${MODEL}`, bedrock, retryBaseMs: 5, ...more };
  const agent = await openAgent({ kind: 'bedrock', model, tools });
  if (agent === undefined) throw new Error('no agent');
  return { agent, stub };
}

async function failureOf(agent: Agent): Promise<AgentFailure> {
  try {
    await chunksOf(agent, turn('hi'));
  } catch (error) {
    if (error instanceof AgentFailure) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

const speak = (call: ConverseCall, ...tokens: string[]) => {
  for (const token of tokens) call.token(token);
};

describe('a model of Bedrock', () => {
  test('streams its answer, says its usage, and is asked by its id with a signature', async () => {
    const { agent, stub } = await agentOn((call) => {
      call.event('messageStart', { role: 'assistant' });
      speak(call, 'Hello', ', Ana');
      call.finish();
    });
    const chunks = await chunksOf(agent, turn(['Ana', 'Hi']));
    expect(textOf(chunks)).toBe('Hello, Ana');
    expect(chunks).toContainEqual({ type: 'usage', usage: { input_tokens: 7, output_tokens: 3 } });
    expect(chunks.at(-1)).toEqual({ type: 'done' });
    const [call] = stub.calls;
    expect(call?.path).toBe(`/model/${MODEL}/converse-stream`);
    expect(call?.headers.authorization).toMatch(/^AWS4-HMAC-SHA256 .*eu-central-1\/bedrock/);
    expect(call?.body.system[0].text).toContain('You are Assistant');
  });

  test('gets neighbours of one role as one message: people and model by turns', async () => {
    const { agent, stub } = await agentOn((call) => {
      speak(call, 'yes');
      call.finish();
    });
    await chunksOf(
      agent,
      turn(['Ana', 'one'], ['Ben', 'two'], ['Assistant', 'hm'], ['Ben', 'so?']),
    );
    expect(stub.calls[0]?.body.messages).toMatchObject([
      { role: 'user', content: [{ text: 'Ana: one\n\nBen: two' }] },
      { role: 'assistant', content: [{ text: 'hm' }] },
      { role: 'user', content: [{ text: 'Ben: so?' }] },
    ]);
  });

  test('calls a tool, and answers with what it gave', async () => {
    const { agent, stub } = await agentOn(
      (call, n) => {
        if (n > 1) {
          speak(call, 'Noon.');
          return call.finish();
        }
        const toolUse = { toolUseId: 'u1', name: 'current_time' };
        call.event('contentBlockStart', { contentBlockIndex: 0, start: { toolUse } });
        for (const input of ['{"time', 'zone":"UTC"}'])
          call.event('contentBlockDelta', { contentBlockIndex: 0, delta: { toolUse: { input } } });
        call.finish('tool_use');
      },
      {},
      async () => [currentTime(() => Date.UTC(2026, 1, 28, 12))],
    );
    expect(textOf(await chunksOf(agent, turn('what time is it?')))).toBe('Noon.');
    const [first, second] = stub.calls.map(({ body }) => body);
    expect(first.toolConfig.tools[0].toolSpec.name).toBe('current_time');
    const [asked, given] = second.messages.slice(-2);
    const id = asked.content.at(-1).toolUse.toolUseId;
    expect(asked).toMatchObject({ role: 'assistant' });
    expect(asked.content.at(-1).toolUse).toMatchObject({
      name: 'current_time',
      input: { timezone: 'UTC' },
    });
    expect(given).toMatchObject({ role: 'user', content: [{ toolResult: { toolUseId: id } }] });
    expect(JSON.stringify(given)).toContain('2026-02-28');
  });

  test('is asked again when it is throttled before anything was shown, as late as it says', async () => {
    const { agent, stub } = await agentOn((call, n) => {
      if (n === 1) return call.refuse(429, 'ThrottlingException', { 'retry-after': '0' });
      speak(call, 'now');
      call.finish();
    });
    expect(textOf(await chunksOf(agent, turn('hi')))).toBe('now');
    expect(stub.calls.length).toBe(2);
  });

  test.each([
    [
      'AccessDeniedException',
      403,
      'The model endpoint refuses the key; the operator must see to it.',
    ],
    [
      'ResourceNotFoundException',
      404,
      'The model endpoint has no such model; the operator must see to it.',
    ],
    ['ValidationException', 400, 'The model endpoint refused the request.'],
  ] as const)('%s is final', async (type, status, message) => {
    const { agent, stub } = await agentOn((call) => call.refuse(status, type));
    const failure = await failureOf(agent);
    expect(failure).toMatchObject({ reason: 'agent_unavailable', message });
    expect(stub.calls.length).toBe(1);
  });

  test('an error inside the stream, and a stream that breaks off, begin the answer again', async () => {
    for (const breakOff of [
      (call: ConverseCall) => call.exception('modelStreamErrorException', 'oops'),
      (call: ConverseCall) => call.end(),
      (call: ConverseCall) => call.cut(),
    ]) {
      const { agent, stub: one } = await agentOn((call, n) => {
        speak(call, n === 1 ? 'I thi' : 'whole');
        if (n === 1) breakOff(call);
        else call.finish();
      });
      const chunks = await chunksOf(agent, turn('hi'));
      expect(chunks.some(({ type }) => type === 'restarted')).toBe(true);
      expect(textOf(chunks)).toBe('whole');
      await one.close();
    }
  });

  test('one that stalls is given up, and its call is closed', async () => {
    const { agent, stub } = await agentOn((call) => speak(call, 'I thi'), { stallMs: 200 });
    expect((await failureOf(agent)).message).toBe('The model stopped in the middle of its answer.');
    await Promise.all(stub.calls.map(({ closed }) => closed));
    expect(stub.calls.length).toBe(2);
  });

  test('an endpoint that is not there is unreachable, and no key is told', async () => {
    const { agent, stub } = await agentOn(() => {}, { retries: 0 });
    await stub.close();
    const failure = await failureOf(agent);
    expect(failure.message).toBe('The model endpoint cannot be reached.');
    expect(String(failure.cause)).not.toContain('AKIA');
  });

  test('what its guardrail withholds is refused, not an empty answer', async () => {
    const { agent } = await agentOn((call) => call.finish('guardrail_intervened'));
    expect(await failureOf(agent)).toMatchObject({ reason: 'content_refused' });
  });

  test('a turn that is cancelled closes its call', async () => {
    const { agent, stub } = await agentOn((call) => speak(call, 'I thi'));
    const abort = new AbortController();
    for await (const chunk of agent.answer(turn('hi'), abort.signal)) {
      if (chunk.type === 'delta') abort.abort(new Error('cancelled'));
    }
    await stub.calls[0]?.closed;
  });
});
