import { writeFileSync } from 'node:fs';
import { afterAll, expect, it } from 'vitest';
import { type Config, readConfig } from '../../src/config.ts';
import { logSecretsOf } from '../../src/log-secrets.ts';
import { ServerProcess } from '../support/server-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();
afterAll(() => folder.clear());

function configOf(env: Readonly<Record<string, string>>): Config {
  const read = readConfig({ flags: [], env, readFile: () => undefined });
  if (!read.ok) throw new Error(read.failure.message);
  return read.value.config;
}

function written(name: string, value: unknown): string {
  writeFileSync(folder.path(name), JSON.stringify(value));
  return folder.path(name);
}

const agentsFile = written('agents.json', {
  agents: [
    { id: 'one', name: 'One', model: 'm', api_key_env: 'KEY_OF_ONE' },
    { id: 'two', name: 'Two', model: 'offline' },
  ],
});
const mcpFile = written('mcp.json', {
  mcpServers: {
    here: { command: 'x', env: { TOKEN: 'mcp-token-1', DEBUG: '1' } },
    there: { url: 'http://127.0.0.1:9/', headers: { authorization: 'Bearer mcp-token-2' } },
  },
});

it('every secret that a server is given is kept out of its log, wherever it was written down', async () => {
  const config = configOf({
    COLLOQUY_AGENTS_FILE: agentsFile,
    COLLOQUY_MCP_FILE: mcpFile,
    COLLOQUY_WEB_SEARCH: 'brave',
    COLLOQUY_WEB_SEARCH_KEY: 'key-of-the-search',
  });
  const env = {
    KEY_OF_ONE: 'sk-of-one',
    AWS_SECRET_ACCESS_KEY: 'aws-secret',
    AWS_SESSION_TOKEN: '',
    HOME: '/home/ada',
  };
  const secrets = await logSecretsOf(config, env);
  expect([...secrets].sort()).toEqual(
    [
      'key-of-the-search',
      'sk-of-one',
      'mcp-token-1',
      'Bearer mcp-token-2',
      'Bearer',
      'mcp-token-2',
      'aws-secret',
    ].sort(),
  );
});

it('files that cannot be read, or have mistakes, are said by who opens them', async () => {
  writeFileSync(folder.path('broken.json'), '{');
  const config = configOf({
    COLLOQUY_AGENTS_FILE: folder.path('none.json'),
    COLLOQUY_MCP_FILE: folder.path('broken.json'),
  });
  expect(await logSecretsOf(config, {})).toEqual([]);
  const server = new ServerProcess({ 'agents-file': folder.path('none.json') });
  await expect(server.start()).rejects.toThrow(/none\.json, cannot be read: ENOENT/);
  await server.dispose();
});
