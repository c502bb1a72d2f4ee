import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

import { DEFAULT_MODEL } from '../../src/agent/model-agent.ts';
import { AgentOptionsError, openAgent } from '../../src/agent/open.ts';

const KEY = 'sk-very-secret-key';

test('opens each kind under its label', async () => {
  const model = { apiKey: KEY };
  const kinds = ['auto', 'openai', 'offline', 'scripted', 'none'] as const;
  const labels = await Promise.all(
    kinds.map(async (kind) => (await openAgent({ kind, model }))?.label),
  );
  expect(labels).toEqual([
    `openai:${DEFAULT_MODEL}`,
    `openai:${DEFAULT_MODEL}`,
    'offline',
    'scripted',
    undefined,
  ]);
  const claude = { model: 'bedrock:anthropic.claude-x', bedrock: { region: 'eu-central-1' } };
  for (const kind of ['auto', 'bedrock'] as const)
    expect((await openAgent({ kind, model: claude }))?.label).toBe('bedrock:anthropic.claude-x');
});

test('a model has others behind it, where they are named', async () => {
  const agent = await openAgent({
    kind: 'openai',
    model: { apiKey: KEY, model: 'gpt-4.1' },
    fallback: { model: 'gpt-4.1-mini', offline: true },
  });
  expect(agent?.label).toBe('openai:gpt-4.1, then openai:gpt-4.1-mini, then offline');
});

test('a model of another provider than the one that is asked for is a mistake', async () => {
  const model = { apiKey: KEY, model: 'bedrock:anthropic.claude-x' };
  await expect(openAgent({ kind: 'openai', model })).rejects.toThrow(
    /AWS_REGION.*COLLOQUY_MODEL is a model of `bedrock`/u,
  );
});

test('`auto` is the offline agent without a key or an endpoint, and when they are empty', async () => {
  expect((await openAgent({ kind: 'auto' }))?.label).toBe('offline');
  const model = { apiKey: '', baseUrl: undefined, model: 'gpt-4.1' };
  expect((await openAgent({ kind: 'auto', model }))?.label).toBe('offline');
});

test('`auto` with an endpoint and a model is the model, by its name without the provider', async () => {
  const baseUrl = 'http://127.0.0.1:11434/v1';
  const agent = await openAgent({ kind: 'auto', model: { baseUrl, model: 'openai:llama3.2:3b' } });
  expect(agent?.label).toBe('openai:llama3.2:3b');
});

test('tells every mistake in one message, and never the key', async () => {
  const model = {
    apiKey: `${KEY} x`,
    baseUrl: `ftp://user:${KEY}@host/v1`,
    stallMs: -1,
    contextTokens: 1.5,
  };
  const error = await openAgent({ kind: 'openai', model }).catch((thrown: unknown) => thrown);
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
