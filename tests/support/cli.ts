import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
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
  /** Root may write what nobody may; without that right it is a user like others. */
  readonly asOwnerOnly?: boolean;
  /** No file that it writes may be larger: what is felt of a disk that is full. */
  readonly maxFileBytes?: number;
}

/** Of util-linux: where it is not, nothing else can fill a disk for one process alone. */
const PRLIMIT = '/usr/bin/prlimit';
export const CAN_LIMIT_FILES = existsSync(PRLIMIT);

const OWNER_ONLY = ['setpriv', '--bounding-set=-dac_override,-dac_read_search'];

/** Runs the program to its end with no settings but these. */
export function runCli(args: readonly string[], options: RunOptions): Promise<Ran> {
  const { cwd, input, asOwnerOnly = false, maxFileBytes } = options;
  const wrapper = asOwnerOnly && process.getuid?.() === 0 ? [...OWNER_ONLY] : [];
  if (maxFileBytes !== undefined) wrapper.push(PRLIMIT, `--fsize=${maxFileBytes}`);
  const [program = '', ...words] = [...wrapper, process.execPath, CLI_MAIN, ...args];
  const child = spawn(program, words, {
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
