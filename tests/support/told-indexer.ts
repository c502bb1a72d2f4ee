import { appendFileSync, readFileSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import type { Order } from '../../storage/sqlite/indexer-protocol.ts';
import type { ThreadData } from '../../storage/sqlite/order-thread.ts';
import type { WalState } from '../../storage/sqlite/wal.ts';

/** An indexer's thread without a database: it writes each order down, and reports the states that a file has for it. */
const { path, port } = workerData as ThreadData;
const states: WalState[] = JSON.parse(readFileSync(path, 'utf8'));

port.postMessage('ready');
port.on('message', (order: Order) => {
  appendFileSync(`${path}-orders`, `${JSON.stringify(order)}\n`);
  const state = states.shift() ?? { walPages: 0, leftPages: 0 };
  port.postMessage({ ok: true, isDone: true, rows: 0, ...state });
});
