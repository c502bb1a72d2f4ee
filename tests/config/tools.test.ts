import { writeFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { ServerProcess } from '../support/server-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();
afterAll(() => folder.clear());

function mistakesOf(env: Record<string, string>): readonly string[] {
  const read = readConfig({ flags: [], env, readFile: () => undefined });
  return read.ok ? [] : read.failure.mistakes;
}

test('tools that lack what they need are mistakes', () => {
  const cases: readonly (readonly [Record<string, string>, RegExp])[] = [
    [{ COLLOQUY_WEB_SEARCH: 'searxng' }, /needs COLLOQUY_WEB_SEARCH_URL/u],
    [{ COLLOQUY_WEB_SEARCH: 'tavily' }, /needs COLLOQUY_WEB_SEARCH_KEY/u],
    [{ COLLOQUY_WEB_SEARCH: 'searxng', COLLOQUY_WEB_SEARCH_URL: 'ftp://x' }, /begins with http/u],
    [{ COLLOQUY_QUERY_DATABASE: 'shop.db' }, /must be sqlite:PATH or postgres/u],
    [{ COLLOQUY_QUERY_DATABASE: 'sqlite:x.db', COLLOQUY_QUERY_ROLE: 'r' }, /Postgres/u],
  ];
  for (const [env, mistake] of cases)
    expect(mistakesOf(env)).toEqual([expect.stringMatching(mistake)]);
});

test('the store is no database for the agent to query, however it is written', () => {
  const same: readonly (readonly [string, string])[] = [
    ['sqlite:./data/colloquy.db', 'sqlite:data/../data/colloquy.db'],
    ['postgres://a:b@db/chat', 'postgres://reader:c@db:5432/chat'],
  ];
  for (const [store, database] of same)
    expect(mistakesOf({ COLLOQUY_STORE: store, COLLOQUY_QUERY_DATABASE: database })).toEqual([
      expect.stringMatching(/is the store/u),
    ]);
  expect(
    mistakesOf({
      COLLOQUY_STORE: 'postgres://a:b@db/chat',
      COLLOQUY_QUERY_DATABASE: 'postgres://a:b@db/shop',
    }),
  ).toEqual([]);
});

test('a file of MCP servers that cannot be read, or a tool that is not there, stops the start in a sentence', async () => {
  writeFileSync(folder.path('bad.json'), '{"mcpServers": {"x": {"comand": "secret-thing"}}}');
  const cases: readonly (readonly [Record<string, string>, RegExp])[] = [
    [{ 'mcp-file': folder.path('missing.json') }, /missing\.json, cannot be read: ENOENT/u],
    [{ 'mcp-file': folder.path('bad.json') }, /bad\.json: .*mcpServers\.x: a server has/u],
    [{ tools: 'current_time,fly' }, /there is no tool `fly`/u],
  ];
  for (const [flags, words] of cases) {
    const server = new ServerProcess({ agent: 'offline', ...flags });
    try {
      expect(await server.run()).toMatchObject({ code: 1 });
      expect(server.output).toMatch(words);
      expect(server.output).not.toMatch(/secret-thing|\n\s+at /u);
    } finally {
      await server.dispose();
    }
  }
});
