import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AgentOptionsError } from '../../src/agent/open.ts';
import { type ModelStub, startModelStub } from '../agent/model-stub.ts';
import { runCli } from '../support/cli.ts';
import { OneCall } from '../support/one-call.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { useServed } from './served.ts';

const start = useServed();
const stubs: ModelStub[] = [];
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
let folder: TemporaryFolder;

beforeEach(() => {
  folder = temporaryFolder();
  vi.stubEnv('KEY_OF_SECOND', 'sk-second');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  folder.clear();
  await Promise.all(stubs.splice(0).map((stub) => stub.close()));
});

/** A model that says this to everything. */
async function model(...tokens: string[]): Promise<ModelStub> {
  const stub = await startModelStub((call) => {
    for (const token of tokens) call.token(token);
    call.finish();
  });
  stubs.push(stub);
  return stub;
}

function written(agents: readonly object[]): string {
  const path = folder.path('agents.json');
  writeFileSync(path, JSON.stringify({ agents }));
  return path;
}

describe('a server with a file of agents', () => {
  it('has each with its own model, key, prompt and manners, and the first one in new conversations', async () => {
    const [one, two] = [await model('one'), await model('two')];
    const agentsFile = written([
      { id: 'first', name: 'First', model: 'openai:m1', base_url: one.url, while_busy: 'reject' },
      {
        id: 'second',
        name: 'Second',
        model: 'm2',
        base_url: two.url,
        api_key_env: 'KEY_OF_SECOND',
        system_prompt: 'You know better.',
        speaks: 'mention',
      },
    ]);
    const served = await start({ agentsFile, openaiApiKey: 'sk-of-the-settings' });
    const ada = await served.person('ada');
    const made = await ada.rest.post('/v1/conversations', {
      conversation_id: 'c',
      agents: [{ id: 'second' }],
    });
    expect(made.body).toMatchObject({
      agent: { id: 'first', name: 'First', speaks: 'auto', while_busy: 'reject' },
      agents: [{ id: 'second', name: 'Second', speaks: 'mention', while_busy: 'enqueue' }],
    });
    const url = `${served.url}/v1/conversations/c/stream`;
    const { token } = ada;
    const asked = await OneCall.open(url, { content: 'hello' }, { token });
    expect(await asked.last()).toMatchObject({ type: 'complete_state', message: 'one' });
    const other = await OneCall.open(url, { content: 'hello', agent_id: 'second' }, { token });
    expect(await other.last()).toMatchObject({ type: 'complete_state', message: 'two' });
    // The key of the settings goes to the endpoint of the settings only.
    expect(one.calls[0]?.headers.authorization).toBe('Bearer none');
    expect(one.calls[0]?.body.model).toBe('m1');
    expect(two.calls[0]?.headers.authorization).toBe('Bearer sk-second');
    expect(JSON.stringify(two.calls[0]?.body.messages)).toContain('You know better.');
    const { agent } = (await served.rest().get('/health')).body;
    expect(agent).toBe('openai:m1, openai:m2');
  });

  it('another model answers when the first does not, and the event says so', async () => {
    const broken = await startModelStub((call) => call.refuse(401));
    stubs.push(broken);
    const agentsFile = written([
      {
        id: 'assistant',
        name: 'A',
        model: 'm',
        base_url: broken.url,
        fallback: { model: 'm2', offline: true },
      },
    ]);
    const served = await start({ agentsFile, agentTokensPerSecond: 0 });
    const ada = await served.person('ada');
    await served.room(ada, 'c');
    const url = `${served.url}/v1/conversations/c/stream`;
    const one = await OneCall.open(url, { content: 'hello' }, { token: ada.token });
    const last = await one.last();
    expect(last).toMatchObject({ type: 'complete_state', degraded: true, degraded_to: 'offline' });
    expect(broken.calls.map(({ body }) => body.model)).toEqual(['m', 'm2']);
    const { items } = (await ada.rest.get('/v1/conversations/c/messages')).body;
    expect(items[1]).toMatchObject({ degraded: true, degraded_to: 'offline' });
  });

  it('does not start with mistakes in it, and tells all of them, and no key', async () => {
    const agentsFile = written([
      { id: 'a', name: 'A', model: 'm', base_url: 'ftp://x', tools: ['nothing'] },
      { id: 'b', name: 'B', model: 'bedrock:x', api_key_env: 'NOT_THERE' },
    ]);
    const refused = await start({ agentsFile }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(AgentOptionsError);
    const { message } = refused as AgentOptionsError;
    for (const part of [
      '`a`: there is no tool `nothing`',
      '`a`: the agent `openai` cannot be used: the base URL must begin with http',
      '`b`: the variable NOT_THERE is not set',
      '`b`: the agent `bedrock` cannot be used: set COLLOQUY_AWS_REGION',
    ])
      expect(message).toContain(part);
    await expect(start({ agentsFile: '/nowhere/agents.yaml' })).rejects.toThrow(
      'the file of agents, /nowhere/agents.yaml, cannot be read: ENOENT',
    );
  });
});

describe('colloquy check', () => {
  it('validates the file of agents', async () => {
    const good = ['check', '--store', 'memory:', '--agents-file', 'docs/examples/agents.yaml'];
    const { code, stdout } = await runCli(good, { cwd: ROOT });
    expect(stdout).toContain(
      'agent: assistant: openai:llama3.2:3b, then openai:llama3.2:1b, then offline\n',
    );
    expect(code).toBe(0);
    const path = written([{ id: 'a', name: 'A', model: 'm', tools: ['nothing'] }]);
    const args = ['check', '--store', 'memory:', '--agents-file', path];
    const bad = await runCli(args, { cwd: ROOT });
    expect(bad.code).not.toBe(0);
    expect(bad.stderr).toContain('`a`: there is no tool `nothing`');
  });
});
