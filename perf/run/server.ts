import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ended, endProcess } from './processes.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const START_MS = 20_000;
const STOP_MS = 20_000;
const LISTENING = /http:\/\/127\.0\.0\.1:(\d+)/;

export interface Server {
  readonly url: string;
  /** Resolves when it is gone; before `stop` that is a failure. */
  readonly gone: Promise<string>;
  readonly stop: () => Promise<void>;
}

export interface ServerPlan {
  /** Settings, as flags. */
  readonly flags: readonly string[];
  /** As the server takes it. It may hold a password, so it is no flag. */
  readonly store: string;
  /** Where its log goes. */
  readonly log: string;
  /** A full garbage collection every few seconds: what is then in the heap is held by something. */
  readonly collectsGarbage: boolean;
}

/** Starts a server on loopback, on a free port, without the settings of the person who runs this. */
export async function startServer(plan: ServerPlan): Promise<Server> {
  const { flags, store, log, collectsGarbage } = plan;
  const node = collectsGarbage
    ? ['--expose-gc', '--import', join(import.meta.dirname, 'collect-garbage.ts')]
    : [];
  const main = join(ROOT, 'src/cli/main.ts');
  const own = ['--host', '127.0.0.1', '--port', '0', '--log-level', 'warn'];
  const child = spawn(process.execPath, [...node, main, 'serve', ...own, ...flags], {
    cwd: ROOT,
    env: {
      PATH: process.env['PATH'],
      COLLOQUY_SETTINGS_FILE: 'none',
      COLLOQUY_STORE: store,
      // As `npm start` has it (scripts/run).
      MALLOC_ARENA_MAX: '2',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const gone = ended(child);
  const port = await portOf(child, gone, log);
  return {
    url: `http://127.0.0.1:${port}`,
    gone,
    stop: () => endProcess(child, { signal: 'SIGTERM', withinMs: STOP_MS }),
  };
}

async function portOf(child: ChildProcess, gone: Promise<string>, log: string): Promise<number> {
  const file = createWriteStream(log);
  let said = '';
  const port = new Promise<number>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        file.write(text);
        if (said.length > 100_000) return;
        said += text;
        const found = LISTENING.exec(said)?.[1];
        if (found !== undefined) resolve(Number(found));
      });
    }
  });
  let late: NodeJS.Timeout | undefined;
  const never = new Promise<string>((resolve) => {
    late = setTimeout(() => resolve(`did not listen within ${START_MS / 1_000} s`), START_MS);
  });
  const first = await Promise.race([port, gone, never]);
  clearTimeout(late);
  if (typeof first === 'number') return first;
  await endProcess(child, { signal: 'SIGKILL', withinMs: 1_000 });
  throw new Error(`the server ${first}:\n${said.trim().slice(-2_000)}`);
}
