import { join } from 'node:path';
import { databaseOn } from '../../../tests/support/postgres.ts';
import type { PostgresServer } from '../../../tests/support/postgres-server.ts';
import { ROOT, type RunningServer, startServer } from '../harness/contender.ts';
import type { Destination, Load } from '../load/load.ts';
import { PEERS } from './install.ts';

/** One that takes part. It is started afresh for every run. */
export interface Contender {
  readonly title: string;
  readonly protocol: Destination['protocol'];
  /** `limit` and `peer` store nothing. What a peer loses is counted; ours may lose nothing. */
  readonly kind: 'limit' | 'ours' | 'peer';
  readonly start: (setting: Setting) => Promise<RunningServer>;
}

/** What a contender is started for. */
export interface Setting {
  readonly load: Load;
  /** How long ours makes its frames under the same load. */
  readonly sizes: FrameSizes;
  /** Its own, and gone when the run is over. */
  readonly folder: string;
  readonly postgres: () => Promise<PostgresServer>;
}

export interface FrameSizes {
  readonly ack_bytes: number;
  readonly event_bytes: number;
}

/** No settings but the flags below. Node would take a flag `--env-file` for its own. */
export const ENVIRONMENT = {
  PATH: process.env['PATH'],
  COLLOQUY_ENV_FILE: 'none',
  COLLOQUY_LOG_LEVEL: 'error',
  // What every peer's docs ask for where speed counts.
  NODE_ENV: 'production',
};

const CONTENDERS: Readonly<Record<string, Contender>> = {
  relay: {
    title: 'bare uWebSockets.js',
    protocol: 'relay',
    kind: 'limit',
    // Two are written to one by one, as that is faster for it; many through a topic.
    start: (setting) =>
      peer('uws-relay.ts', setting, ['--fan-out', setting.load.people > 2 ? 'publish' : 'send']),
  },
  memory: ours('Colloquy, `memory:`', () => serve('memory:')),
  NORMAL: ours('Colloquy, SQLite `NORMAL`', ({ folder }) => onSqlite(folder, 'NORMAL')),
  FULL: ours('Colloquy, SQLite `FULL`', ({ folder }) => onSqlite(folder, 'FULL')),
  postgres: ours('Colloquy, Postgres', onPostgres),
  ws: {
    title: 'bare `ws`',
    protocol: 'relay',
    kind: 'peer',
    start: (setting) => peer('ws-relay.ts', setting, []),
  },
  'socket.io-ws': socketIo('Socket.IO on `ws`', 'ws'),
  'socket.io-uws': socketIo('Socket.IO on uWebSockets.js', 'uws'),
  'colyseus-ws': colyseus('Colyseus on `ws`', 'ws'),
  'colyseus-uws': colyseus('Colyseus on uWebSockets.js', 'uws'),
};

export const CONTENDER_NAMES = Object.keys(CONTENDERS);

export function contender(name: string): Contender {
  const found = CONTENDERS[name];
  if (found === undefined) throw new Error(`--against has no '${name}'`);
  return found;
}

function ours(title: string, start: Contender['start']): Contender {
  return { title, protocol: 'colloquy', kind: 'ours', start };
}

function serve(store: string, more: readonly string[] = []): Promise<RunningServer> {
  const settings = ['--port', '0', '--agent', 'none', '--max-participants', '2000'];
  const main = join(ROOT, 'src/cli/main.ts');
  const command = [process.execPath, main, 'serve', ...settings, '--store', store, ...more];
  return startServer(command, ENVIRONMENT);
}

function onSqlite(folder: string, synchronous: string): Promise<RunningServer> {
  return serve(`sqlite:${join(folder, 'c.db')}`, ['--sqlite-synchronous', synchronous]);
}

/** A Postgres of this benchmark's own, as it comes: every commit is synced. It has no core of its own. */
async function onPostgres({ postgres }: Setting): Promise<RunningServer> {
  const cluster = await postgres();
  const database = await databaseOn((name) => cluster.url(name));
  const server = await serve(database.url).catch(async (error: unknown) => {
    await database.drop();
    throw error;
  });
  const stop = async () => {
    await server.stop();
    await database.drop();
  };
  return { ...server, stop };
}

function peer(file: string, setting: Setting, more: readonly string[]): Promise<RunningServer> {
  const { ack_bytes, event_bytes } = setting.sizes;
  const sizes = { '--ack-bytes': ack_bytes, '--event-bytes': event_bytes };
  const flags = Object.entries(sizes).flatMap(([flag, size]) => [flag, String(Math.round(size))]);
  return startServer([process.execPath, join(PEERS, file), ...flags, ...more], ENVIRONMENT);
}

function socketIo(title: string, underneath: string): Contender {
  const start: Contender['start'] = (setting) =>
    peer('socket-io.ts', setting, [...objectsOf(setting), '--on', underneath]);
  return { title, protocol: 'socket.io', kind: 'peer', start };
}

function colyseus(title: string, underneath: string): Contender {
  const start: Contender['start'] = (setting) =>
    peer('colyseus.ts', setting, [...objectsOf(setting), '--on', underneath]);
  return { title, protocol: 'colyseus', kind: 'peer', start };
}

function objectsOf({ load }: Setting): string[] {
  return ['--content-bytes', String(load.contentBytes)];
}
