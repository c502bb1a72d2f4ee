import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

import { AGENT_KINDS, AgentOptionsError, DEFAULT_MODEL, openAgent } from '../../src/agent/open.ts';

const KEY = 'sk-very-secret-key';

test('opens each kind under its label', async () => {
  const openai = { apiKey: KEY };
  const labels = await Promise.all(
    AGENT_KINDS.map(async (kind) => (await openAgent({ kind, openai }))?.label),
  );
  expect(labels).toEqual([
    `openai:${DEFAULT_MODEL}`,
    `openai:${DEFAULT_MODEL}`,
    'offline',
    'scripted',
    undefined,
  ]);
});

test('`auto` is the offline agent without a key or an endpoint, and when they are empty', async () => {
  expect((await openAgent({ kind: 'auto' }))?.label).toBe('offline');
  const openai = { apiKey: '', baseUrl: undefined, model: 'gpt-4.1' };
  expect((await openAgent({ kind: 'auto', openai }))?.label).toBe('offline');
});

test('`auto` with an endpoint and a model is the model, by its name without the provider', async () => {
  const baseUrl = 'http://127.0.0.1:11434/v1';
  const agent = await openAgent({ kind: 'auto', openai: { baseUrl, model: 'openai:llama3.2:3b' } });
  expect(agent?.label).toBe('openai:llama3.2:3b');
});

test('tells every mistake in one message, and never the key', async () => {
  const openai = {
    apiKey: `${KEY} x`,
    baseUrl: `ftp://user:${KEY}@host/v1`,
    stallMs: -1,
    contextTokens: 1.5,
  };
  const error = await openAgent({ kind: 'openai', openai }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(AgentOptionsError);
  const { message } = error as AgentOptionsError;
  for (const part of ['http://', 'key has spaces', 'COLLOQUY_MODEL', 'stallMs', 'contextTokens'])
    expect(message).toContain(part);
  expect(message).not.toContain(KEY);
  expect(message).not.toContain('\n');
});

test('says what to set when nothing is', async () => {
  await expect(openAgent({ kind: 'openai' })).rejects.toThrow(
    /OPENAI_API_KEY.*COLLOQUY_OPENAI_BASE_URL/u,
  );
});

test('loads no LangChain for the agents that need none', () => {
  const script = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    const { openAgent } = await import('./src/agent/open.ts');
    for (const kind of ['auto', 'offline', 'scripted', 'none']) await openAgent({ kind });
    process.stdout.write(String(loaded.filter((url) => url.includes('langchain')).length));
  `;
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  const { OPENAI_API_KEY: _, ...env } = process.env;
  const count = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd,
    env,
    encoding: 'utf8',
  });
  expect(count).toBe('0');
});
