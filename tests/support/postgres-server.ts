import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { within } from './deadline.ts';
import { type Binaries, postgresBinaries } from './postgres-binaries.ts';

const USER = 'colloquy';
/** Characters that a URL must escape, so that whoever prints it in any form is found out. */
export const PASSWORD = 'open:se/same@%27';
const START_MS = 60_000;

/**
 * Waits for the end of the process that has the other end of its standard input, however that comes, and takes
 * the server with it. A server that was stopped in its tracks (SIGSTOP) goes on, to hear that it must end.
 */
const WATCHDOG = `
cat > /dev/null
pid=$(cat "$1/pid" 2> /dev/null) && {
  kill -QUIT "$pid"; kill -CONT "$pid"
  tries=0
  while kill -0 "$pid" && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
  kill -KILL "$pid"
} 2> /dev/null
rm -rf "$1"
`;

/**
 * A real Postgres of the tests' own: a data folder, and a server on it that can be stopped, killed, frozen and
 * started again. It is on a unix socket, asks for a password, and ends when the process that made it does.
 */
export class PostgresServer {
  readonly #folder: string;
  readonly #binaries: Binaries;
  readonly #settings: readonly string[];
  readonly #watchdog: ChildProcess;
  #server: ChildProcess | undefined;

  private constructor(settings: Readonly<Record<string, string>>) {
    this.#folder = mkdtempSync(join(tmpdir(), 'colloquy-pg-'));
    this.#watchdog = watch(this.#folder);
    this.#binaries = postgresBinaries(this.#folder);
    const { uid, gid } = this.#binaries.runner;
    if (uid !== undefined && gid !== undefined) chownSync(this.#folder, uid, gid);
    this.#settings = Object.entries({
      listen_addresses: '',
      unix_socket_directories: this.#folder,
      ...settings,
    }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  }

  /** A new data folder, and a server on it. Settings are as in production, but for the given ones. */
  static async start(settings: Readonly<Record<string, string>> = {}): Promise<PostgresServer> {
    const server = new PostgresServer(settings);
    try {
      server.#makeData();
      await server.start();
    } catch (error) {
      await server.end();
      throw error;
    }
    return server;
  }

  /** What to connect to. */
  url(database = 'postgres', user = USER, password = PASSWORD): string {
    const [folder, pass] = [this.#folder, password].map(encodeURIComponent);
    return `postgres://${user}:${pass}@${folder}/${database}`;
  }

  /** Starts the server again on the same data, unless it runs, and waits until it answers. */
  async start(): Promise<void> {
    if (this.#server !== undefined) return;
    const log = openSync(join(this.#folder, 'log'), 'a');
    const { postgres, runner } = this.#binaries;
    const server = spawn(
      '/bin/sh',
      [
        '-c',
        'cd "$1" && echo $$ > pid && shift && exec "$@"',
        'sh',
        this.#folder,
        postgres,
        '-D',
        join(this.#folder, 'data'),
        ...this.#settings,
      ],
      { ...runner, stdio: ['ignore', log, log], detached: true },
    );
    closeSync(log);
    server.unref();
    this.#server = server;
    await this.#isReady(server);
  }

  /** Ends the connections and the server, as an operator does. */
  async stop(): Promise<void> {
    await this.#endBy('SIGINT');
  }

  /** What a lost machine does. */
  async kill(): Promise<void> {
    await this.#endBy('SIGKILL');
  }

  /** Freezes the server and all its processes: connections stay, and nothing answers. */
  freeze(): void {
    for (const pid of this.#pids()) signal(pid, 'SIGSTOP');
  }

  thaw(): void {
    for (const pid of this.#pids().reverse()) signal(pid, 'SIGCONT');
  }

  /** Ends the server, if it runs, and deletes its data. */
  async end(): Promise<void> {
    if (this.#server !== undefined) {
      this.thaw();
      await this.#endBy('SIGQUIT');
    }
    this.#watchdog.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get pid(): number {
    const pid = this.#server?.pid;
    if (pid === undefined) throw new Error('Postgres does not run');
    return pid;
  }

  /** What the server wrote, for the messages of tests that fail. */
  log(): string {
    return readFileSync(join(this.#folder, 'log'), 'utf8');
  }

  #makeData(): void {
    const passwordFile = join(this.#folder, 'password');
    writeFileSync(passwordFile, PASSWORD, { mode: 0o644 });
    chmodSync(this.#folder, 0o755);
    execFileSync(
      this.#binaries.initdb,
      [
        `--pgdata=${join(this.#folder, 'data')}`,
        `--username=${USER}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        // Not the order of bytes: what relies on that has to say so.
        '--locale=C',
        '--locale-provider=icu',
        '--icu-locale=en-US',
        // A password is checked at each of thousands of connections; how hard it would be to guess is no test's matter.
        '--set=scram_iterations=1',
        '--no-sync',
      ],
      { ...this.#binaries.runner, cwd: this.#folder, stdio: 'pipe' },
    );
  }

  async #isReady(server: ChildProcess): Promise<void> {
    const end = performance.now() + START_MS;
    for (;;) {
      if (server.exitCode !== null || server.signalCode !== null)
        throw new Error(`Postgres did not start: ${this.log()}`);
      const client = new pg.Client({ connectionString: this.url() });
      client.on('error', () => {});
      try {
        await client.connect();
        return;
      } catch (cause) {
        if (performance.now() > end)
          throw new Error(`Postgres does not answer: ${this.log()}`, { cause });
        await new Promise((resolve) => setTimeout(resolve, 20));
      } finally {
        await client.end();
      }
    }
  }

  async #endBy(signal: NodeJS.Signals): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    if (server.exitCode === null && server.signalCode === null) {
      const exited = once(server, 'exit');
      server.kill(signal);
      await within(exited, 'Postgres ends');
    }
    rmSync(join(this.#folder, 'pid'), { force: true });
  }

  /** The server's own process first. */
  #pids(): number[] {
    const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number));
    return [
      this.pid,
      ...rows.flatMap(([pid, parent]) => (parent === this.pid && pid ? [pid] : [])),
    ];
  }
}

/** To one of the server's processes, which may have ended since it was seen. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function watch(folder: string): ChildProcess {
  const watchdog = spawn('/bin/sh', ['-c', WATCHDOG, 'watchdog', folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watchdog.unref();
  // A pipe is a socket here; it must not keep the tests' process alive.
  (watchdog.stdin as unknown as { unref(): void } | null)?.unref();
  return watchdog;
}
