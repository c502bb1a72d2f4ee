import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { vector } from '@electric-sql/pglite-pgvector';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import type { PgliteOrder, PgliteStart } from './pglite.ts';

/** PGlite behind a socket, in a thread of its own: its work is synchronous, and would hold up our timers. */
const { socket, folder, hasPgvector } = workerData as PgliteStart;
const db = await PGlite.create({
  ...(folder === undefined ? {} : { dataDir: folder }),
  extensions: hasPgvector ? { vector } : {},
});
const server = new PGLiteSocketServer({ db, path: socket, maxConnections: 8 });
// All connections are one session to it: what the last one prepared and set must not meet the next.
server.addEventListener('connection', () => void db.exec('DISCARD ALL'));
await server.start();
parentPort?.postMessage('ready');
parentPort?.on('message', (order: PgliteOrder) => void answer(order));

async function answer({ id, sql }: PgliteOrder): Promise<void> {
  try {
    if (sql === 'end') {
      await server.stop();
      await db.close();
      parentPort?.postMessage({ id, rows: [] });
      return;
    }
    const results = await db.exec(sql);
    parentPort?.postMessage({ id, rows: results.at(-1)?.rows ?? [] });
  } catch (error) {
    parentPort?.postMessage({ id, error: String(error) });
  }
}
