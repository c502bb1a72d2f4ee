import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Breakers } from '../../src/provider/breakers.ts';
import { moderationJudge } from '../../src/provider/moderations.ts';

/** An endpoint over real HTTP that does what a test says. */
let respond: (response: ServerResponse, call: number) => void;
let bodies: unknown[];
let headers: string[];
const server = createServer(async (request, response) => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  bodies.push(JSON.parse(Buffer.concat(parts).toString()));
  headers.push(`${request.method} ${request.url} ${request.headers.authorization}`);
  respond(response, bodies.length);
});

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  [bodies, headers] = [[], []];
});

const answer = (response: ServerResponse, status: number, body: unknown) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
const flagged = (isFlagged: boolean) => ({ id: 'm', results: [{ flagged: isFlagged }] });

function judgeOf(timeoutMs = 2_000, breakers = new Breakers()) {
  const { port } = server.address() as AddressInfo;
  const baseUrl = `http://127.0.0.1:${port}/v1/`;
  const options = { baseUrl, apiKey: 'sk-secret', model: 'omni', timeoutMs };
  return moderationJudge(options, breakers.named('moderation'));
}

test('asks as the endpoint of OpenAI is asked, and says whether a text is flagged', async () => {
  respond = (response, call) => answer(response, 200, flagged(call === 2));
  const judge = judgeOf();
  expect([await judge('hello'), await judge('a bomb')]).toEqual([false, true]);
  expect(bodies[1]).toEqual({ input: 'a bomb', model: 'omni' });
  expect(headers[0]).toBe('POST /v1/moderations Bearer sk-secret');
});

test('tries again after a failure, and rests when there are many', async () => {
  const breakers = new Breakers();
  respond = (response, call) => answer(response, call === 1 ? 500 : 200, flagged(false));
  expect(await judgeOf(2_000, breakers)('x')).toBe(false);
  respond = (response) => answer(response, 500, {});
  const judge = judgeOf(2_000, breakers);
  for (let call = 0; call < 3; call += 1) await expect(judge('x')).rejects.toThrow();
  const calls = bodies.length;
  await expect(judge('x')).rejects.toMatchObject({ kind: 'resting' });
  expect(bodies.length).toBe(calls);
  expect(breakers.readings()).toMatchObject([{ name: 'moderation', state: 'open' }]);
});

test.each([
  ['nothing in time', 'late', () => {}],
  ['something else', 'nonsense', (response: ServerResponse) => answer(response, 200, { ok: 1 })],
  ['no JSON', 'nonsense', (response: ServerResponse) => response.end('<html>')],
  ['a refusal of the key', 'unauthorized', (response: ServerResponse) => answer(response, 401, {})],
])('says that it is not known after %s', async (_, kind, reply) => {
  respond = reply;
  const failed = await judgeOf(300)('x').catch((error: unknown) => error);
  expect(failed).toMatchObject({ kind });
  expect(String(failed)).not.toContain('sk-secret');
});
