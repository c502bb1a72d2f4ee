import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../../../src/config.ts';
import { createRuntime, type Runtime } from '../../../src/runtime.ts';
import { Pglite } from '../../../tests/support/pglite.ts';
import { databaseOn } from '../../../tests/support/postgres.ts';
import { PostgresServer } from '../../../tests/support/postgres-server.ts';

/** Somewhere to keep a store for one benchmark, and what it is called in a table. */
export interface Place {
  readonly name: string;
  readonly url: string;
  /** What the server is set to there, beside the store. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly clear: () => Promise<void>;
}

const PLACES: Readonly<Record<string, () => Promise<Place>>> = {
  memory: async () => ({ name: '`memory:`', url: 'memory:', clear: async () => {} }),
  sqlite: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'colloquy-bench-'));
    const clear = async () => rmSync(folder, { recursive: true, force: true });
    return { name: 'SQLite', url: `sqlite:${join(folder, 'bench.db')}`, clear };
  },
  postgres: async () => {
    const server = await PostgresServer.start();
    const database = await databaseOn((name) => server.url(name));
    const clear = async () => {
      await database.drop();
      await server.end();
    };
    return { name: 'Postgres', url: database.url, clear };
  },
};

/** Postgres with pgvector is compiled to WebAssembly, and has one session: for questions about vectors only. */
const WITH_VECTORS: typeof PLACES = {
  pglite: async () => {
    const server = await Pglite.start();
    const settings = { 'store-pool-size': '1' };
    const name = 'PGlite with pgvector, a pool of one';
    return { name, url: server.url, settings, clear: () => server.end() };
  },
};

export const PLACE_NAMES = Object.keys(PLACES);
export const SEARCHED_PLACES = [...PLACE_NAMES, ...Object.keys(WITH_VECTORS)];

export function openPlace(name: string): Promise<Place> {
  const open = PLACES[name] ?? WITH_VECTORS[name];
  if (open === undefined) throw new Error(`no store is called ${name}`);
  return open();
}

/** The server's own object graph on a store, without the server. */
export async function runtimeOn(
  url: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<Runtime> {
  const flags = Object.entries({ store: url, ...settings }).flatMap(([name, value]) => [
    `--${name}`,
    value,
  ]);
  const read = readConfig({ flags, env: {}, readFile: () => undefined });
  if (!read.ok) throw new Error(read.failure.message);
  const silent = () => {};
  const show = (event: string, about: unknown) => {
    process.stderr.write(`${event} ${JSON.stringify(about)}\n`);
  };
  const log = { debug: silent, info: silent, warn: show, error: show };
  return createRuntime({ config: read.value.config, log });
}
