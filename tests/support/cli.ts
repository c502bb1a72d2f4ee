import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { within } from './deadline.ts';

export const CLI_MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const END_MS = 60_000;

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd: string;
  /** Written to its stdin, which ends then. */
  readonly input?: string;
}

/** Runs the program to its end with no settings but these. */
export function runCli(args: readonly string[], { cwd, input }: RunOptions): Promise<Ran> {
  const child = spawn(process.execPath, [CLI_MAIN, ...args], {
    cwd,
    env: { PATH: process.env['PATH'] },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // A program that ends before it has read everything is no failure of the test.
  child.stdin.on('error', () => {}).end(input ?? '');
  const ended = new Promise<Ran>((resolve) => {
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
  return within(ended, `colloquy ${args.join(' ')} ends`, END_MS).finally(() =>
    child.kill('SIGKILL'),
  );
}
