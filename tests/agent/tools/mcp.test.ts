import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { McpServer as SdkServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { type McpSettings, readMcpFile } from '../../../src/agent/tools/mcp/mcp-file.ts';
import { McpServer } from '../../../src/agent/tools/mcp/mcp-server.ts';
import type { Tool } from '../../../src/agent/tools/tool.ts';
import { Breaker } from '../../../src/provider/breakers.ts';
import { type TemporaryFolder, temporaryFolder } from '../../support/temporary-folder.ts';
import { until } from '../../support/until.ts';
import { runTool } from './run-tool.ts';

const COUNTER = fileURLToPath(new URL('./mcp-counter.ts', import.meta.url));

let folder: TemporaryFolder;
let open: McpServer[] = [];

beforeEach(() => {
  folder = temporaryFolder();
  writeFileSync(folder.path('counts'), '');
});

afterEach(async () => {
  await Promise.all(open.map((server) => server.close()));
  open = [];
  folder.clear();
});

interface Scene {
  readonly server: McpServer;
  readonly reported: (readonly [string, Readonly<Record<string, unknown>>])[];
}

function serverOf(settings: Record<string, unknown>): Scene {
  const read = readMcpFile(JSON.stringify({ mcpServers: { counter: settings } }));
  if (!read.ok) throw new Error(read.failure.join('; '));
  const reported: Scene['reported'] = [];
  const server = new McpServer({
    name: 'counter',
    settings: read.value['counter'] as McpSettings,
    breaker: new Breaker('mcp', { breakerFailures: 100, breakerOpenMs: 1_000 }),
    report: (event, about) => reported.push([event, about]),
  });
  open.push(server);
  return { server, reported };
}

function stdio(more: Record<string, unknown> = {}): Scene {
  return serverOf({ command: process.execPath, args: [COUNTER, folder.path('counts')], ...more });
}

async function toolOf({ server }: Scene, name: string): Promise<Tool> {
  const tool = (await server.tools(true)).find((one) => one.name === name);
  if (tool === undefined) throw new Error(`no tool ${name}`);
  return tool;
}

function counts(): readonly string[] {
  return readFileSync(folder.path('counts'), 'utf8').trim().split('\n');
}

test('offers the tools of a server under its name, and runs them', async () => {
  const scene = stdio();
  const tools = await scene.server.tools(true);
  expect(tools.map(({ name }) => name)).toEqual([
    'counter__count',
    'counter__fail',
    'counter__die',
    'counter__environment',
  ]);
  const count = await toolOf(scene, 'counter__count');
  expect(count.parameters).toMatchObject({
    properties: { label: { type: 'string' } },
    required: ['label'],
  });
  expect(await runTool(count, { label: 'one' })).toBe('counted one');
  expect(counts()).toEqual([expect.stringMatching(/^start/u), 'begin one', 'end one']);
});

test('arguments that do not fit what the server said are not sent', async () => {
  const count = await toolOf(stdio(), 'counter__count');
  expect(count.check({ label: 7 })).toMatchObject({
    ok: false,
    failure: expect.stringMatching(/^label: /u),
  });
  expect(count.check({ label: 'x' }).ok).toBe(true);
});

test('people are asked before every call, unless the file says otherwise', async () => {
  const asked = async (more: Record<string, unknown>) =>
    (await stdio(more).server.tools(true))
      .filter((tool) => tool.needsApproval)
      .map(({ name }) => name);
  expect(await asked({})).toHaveLength(4);
  expect(await asked({ approval: 'none' })).toEqual([]);
  expect(await asked({ approval: ['cou*', 'die'] })).toEqual(['counter__count', 'counter__die']);
});

test('only the tools that the file names are there', async () => {
  const tools = await stdio({ tools: ['count'] }).server.tools(true);
  expect(tools.map(({ name }) => name)).toEqual(['counter__count']);
});

test('what a server says went wrong reaches the model, without the secrets of the file', async () => {
  const fail = await toolOf(stdio({ env: { TOKEN: 'very-secret-token' } }), 'counter__fail');
  const error = await runTool(fail, {}).catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    name: 'ToolError',
    message: expect.stringContaining('the token is [set]'),
  });
});

test('a server does not get the environment of this process', async () => {
  process.env['COLLOQUY_TEST_SECRET'] = 'x';
  try {
    const names = String(await runTool(await toolOf(stdio(), 'counter__environment'), {})).split(
      ' ',
    );
    expect(names).toContain('PATH');
    expect(names.filter((name) => /COLLOQUY|OPENAI|VITEST/u.test(name))).toEqual([]);
  } finally {
    delete process.env['COLLOQUY_TEST_SECRET'];
  }
});

test('a server that cannot be started costs a line in the log, and its tools', async () => {
  const scene = serverOf({ command: '/nowhere/at-all' });
  const startedAt = performance.now();
  expect(await scene.server.tools()).toEqual([]);
  expect(performance.now() - startedAt).toBeLessThan(40_000);
  expect(scene.reported).toMatchObject([['mcp_unavailable', { server: 'counter' }]]);
  expect(await scene.server.tools()).toEqual([]);
  expect(scene.reported).toHaveLength(1);
  // A turn that has a call of it open has it tried at once.
  expect(scene.server.isNeededFor(['other__x', 'counter__count'])).toBe(true);
  expect(await scene.server.tools(true)).toEqual([]);
  expect(scene.reported).toHaveLength(2);
});

