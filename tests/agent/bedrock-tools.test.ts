import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openAgent } from '../../src/agent/open.ts';
import { type BedrockStub, type ConverseCall, startBedrockStub } from './bedrock-stub.ts';
import { adding, type Ran, ToolRecord } from './tool-record.ts';
import { chunksOf, textOf } from './turns.ts';

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

async function agentOn(ran: Ran[], answer: (call: ConverseCall, n: number) => void) {
  stub = await startBedrockStub(answer);
  const bedrock = { region: 'eu-central-1', endpoint: stub.url };
  const model = { model: 'bedrock:anthropic.claude-x-v1:0', bedrock, retryBaseMs: 5 };
  const agent = await openAgent({ kind: 'bedrock', model, tools: async () => [adding(ran)] });
  if (agent === undefined) throw new Error('no agent');
  return { agent, calls: stub.calls };
}

function ask(call: ConverseCall, index: number, input: string): void {
  const contentBlockIndex = index;
  call.event('contentBlockStart', {
    contentBlockIndex,
    start: { toolUse: { toolUseId: `tooluse_${index}`, name: 'add' } },
  });
  for (const piece of input.match(/.{1,5}/gu) ?? [])
    call.event('contentBlockDelta', { contentBlockIndex, delta: { toolUse: { input: piece } } });
  call.event('contentBlockStop', { contentBlockIndex });
}

test('tools of a model of Bedrock run, together, and their results go back to it', async () => {
  const ran: Ran[] = [];
  const record = new ToolRecord();
  const { agent, calls } = await agentOn(ran, (call, n) => {
    if (n > 1) {
      call.token('Both done.');
      return call.finish();
    }
    call.token('Adding.');
    ask(call, 1, '{"a": 1, "b": 2}');
    ask(call, 2, '{"a": 30, "b": 4}');
    call.finish('tool_use');
  });
  expect(textOf(await chunksOf(agent, record.input('1+2, 30+4?')))).toBe('Adding.\n\nBoth done.');
  expect(ran.map(({ args }) => args)).toEqual([
    { a: 1, b: 2 },
    { a: 30, b: 4 },
  ]);
  expect(record.begun.map(({ callId }) => callId)).toEqual(['tooluse_1', 'tooluse_2']);
  expect(calls[0]?.body.toolConfig.tools).toMatchObject([{ toolSpec: { name: 'add' } }]);
  expect(calls[1]?.body.messages.slice(1)).toMatchObject([
    {
      role: 'assistant',
      content: [
        { text: 'Adding.' },
        { toolUse: { toolUseId: 'tooluse_1', name: 'add', input: { a: 1, b: 2 } } },
        { toolUse: { toolUseId: 'tooluse_2', name: 'add', input: { a: 30, b: 4 } } },
      ],
    },
    {
      role: 'user',
      content: [
        { toolResult: { toolUseId: 'tooluse_1' } },
        { toolResult: { toolUseId: 'tooluse_2' } },
      ],
    },
  ]);
});

test('a model of Bedrock that says nothing before it asks for a tool is sent back no empty text', async () => {
  const { agent, calls } = await agentOn([], (call, n) => {
    if (n > 1) call.token('3');
    else ask(call, 0, '{"a": 1, "b": 2}');
    call.finish(n > 1 ? 'end_turn' : 'tool_use');
  });
  expect(textOf(await chunksOf(agent, new ToolRecord().input('1+2?')))).toBe('3');
  expect(calls[1]?.body.messages[1].content).toEqual([
    { toolUse: { toolUseId: 'tooluse_0', name: 'add', input: { a: 1, b: 2 } } },
  ]);
});
