import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { plainOfHtml } from '../../../src/agent/tools/web/plain-of-html.ts';
import type { WebProviderName } from '../../../src/agent/tools/web/providers.ts';
import { webSearchTool } from '../../../src/agent/tools/web/web-search.ts';
import { Breaker } from '../../../src/provider/breakers.ts';
import { cpuMs } from '../../support/cpu.ts';
import { runTool } from './run-tool.ts';

const KEY = 'key-very-secret-0123456789';
let server: Server | undefined;

afterEach(() => {
  server?.close();
  server?.closeAllConnections();
  server = undefined;
});

interface Seen {
  readonly url: string | undefined;
  readonly method: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A search over real HTTP that answers so, and what it was asked. */
async function search(
  provider: WebProviderName,
  answer: (response: ServerResponse, n: number) => void,
  path = '',
) {
  const seen: Seen[] = [];
  server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const { url, method, headers } = request;
    answer(response, seen.push({ url, method, headers, body: Buffer.concat(parts).toString() }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
  const breaker = new Breaker('web', { breakerFailures: 5, breakerOpenMs: 60_000 });
  const tool = webSearchTool(
    { provider, url, key: provider === 'searxng' ? undefined : KEY },
    breaker,
  );
  return { seen, tool };
}

const PAGE = {
  title: '<b>Tide</b> tables &amp; more',
  url: 'https://example.org/tides',
};
const READ = {
  results: [
    {
      title: 'Tide tables & more',
      url: 'https://example.org/tides',
      text: 'High water at 5 <sharp>.',
    },
  ],
};
const TEXT = 'High <strong>water</strong> at&nbsp;5 &lt;sharp&gt;.<script>alert(1)</script>';

function json(value: unknown) {
  return (response: ServerResponse) => response.end(JSON.stringify(value));
}

test('SearXNG is asked for JSON, below its own path', async () => {
  const { seen, tool } = await search(
    'searxng',
    json({ results: [{ ...PAGE, content: TEXT }] }),
    '/searx',
  );
  expect(await runTool(tool, { query: 'tides & time' })).toEqual(READ);
  expect(seen).toMatchObject([
    { method: 'GET', url: '/searx/search?q=tides+%26+time&format=json' },
  ]);
  expect(seen[0]?.headers.authorization).toBeUndefined();
});

test('Tavily is asked with its key', async () => {
  const { seen, tool } = await search('tavily', json({ results: [{ ...PAGE, content: TEXT }] }));
  expect(await runTool(tool, { query: 'tides' })).toEqual(READ);
  expect(seen).toMatchObject([
    { method: 'POST', url: '/search', headers: { authorization: `Bearer ${KEY}` } },
  ]);
  expect(JSON.parse(seen[0]?.body ?? '')).toMatchObject({ query: 'tides', max_results: 6 });
});

test('Brave is asked with its key', async () => {
  const { seen, tool } = await search(
    'brave',
    json({ web: { results: [{ ...PAGE, description: TEXT }] } }),
  );
  expect(await runTool(tool, { query: 'tides' })).toEqual(READ);
  expect(seen).toMatchObject([
    { url: '/res/v1/web/search?q=tides&count=6', headers: { 'x-subscription-token': KEY } },
  ]);
});

test('what is no web page is left out, and of the rest no more than a little', async () => {
  const results = [
    { title: 'x', url: 'javascript:alert(1)', content: '' },
    { title: 'y', url: 'file:///etc/passwd', content: '' },
    'nonsense',
    ...Array.from({ length: 20 }, (_, i) => ({
      title: 't'.repeat(1_000),
      url: `https://example.org/${i}`,
      content: 'c'.repeat(20_000),
    })),
  ];
  const { tool } = await search('searxng', json({ results }));
  const found = (await runTool(tool, { query: 'q' })) as { results: { text: string }[] };
  expect(found.results).toHaveLength(6);
  expect(JSON.stringify(found).length).toBeLessThan(8_000);
});

test('a failure that passes is tried once more, others are told', async () => {
  const { seen, tool } = await search('searxng', (response, n) => {
    response.statusCode = n === 1 ? 500 : 200;
    response.end(JSON.stringify({ results: [] }));
  });
  expect(await runTool(tool, { query: 'q' })).toEqual({ results: [] });
  expect(seen).toHaveLength(2);
});

test('a failure says what kind it is, and holds no key', async () => {
  const cases: readonly (readonly [(response: ServerResponse) => void, string])[] = [
    [(response) => response.writeHead(401).end(KEY), 'unauthorized'],
    [(response) => response.writeHead(429, { 'retry-after': '60' }).end(), 'rate_limited'],
    [(response) => response.end('<html>'), 'nonsense'],
    [(response) => response.end('{"other": 1}'), 'nonsense'],
    [
      (response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
      'unreachable',
    ],
    [(response) => response.end('x'.repeat(2_000_000)), 'nonsense'],
  ];
  for (const [answer, kind] of cases) {
    const { tool } = await search('tavily', answer);
    const error: unknown = await runTool(tool, { query: 'q' }).catch((reason) => reason);
    expect(error).toMatchObject({ kind });
    expect(inspect(error, { depth: 8, showHidden: true })).not.toContain(KEY);
    server?.close();
    server?.closeAllConnections();
  }
});

test('a search that nobody waits for any more is called off', async () => {
  const abort = new AbortController();
  const { tool } = await search('searxng', () => abort.abort());
  await expect(runTool(tool, { query: 'q' }, { signal: abort.signal })).rejects.toThrow();
});

test('HTML becomes a line of text, whatever it is', () => {
  expect(
    plainOfHtml('a<br/>b &#x1F600; &#0; &unknown; 3 < 4 <!-- c --> <SCRIPT>x</SCRIPT >d', 100),
  ).toBe('a b 😀 &unknown; 3 < 4 d');
  const before = cpuMs();
  for (const evil of ['<', '<script', '<script>', '&#', '<a '])
    expect(plainOfHtml(evil.repeat(100_000), 50).length).toBeLessThanOrEqual(50);
  expect(cpuMs() - before).toBeLessThan(2_000);
});
