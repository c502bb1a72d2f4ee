import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { within } from './deadline.ts';

/**
 * A real server in a process of its own, on a port of its own, in a folder of its own.
 *
 * Owns: the child process and the temporary folder. Ends only what it started.
 * Does not own: the clients that talk to it.
 *
 * Invariants:
 * 1. At most one child at a time; `start` resolves when it listens, or rejects with its output.
 * 2. No child outlives the test process.
 */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const START_MS = 120_000;
const STOP_MS = 45_000;
const LISTENING = /http:\/\/127\.0\.0\.1:(\d+)/;

/** Settings as flags: the `COLLOQUY_*` names in kebab-case. `{dir}` stands for the folder. */
export type Flags = Readonly<Record<string, string | number>>;

const DEFAULTS: Flags = {
  port: 0,
  store: 'memory:',
  agent: 'none',
  'log-level': 'warn',
  'drain-ms': 1_000,
};

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

interface Running {
  readonly child: ChildProcess;
  readonly exit: Promise<Exit>;
  readonly port: number;
}

const children = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

/** The environment without settings of the person who runs the tests. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(COLLOQUY|OPENAI)_/.test(name));
  return { ...Object.fromEntries(kept), COLLOQUY_SETTINGS_FILE: 'none' };
}

export class ServerProcess {
  /** Everything that the processes started here wrote, in order. */
  output = '';
  readonly dir = mkdtempSync(join(tmpdir(), 'colloquy-test-'));
  readonly #flags: Flags;
  #running: Running | undefined;
  #lastPort = 0;

  constructor(flags: Flags = {}) {
    this.#flags = { ...DEFAULTS, ...flags };
  }

  get port(): number {
    return this.#live.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get wsUrl(): string {
    return `ws://127.0.0.1:${this.port}/v1/ws`;
  }

  get pid(): number {
    return this.#live.child.pid as number;
  }

  /** Resolves when the process is gone, however it went. */
  get exited(): Promise<Exit> {
    return this.#live.exit;
  }

  /** A path below the server's own folder. */
  path(name: string): string {
    return join(this.dir, name);
  }

  async start(override: Flags = {}): Promise<void> {
    if (this.#running) throw new Error('already started');
    const { child, exit } = this.#spawn(override);
    const port = new Promise<number>((resolve, reject) => {
      let stdout = '';
      child.stdout?.on('data', (text: string) => {
        stdout += text;
        const found = LISTENING.exec(stdout);
        if (found) resolve(Number(found[1]));
      });
      void exit.then(({ code, signal }) => {
        reject(new Error(`ended with ${signal ?? code} before it listened:\n${this.output}`));
      });
    });
    try {
      this.#running = { child, exit, port: await within(port, 'the server listens', START_MS) };
      this.#lastPort = this.#running.port;
    } catch (error) {
      child.kill('SIGKILL');
      await exit;
      throw error;
    }
  }

  /** Starts it on the same port and store as before, kills it so soon, and starts it again. */
  async startAndKill(afterMs: number): Promise<void> {
    const port = this.#lastPort;
    const { child, exit } = this.#spawn({ port });
    setTimeout(() => child.kill('SIGKILL'), afterMs);
    await within(exit, 'the server ends', START_MS);
    await this.start({ port });
  }

  /** Runs a server that is expected to end by itself, and gives how it did. */
  async run(override: Flags = {}): Promise<Exit> {
    const { child, exit } = this.#spawn(override);
    try {
      return await within(exit, 'the server ends', START_MS);
    } finally {
      child.kill('SIGKILL');
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#live.child.kill(signal);
  }

  /** Sends the signal and waits for the end. */
  async kill(signal: NodeJS.Signals): Promise<Exit> {
    const { child, exit } = this.#live;
    child.kill(signal);
    const result = await within(exit, `the server ends after ${signal}`, STOP_MS);
    this.#running = undefined;
    return result;
  }

  /** Kills it (unless it is gone already) and starts it again on the same port and store. */
  async restart(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const { port } = this.#live;
    await this.kill(signal);
    await this.start({ port });
  }

  /** Ends what still runs and removes the folder. Gives the exit of a server that was running. */
  async dispose(): Promise<Exit | undefined> {
    try {
      return this.#running && (await this.kill('SIGTERM'));
    } finally {
      this.#running?.child.kill('SIGKILL');
      this.#running = undefined;
      rmSync(this.dir, { recursive: true, force: true });
    }
  }

  get #live(): Running {
    if (!this.#running) throw new Error('the server is not running');
    return this.#running;
  }

  #spawn(override: Flags): { child: ChildProcess; exit: Promise<Exit> } {
    const flags = Object.entries({ ...this.#flags, ...override }).flatMap(([name, value]) => [
      `--${name}`,
      String(value).replace('{dir}', this.dir),
    ]);
    const main = join(ROOT, 'src/cli/main.ts');
    const child = spawn(process.execPath, [main, 'serve', ...flags], {
      cwd: ROOT,
      env: cleanEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.add(child);
    const exit = new Promise<Exit>((resolve) => {
      child.on('error', (error) => {
        this.output += String(error);
        resolve({ code: null, signal: null });
      });
      child.on('close', (code, signal) => {
        children.delete(child);
        resolve({ code, signal });
      });
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    }
    return { child, exit };
  }
}