test('a server that dies in a call: nobody knows what was done, it is not sent again, and the next call is served', async () => {
  const scene = stdio();
  const [die, count] = [await toolOf(scene, 'counter__die'), await toolOf(scene, 'counter__count')];
  await expect(runTool(die, {})).rejects.toThrow('it is not known whether it was done');
  expect(counts().filter((line) => line === 'die')).toHaveLength(1);
  expect(await runTool(count, { label: 'after' })).toBe('counted after');
  expect(counts().filter((line) => line.startsWith('start'))).toHaveLength(2);
});

test('a call that nobody waits for any more is called off', async () => {
  const count = await toolOf(stdio(), 'counter__count');
  const abort = new AbortController();
  const running = runTool(count, { label: 'slow', ms: 60_000 }, { signal: abort.signal });
  await until(() => counts().includes('begin slow'));
  abort.abort();
  await expect(running).rejects.toThrow();
  expect(counts()).not.toContain('end slow');
});

test('a server that says nothing is not waited for: neither by a turn, nor by the end of the process', async () => {
  const scene = serverOf({
    command: process.execPath,
    args: ['-e', 'setInterval(() => {}, 1000)'],
  });
  const startedAt = performance.now();
  expect(await scene.server.tools()).toEqual([]);
  await scene.server.close();
  expect(performance.now() - startedAt).toBeLessThan(40_000);
  expect(scene.reported).toEqual([]);
});

test('a server over HTTP is asked with the headers of the file', async () => {
  const seen: unknown[] = [];
  const http = createServer(async (request, response) => {
    seen.push(request.headers.authorization);
    const server = new SdkServer({ name: 'web', version: '1' });
    server.registerTool(
      'hi',
      { description: 'Greets.', inputSchema: { name: z.string() } },
      async ({ name }) => ({
        content: [{ type: 'text', text: `hi ${name}` }],
      }),
    );
    const transport = new StreamableHTTPServerTransport({});
    await server.connect(transport as never);
    await transport.handleRequest(request, response);
  });
  try {
    const scene = serverOf({ url: await urlOf(http), headers: { Authorization: 'Bearer abcdef' } });
    expect(await runTool(await toolOf(scene, 'counter__hi'), { name: 'Ana' })).toBe('hi Ana');
    expect(new Set(seen)).toEqual(new Set(['Bearer abcdef']));
  } finally {
    http.close();
    http.closeAllConnections();
  }
});

test('a server over HTTP that was started anew is connected to again, and no call is sent twice', async () => {
  const ran: string[] = [];
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  const begin = async () => {
    const server = new SdkServer({ name: 'web', version: '1' });
    server.registerTool(
      'hi',
      { description: 'Greets.', inputSchema: { name: z.string() } },
      async ({ name }) => {
        ran.push(name);
        return { content: [{ type: 'text', text: `hi ${name}` }] };
      },
    );
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      onsessioninitialized: (id) => void sessions.set(id, transport),
    });
    await server.connect(transport as never);
    return transport;
  };
  const http = createServer(async (request, response) => {
    const id = request.headers['mcp-session-id'];
    const known = typeof id === 'string' ? sessions.get(id) : undefined;
    if (id !== undefined && known === undefined) response.writeHead(404).end();
    else await (known ?? (await begin())).handleRequest(request, response);
  });
  try {
    const scene = serverOf({ url: await urlOf(http) });
    const hi = await toolOf(scene, 'counter__hi');
    expect(await runTool(hi, { name: 'one' })).toBe('hi one');
    sessions.clear();
    await expect(runTool(hi, { name: 'two' })).rejects.toThrow(
      'it is not known whether it was done',
    );
    expect(await runTool(hi, { name: 'three' })).toBe('hi three');
    expect(ran).toEqual(['one', 'three']);
  } finally {
    http.close();
    http.closeAllConnections();
  }
});

function urlOf(http: Server): Promise<string> {
  return new Promise((resolve) => {
    http.listen(0, '127.0.0.1', () =>
      resolve(`http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`),
    );
  });
}

test('every mistake in the file is told, and nothing of its secrets', () => {
  const mistakes = (text: string) => {
    const read = readMcpFile(text);
    return read.ok ? [] : read.failure;
  };
  expect(mistakes('{')).toEqual(['it is not JSON']);
  expect(mistakes('{}')).toHaveLength(1);
  const wrong = mistakes(
    JSON.stringify({
      mcpServers: {
        'Bad Name': { command: 'x' },
        two: { url: 'ftp://x', headers: { a: 'hunter2' } },
      },
    }),
  );
  expect(wrong).toEqual([
    'mcpServers.Bad Name: a server is named by a-z, 0-9 and _, 24 characters at most',
    expect.stringMatching(/^mcpServers\.two/u),
  ]);
  expect(wrong.join()).not.toContain('hunter2');
  expect(mistakes('{"mcpServers": {"one": {"command": "x", "url": "http://y"}}}').join()).toMatch(
    /one: a server has a `command` .* or a `url`/u,
  );
});
