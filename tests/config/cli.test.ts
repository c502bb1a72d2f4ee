import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { Identity, signingSecret } from '../../src/http/identity.ts';
import { VERSION } from '../../src/version.ts';
import { openStore } from '../../storage/open.ts';
import { within } from '../support/deadline.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'colloquy-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program to its end, in a folder of its own, with these variables and no others of its kind. */
function run(args: readonly string[], env: Record<string, string> = {}): Promise<Run> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Run>((resolve) => {
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
  return within(ended, `colloquy ${args.join(' ')} ends`).finally(() => child.kill('SIGKILL'));
}

describe('colloquy', () => {
  it('explains itself and says its version', async () => {
    const help = await run(['--help']);
    expect(help.code).toBe(0);
    for (const command of Object.keys(COMMANDS)) expect(help.stdout).toContain(command);
    expect(await run(['--version'])).toMatchObject({ code: 0, stdout: `${VERSION}\n` });
    expect((await run(['serve', '--help'])).stdout).toContain('--mailbox-capacity (1024)');
  });

  it.each([
    ['an unknown command', ['fly'], 'there is no command `fly`'],
    [
      'mistakes, all of them',
      ['--port', 'x', '--guests', 'y'],
      /2 mistakes.*--port=x.*--guests=y/s,
    ],
    ['a store that will not open', ['--store', 'sqlite:/dev/null/x.db'], '/dev/null/x.db'],
    ['an address that is not ours', ['--host', '192.0.2.1', '--store', 'memory:'], '192.0.2.1'],
    [
      'a word too many',
      ['export', 'a', 'postgres://ann:hush@db/x'],
      /postgres:..\[set]@db.x` is not/,
    ],
    ['an agent that can’t be', ['--agent', 'openai', '--store', 'memory:'], 'OPENAI_API_KEY'],
  ])('ends with code 1 and one message for %s', async (_, args, message) => {
    const { code, stdout, stderr } = await run(args);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^colloquy: /);
    expect(stderr).not.toMatch(/ {4}at |\.ts:/);
  });

  it('ends with code 1 and one message when the port is in use', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const address = other.address();
    const port = typeof address === 'object' ? String(address?.port) : '';
    const { code, stderr } = await run(['--port', port, '--store', 'memory:']);
    other.close();
    expect(code).toBe(1);
    expect(stderr).toContain(`127.0.0.1:${port} is in use`);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('checks the settings and the store, and shows no secret', async () => {
    const env = { OPENAI_API_KEY: 'sk-very-secret', COLLOQUY_PROT: '1' };
    const { code, stdout, stderr } = await run(['check', '--store', 'sqlite:check.db'], env);
    expect([code, stderr]).toEqual([0, '']);
    for (const line of [
      'COLLOQUY_STORE=sqlite:check.db',
      'COLLOQUY_OPENAI_API_KEY=[set]',
      'store: answers',
      'warning: COLLOQUY_PROT is not a setting; did you mean COLLOQUY_PORT?',
      'insecure: guests come in without a token',
    ]) {
      expect(stdout).toContain(line);
    }
    expect(stdout).not.toContain('sk-very-secret');
  });

  it('reads .env from where it is started', async () => {
    writeFileSync(join(folder, '.env'), 'COLLOQUY_MAILBOX_CAPACITY=7 # few\nOTHER=1\n');
    const { stdout } = await run(['check', '--store', 'memory:']);
    expect(stdout).toContain('COLLOQUY_MAILBOX_CAPACITY=7');
    const without = await run(['check', '--store', 'memory:', '--settings-file', 'none']);
    expect(without.stdout).toContain('COLLOQUY_MAILBOX_CAPACITY=1024');
  });

  it('signs tokens with the secret of the store, the same after another start', async () => {
    const args = ['token', '--store', 'sqlite:token.db', '--id', 'ada', '--name=Ada Lovelace'];
    const runs = [await run(args), await run([...args, '--days', '1'])];
    expect(runs.map(({ code }) => code)).toEqual([0, 0]);
    const store = await openStore(`sqlite:${join(folder, 'token.db')}`);
    const secret = await signingSecret(store);
    await store.close();
    if (!secret.ok) return expect.unreachable();
    const options = { allowsGuests: false, guestTokenSeconds: 0, now: Date.now };
    const identity = new Identity({ secret: secret.value, ...options });
    for (const [at, days] of [30, 1].entries()) {
      const verified = await identity.verify(runs[at]?.stdout.trim() ?? '');
      if (!verified.ok) return expect.unreachable();
      const { participant, expiresAt } = verified.value;
      expect(participant).toEqual({ id: 'ada', name: 'Ada Lovelace', kind: 'human' });
      expect((expiresAt - Date.now()) / 86_400_000).toBeCloseTo(days, 1);
    }
  });

  it('names every mistake in what a token is for', async () => {
    const { code, stderr } = await run([
      'token',
      '--id',
      'a b',
      '--days',
      '0',
      '--store',
      'memory:',
    ]);
    expect(code).toBe(1);
    for (const flag of ['--id', '--name', '--days']) expect(stderr).toContain(flag);
  });

  it('migrates', async () => {
    expect(await run(['migrate', '--store', 'sqlite:migrate.db'])).toMatchObject({
      code: 0,
      stderr: '',
    });
  });
});
