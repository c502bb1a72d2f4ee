import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, type RunningServer, startServer } from './contender.ts';

/** No settings but those named as flags. */
const ENVIRONMENT = {
  PATH: process.env['PATH'],
  COLLOQUY_SETTINGS_FILE: 'none',
  COLLOQUY_LOG_LEVEL: 'error',
  // As `npm start` has it (scripts/run).
  MALLOC_ARENA_MAX: '2',
};

export interface Colloquy extends RunningServer {
  /** Bytes of memory that are its own, in RAM now; what it maps of shared libraries is left out. */
  readonly residentBytes: () => number;
  /** The rows of `/metrics` that have no labels. */
  readonly metrics: () => Promise<ReadonlyMap<string, number>>;
}

export interface ColloquyPlan {
  readonly store: string;
  /** Settings beside the store. */
  readonly flags?: readonly string[];
  /** Flags of Node itself. */
  readonly node?: readonly string[];
}

/** The server as a process of its own, without an agent, on a free port of loopback. */
export async function startColloquy({
  store,
  flags = [],
  node = [],
}: ColloquyPlan): Promise<Colloquy> {
  const main = join(ROOT, 'src/cli/main.ts');
  const settings = ['--port', '0', '--agent', 'none', '--store', store, ...flags];
  const command = [process.execPath, ...node, main, 'serve', ...settings];
  const server = await startServer(command, ENVIRONMENT);
  return {
    ...server,
    residentBytes: () => residentBytes(server.pid),
    metrics: () => metrics(server.port),
  };
}

function residentBytes(pid: number): number {
  const kibibytes = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kibibytes) * 1_024;
}

async function metrics(port: number): Promise<ReadonlyMap<string, number>> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  const rows = (await answer.text()).matchAll(/^([a-z_]+) (\S+)$/gm);
  return new Map([...rows].map(([, name = '', value]) => [name, Number(value)]));
}
