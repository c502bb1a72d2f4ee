import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LLMock } from '@copilotkit/aimock';
import { afterAll, afterEach, expect, test } from 'vitest';
import type { Flags } from '../support/server-process.ts';
import { withServer } from '../support/wire.ts';

/** Web searches as people set them up: a server, a model that asks for one, and a provider that answers as it does. */

const KEY = 'secret-0123456789';
const QUERY = 'tide tables';

const mock = new LLMock({ port: 0 });
await mock.start();
afterEach(() => {
  mock.reset();
});
afterAll(() => mock.stop());

/** What was asked of the provider. */
interface Asked {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A provider over HTTP, for one test. */
async function provider(status: number, answer: unknown) {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const { method, url, headers } = request;
    asked.push({ method, url, headers, body: Buffer.concat(parts).toString() });
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    asked,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    end: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** The model searches, and answers with what it was told; the answer, and what the provider was asked. */
async function searched(flags: Flags, status: number, answer: unknown) {
  const { asked, url, end } = await provider(status, answer);
  const toolCalls = [{ name: 'web_search', arguments: JSON.stringify({ query: QUERY }) }];
  mock.on({ hasToolResult: false }, { toolCalls });
  mock.on({ hasToolResult: true }, ({ messages }) => ({
    content: String(messages.findLast(({ role }) => role === 'tool')?.content),
  }));
  const model = { agent: 'openai', model: 'm', 'openai-base-url': `${mock.url}/v1` };
  let [said, output] = ['', ''];
  try {
    await withServer({ ...model, 'web-search-url': url, ...flags }, async (wire) => {
      const { id, people } = await wire.room('Ada');
      const [ada] = people;
      if (ada === undefined) return expect.unreachable();
      await ada.ws.send(id, 'when is high water?');
      const ended = await ada.ws.waitFor('turn.ended');
      const event = await ada.ws.waitForSeq(id, ended.seq ?? 0);
      said = event.kind === 'message' ? (event.content ?? '') : event.kind;
      output = wire.server.output;
    });
  } finally {
    end();
  }
  for (const text of [said, output]) expect(text).not.toContain(KEY);
  return { said, asked, output };
}

const READ = {
  results: [
    {
      title: 'Tide tables & charts',
      url: 'https://example.org/tides?port=1',
      text: 'High water at Dover is at 05:12, and again at 17:40.',
    },
    { title: 'Tides', url: 'https://example.com/', text: '' },
  ],
};

test('SearXNG answers with its results, and not with suggestions or what its engines failed at', async () => {
  const result = {
    publishedDate: null,
    thumbnail: '',
    engine: 'duckduckgo',
    template: 'default.html',
    img_src: '',
    priority: '',
    category: 'general',
  };
  const { said, asked } = await searched({ 'web-search': 'searxng' }, 200, {
    query: QUERY,
    number_of_results: 0,
    results: [
      {
        ...result,
        url: 'https://example.org/tides?port=1',
        title: 'Tide tables & charts',
        content: 'High water at Dover is at 05:12, and again at 17:40.',
        parsed_url: ['https', 'example.org', '/tides', '', 'port=1', ''],
        engines: ['duckduckgo', 'brave'],
        positions: [1, 2],
        score: 3,
      },
      { ...result, url: 'https://example.com/', title: 'Tides', content: '', score: 1 },
      { ...result, url: null, title: 'Code', template: 'code.html', codelines: [[1, 'x']] },
    ],
    answers: [{ template: 'answer/legacy.html', answer: '05:12', url: null, engine: 'x' }],
    corrections: [],
    infoboxes: [],
    suggestions: ['tide chart'],
    unresponsive_engines: [['google', 'Suspended: CAPTCHA']],
  });
  expect(JSON.parse(said)).toEqual(READ);
  expect(asked).toMatchObject([{ method: 'GET', url: '/search?q=tide+tables&format=json' }]);
});

test('a SearXNG without `json` among its formats refuses: the log says so, and the model no more than it must', async () => {
  const { said, output } = await searched({ 'web-search': 'searxng' }, 403, {});
  expect(said).toMatch(/^Error: /);
  expect(said).not.toMatch(/key|127\.0\.0\.1|json/);
  expect(output).toContain('`json` must be among the `formats` of SearXNG');
});

test('Tavily answers with its results', async () => {
  const flags = { 'web-search': 'tavily', 'web-search-key': KEY };
  const { said, asked } = await searched(flags, 200, {
    query: QUERY,
    follow_up_questions: null,
    answer: null,
    images: [],
    results: [
      {
        url: 'https://example.org/tides?port=1',
        title: 'Tide tables & charts',
        content: 'High water at Dover is at 05:12,\nand again at 17:40.',
        score: 0.91,
        raw_content: null,
      },
      { url: 'https://example.com/', title: 'Tides', content: '', score: 0.2, raw_content: null },
    ],
    response_time: 0.84,
    request_id: '123e4567-e89b-12d3-a456-426614174111',
  });
  expect(JSON.parse(said)).toEqual(READ);
  expect(asked).toMatchObject([
    { method: 'POST', url: '/search', headers: { authorization: `Bearer ${KEY}` } },
  ]);
  expect(JSON.parse(asked[0]?.body ?? '')).toEqual({
    query: QUERY,
    max_results: 6,
    search_depth: 'basic',
  });
});

test('Brave answers with its pages, and not with its videos', async () => {
  const flags = { 'web-search': 'brave', 'web-search-key': KEY };
  const page = {
    type: 'search_result',
    subtype: 'generic',
    is_source_local: false,
    language: 'en',
  };
  const { said, asked } = await searched(flags, 200, {
    type: 'search',
    query: { original: QUERY, more_results_available: true, country: 'us' },
    mixed: { type: 'mixed', main: [{ type: 'web', index: 0, all: false }], top: [], side: [] },
    videos: { type: 'videos', results: [{ url: 'https://example.net/v', title: 'A video' }] },
    web: {
      type: 'search',
      family_friendly: true,
      results: [
        {
          ...page,
          title: 'Tide tables &amp; charts',
          url: 'https://example.org/tides?port=1',
          description: '<strong>High water</strong> at Dover is at 05:12, and again at 17:40.',
          page_age: '2026-01-15T00:00:00',
          profile: { name: 'Example', url: 'https://example.org', long_name: 'example.org' },
          meta_url: { scheme: 'https', netloc: 'example.org', hostname: 'example.org', path: '' },
          extra_snippets: [],
        },
        { ...page, title: 'Tides', url: 'https://example.com/' },
      ],
    },
  });
  expect(JSON.parse(said)).toEqual(READ);
  expect(asked).toMatchObject([
    {
      method: 'GET',
      url: '/res/v1/web/search?q=tide+tables&count=6',
      headers: { 'x-subscription-token': KEY, accept: 'application/json' },
    },
  ]);
});
