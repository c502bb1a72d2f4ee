import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { Agent } from '../../actors/agent-port.ts';
import { openAgent } from '../../src/agent/open.ts';
import { type ModelStub, startModelStub } from './model-stub.ts';
import { chunksOf, courseOf, textOf, turn } from './turns.ts';

/** The way of a streamed completion over connections of our own. */
let stub: ModelStub | undefined;
let server: Server | undefined;

afterEach(async () => {
  await stub?.close();
  server?.closeAllConnections();
  server?.close();
  stub = undefined;
  server = undefined;
});

async function agentOf(baseUrl: string): Promise<Agent> {
  const agent = await openAgent({ kind: 'openai', model: { baseUrl, model: 'm' } });
  if (agent === undefined) throw new Error('no agent');
  return agent;
}

async function serve(answer: (response: ServerResponse) => unknown): Promise<string> {
  server = createServer((request, response) => {
    request.resume();
    answer(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

const token = (content: string) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`;
const END = `data: ${JSON.stringify({ choices: [{ delta: {}, finish_reason: 'stop' }] })}\n\n`;

test('calls one after the other share connections', async () => {
  const sockets = new Set<unknown>();
  const url = await serve((response) => {
    sockets.add(response.socket);
    response.end(`${token('ok')}${END}data: [DONE]\n\n`);
  });
  const agent = await agentOf(url);
  for (let at = 0; at < 9; at += 1) expect(textOf(await chunksOf(agent, turn('hi')))).toBe('ok');
  // A call may begin before the one before it has seen the end of its body.
  expect(sockets.size).toBeLessThanOrEqual(2);
});

test('an endpoint that sends its callers elsewhere is followed, body and all', async () => {
  const there = await startModelStub((call) => {
    call.token('here');
    call.finish();
  });
  stub = there;
  const url = await serve((response) => {
    response.writeHead(307, { location: `${there.url}/chat/completions` }).end();
  });
  const agent = await agentOf(url);
  for (let at = 0; at < 2; at += 1) expect(textOf(await chunksOf(agent, turn('hi')))).toBe('here');
  expect(there.calls[1]?.body.messages.at(-1)?.['content']).toBe('Ana: hi');
});

test('an answer is over at `[DONE]`, also when its body does not end', async () => {
  const url = await serve(
    (response) => void response.write(`${token('ok')}${END}data: [DONE]\n\n`),
  );
  expect(textOf(await chunksOf(await agentOf(url), turn('hi')))).toBe('ok');
});

test('characters that were cut in two on the way are whole', async () => {
  const bytes = Buffer.from(`${token('für 東京 👋')}${END}data: [DONE]\n\n`);
  const url = await serve(async (response) => {
    for (const byte of bytes) {
      response.write(Buffer.of(byte));
      await new Promise(setImmediate);
    }
    response.end();
  });
  expect(textOf(await chunksOf(await agentOf(url), turn('hi')))).toBe('für 東京 👋');
});

test('words that came together are told together, in their place among what is no text', async () => {
  const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
  const spent = `data: ${JSON.stringify({ choices: [], usage })}\n\n`;
  const url = await serve((response) =>
    response.end(`${token('a')}${token('b')}${END}${spent}data: [DONE]\n\n`),
  );
  const chunks = await chunksOf(await agentOf(url), turn('hi'));
  expect(courseOf(chunks)).toEqual(['ab', 'usage', 'done']);
});
