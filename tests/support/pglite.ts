import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { within } from './deadline.ts';

export interface PgliteStart {
  readonly socket: string;
  readonly folder?: string | undefined;
  readonly hasPgvector: boolean;
}

export interface PgliteOrder {
  readonly id: number;
  readonly sql: string;
}

type Answer = { readonly id: number; readonly rows?: Row[]; readonly error?: string };
type Row = Record<string, unknown>;

/**
 * Postgres with pgvector, compiled to WebAssembly (`@electric-sql/pglite`), behind a socket. It has one session:
 * give it a pool of one connection.
 */
export class Pglite {
  readonly #folder: string;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #asked = 0;
  #isEnded = false;

  private constructor(start: { readonly folder?: string; readonly hasPgvector: boolean }) {
    this.#folder = mkdtempSync(join(tmpdir(), 'colloquy-pglite-'));
    const socket = join(this.#folder, '.s.PGSQL.5432');
    const workerData: PgliteStart = { socket, ...start };
    this.#worker = new Worker(new URL('./pglite-worker.ts', import.meta.url), { workerData });
    this.#worker.on('message', (answer: Answer | 'ready') => {
      if (answer === 'ready') return;
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
  }

  /** In memory, or on the data in a folder. */
  static async start(
    options: { readonly folder?: string; readonly hasPgvector?: boolean } = {},
  ): Promise<Pglite> {
    const pglite = new Pglite({ hasPgvector: true, ...options });
    const ready = new Promise<void>((resolve, reject) => {
      pglite.#worker.once('message', () => resolve());
      pglite.#worker.once('error', reject);
    });
    await within(ready, 'PGlite starts');
    return pglite;
  }

  get url(): string {
    return `postgres://postgres@${encodeURIComponent(this.#folder)}/postgres`;
  }

  /** Runs SQL in the session that the store under test has, too. */
  async run(sql: string): Promise<Row[]> {
    this.#asked += 1;
    const id = this.#asked;
    const answer = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    this.#worker.postMessage({ id, sql } satisfies PgliteOrder);
    const { rows, error } = await answer;
    if (error !== undefined) throw new Error(error);
    return rows ?? [];
  }

  /** Takes everything away: tables, types and extensions. */
  async reset(): Promise<void> {
    await this.run('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  }

  /** Idempotent. */
  async end(): Promise<void> {
    if (this.#isEnded) return;
    this.#isEnded = true;
    await this.run('end');
    await this.#worker.terminate();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
