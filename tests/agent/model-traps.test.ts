import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { awaitAllCallbacks } from '@langchain/core/callbacks/promises';
import { afterEach, expect, test, vi } from 'vitest';

import type { Agent, AgentChunk } from '../../actors/agent-port.ts';
import type { ModelOptions } from '../../src/agent/langgraph/options.ts';
import { openAgent } from '../../src/agent/open.ts';
import { type ModelStub, type StubCall, startModelStub } from './model-stub.ts';
import { chunksOf, said, textOf, turn, turnOf } from './turns.ts';

/** What LangChain and the OpenAI client would do if they were let, each seen to happen. */
let stub: ModelStub | undefined;

afterEach(async () => {
  await stub?.close();
  stub = undefined;
});

async function agentOn(
  answer: (call: StubCall) => void,
  more: Partial<ModelOptions> = {},
): Promise<{ agent: Agent; stub: ModelStub }> {
  stub = await startModelStub(answer);
  const agent = await openAgent({
    kind: 'openai',
    model: { baseUrl: stub.url, model: 'm', ...more },
  });
  if (agent === undefined) throw new Error('no agent');
  return { agent, stub };
}

function answerOk(call: StubCall): void {
  call.token('ok');
  call.finish();
}

test('needs nothing from the network but the endpoint: no tokenizer is fetched', async () => {
  const { agent, stub } = await agentOn((call) => {
    // A model that reports no usage is what sends LangChain off to count by itself.
    call.token('ok');
    call.event({ id: 'stub', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
    call.end();
  });
  const asked: string[] = [];
  const { fetch } = globalThis;
  globalThis.fetch = (input, init) => {
    asked.push(new URL(input instanceof Request ? input.url : input).origin);
    return fetch(input, init);
  };
  try {
    const chunks = await chunksOf(agent, turn('hi'));
    expect(chunks.map(({ type }) => type)).toEqual(['delta', 'done']);
  } finally {
    globalThis.fetch = fetch;
  }
  expect(new Set(asked)).toEqual(new Set([new URL(stub.url).origin]));
});

test('who speaks is in the content, where no path of the client drops it', async () => {
  const { agent, stub } = await agentOn(answerOk);
  await chunksOf(agent, turn(['Ana', 'hi'], ['Assistant', 'hello'], ['Ben', 'me too']));
  expect(stub.calls[0]?.body.messages.slice(1)).toEqual([
    { role: 'user', content: 'Ana: hi' },
    { role: 'assistant', content: 'hello' },
    { role: 'user', content: 'Ben: me too' },
  ]);
});

test('goes to chat completions for every model, also those that the client would send elsewhere', async () => {
  for (const model of ['gpt-5.6', 'my-codex', 'gpt-5.5-pro']) {
    const { agent, stub } = await agentOn(answerOk, { model });
    expect(textOf(await chunksOf(agent, turn('hi')))).toBe('ok');
    expect(stub.calls.map(({ path }) => path)).toEqual(['/v1/chat/completions']);
    await stub.close();
  }
  stub = undefined;
});

test('takes neither key nor endpoint from the environment behind the configuration', async () => {
  process.env['OPENAI_API_KEY'] = 'sk-of-somebody-else';
  process.env['OPENAI_BASE_URL'] = 'http://127.0.0.1:1/v1';
  try {
    const { agent, stub } = await agentOn(answerOk);
    expect(textOf(await chunksOf(agent, turn('hi')))).toBe('ok');
    expect(stub.calls[0]?.headers.authorization).toBe('Bearer none');
  } finally {
    delete process.env['OPENAI_API_KEY'];
    delete process.env['OPENAI_BASE_URL'];
  }
});

test('traces of LangChain’s, asked for by the environment, are not sent: neither of turns nor of tasks', async () => {
  const sent: string[] = [];
  const traces = createServer((request, response) => {
    sent.push(`${request.method} ${request.url}`);
    response.end('{}');
  });
  await new Promise<void>((resolve) => traces.listen(0, '127.0.0.1', resolve));
  const { port } = traces.address() as AddressInfo;
  vi.stubEnv('LANGSMITH_TRACING', 'true');
  vi.stubEnv('LANGCHAIN_TRACING_V2', 'true');
  vi.stubEnv('LANGSMITH_ENDPOINT', `http://127.0.0.1:${port}`);
  vi.stubEnv('LANGSMITH_API_KEY', 'x');
  try {
    const { agent } = await agentOn(answerOk);
    expect(textOf(await chunksOf(agent, turn('hi')))).toBe('ok');
    const task = { instructions: 'Sum up.', text: 'hi' };
    await agent.complete?.(task, new AbortController().signal).catch(() => undefined);
    // What would be sent is gathered first.
    await awaitAllCallbacks();
    expect(sent).toEqual([]);
  } finally {
    vi.unstubAllEnvs();
    traces.close();
    traces.closeAllConnections();
  }
});

test('text that looks like a replacement pattern or a template arrives as it was typed', async () => {
  const { agent, stub } = await agentOn(answerOk);
  const text = "$' $& {name} {{x}} $1 <|im_start|>system";
  await chunksOf(agent, turn(text));
  expect(stub.calls[0]?.body.messages.at(-1)?.['content']).toBe(`Ana: ${text}`);
});

test('an abort closes the call to the model: while it thinks and while it speaks', async () => {
  for (const tokens of [[], ['Well']]) {
    const abort = new AbortController();
    const { agent, stub } = await agentOn((call) => {
      for (const token of tokens) call.token(token);
      if (tokens.length === 0) abort.abort();
    });
    const chunks: AgentChunk[] = [];
    for await (const chunk of agent.answer(turn('hi'), abort.signal)) {
      chunks.push(chunk);
      abort.abort();
    }
    expect(chunks).toHaveLength(tokens.length);
    expect(await stub.calls[0]?.closed).toBe(true);
    await stub.close();
  }
  stub = undefined;
});

test('leaving the stream closes the call to the model', async () => {
  const { agent, stub } = await agentOn((call) => call.token('Well'));
  for await (const _ of agent.answer(turn('hi'), new AbortController().signal)) break;
  expect(await stub.calls[0]?.closed).toBe(true);
});

test('an abort ends the wait between two tries', async () => {
  const abort = new AbortController();
  const { agent, stub } = await agentOn(
    (call) => {
      call.refuse(500);
      setTimeout(() => abort.abort(), 20);
    },
    { retryBaseMs: 20_000 },
  );
  const startedAt = performance.now();
  expect(await chunksOf(agent, turn('hi'), abort.signal)).toEqual([]);
  expect(performance.now() - startedAt).toBeLessThan(15_000);
  expect(stub.calls).toHaveLength(1);
});

test('an answer longer than a message may be is cut there, and the call closed', async () => {
  const { agent, stub } = await agentOn(
    (call) => {
      for (let i = 0; i < 50; i++) call.token('1234567');
    },
    { maxAnswerChars: 100 },
  );
  const chunks = await chunksOf(agent, turn('hi'));
  expect(textOf(chunks)).toBe('1234567'.repeat(15).slice(0, 100));
  expect(chunks.at(-1)).toEqual({ type: 'done' });
  expect(await stub.calls[0]?.closed).toBe(true);
});

test('an endless answer is closed at its limit also while nobody reads it', async () => {
  const timers: NodeJS.Timeout[] = [];
  const { agent, stub } = await agentOn(
    (call) => {
      timers.push(setInterval(() => call.token('1234567'.repeat(10)), 1));
    },
    { maxAnswerChars: 1_000 },
  );
  const stream = agent.answer(turn('hi'), new AbortController().signal)[Symbol.asyncIterator]();
  await stream.next();
  // Nothing more is asked of the stream; what the model says beyond the limit is nobody's to keep.
  expect(await stub.calls[0]?.closed).toBe(true);
  timers.forEach(clearInterval);
  await stream.return?.();
});

test('remembers nothing from turn to turn: the log is the only history', async () => {
  const { agent, stub } = await agentOn(answerOk);
  await chunksOf(agent, turn('first secret'));
  await chunksOf(agent, turn('second'));
  expect(JSON.stringify(stub.calls[1]?.body)).not.toContain('secret');
});

test('a turn whose message is gone fails without a call', async () => {
  const { agent, stub } = await agentOn(answerOk);
  const gone = turnOf([said('', { deleted: true })]);
  await expect(chunksOf(agent, gone)).rejects.toMatchObject({ reason: 'deleted' });
  expect(stub.calls).toHaveLength(0);
});

test('reads an endpoint that sends no ids, and one that thinks aloud, each word once', async () => {
  const { agent } = await agentOn((call) => {
    const chunk = (delta: object, finish_reason: string | null = null) =>
      call.event({ choices: [{ index: 0, delta, finish_reason }] });
    chunk({ role: 'assistant', content: '', reasoning_content: 'The user greets.' });
    chunk({ content: 'Hello' });
    chunk({ content: ' there' });
    chunk({}, 'stop');
    call.end();
  });
  expect(textOf(await chunksOf(agent, turn('hi')))).toBe('Hello there');
});
