import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** Milliseconds a server has to listen, and to end after SIGTERM. */
const START_MS = 20_000;
const STOP_MS = 15_000;
/** Linux counts a process's time in hundredths of a second. */
const TICKS_A_SECOND = 100;

/** Server and load each get a core of their own; on a single core, or without `taskset`, they share. */
export const SERVER_CORE = 0;
export const LOAD_CORE = 1;

export interface RunningServer {
  readonly port: number;
  readonly pid: number;
  /** Seconds of CPU it has used so far, all threads. */
  readonly cpuSeconds: () => number;
  readonly stop: () => Promise<void>;
}

/** A command, on a core of its own where there are two. */
export function pinned(core: number, command: readonly string[]): string[] {
  return availableParallelism() > 1 ? ['taskset', '-c', String(core), ...command] : [...command];
}

/** Starts a program that prints its address, and waits for it. Its stderr is shown only when it fails. */
export async function startServer(
  command: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<RunningServer> {
  const [program = '', ...args] = pinned(SERVER_CORE, command);
  const child = spawn(program, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const port = await portOf(child);
  return {
    port,
    pid: child.pid ?? 0,
    cpuSeconds: () => cpuSecondsOf(child.pid ?? 0),
    stop: () => stop(child),
  };
}

function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let said = '';
    const fail = (why: string) => reject(new Error(`${why}\n${said.slice(-2_000)}`));
    const late = setTimeout(() => {
      child.kill('SIGKILL');
      fail('the server did not start');
    }, START_MS);
    const hear = (chunk: Buffer) => {
      if (said.length < 10_000) said += chunk;
      const port = /http:\/\/127\.0\.0\.1:(\d+)/.exec(said)?.[1];
      if (port === undefined) return;
      clearTimeout(late);
      resolve(Number(port));
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.once('error', (cause) => fail(String(cause)));
    child.once('exit', (code) => {
      clearTimeout(late);
      fail(`the server ended with ${code}`);
    });
  });
}

export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in brackets may hold blanks: count from behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await ended;
  clearTimeout(late);
}
