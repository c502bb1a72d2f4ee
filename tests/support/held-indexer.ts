import { existsSync, writeFileSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { needsLock, type Order } from '../../storage/sqlite/indexer-protocol.ts';
import { IndexerSteps } from '../../storage/sqlite/indexer-steps.ts';
import type { ThreadData } from '../../storage/sqlite/order-thread.ts';

/**
 * An indexer's thread on a disk that answers nothing: it marks with a file that it has the write lock, and keeps it
 * until another file says that the disk is back.
 */
const { path, port } = workerData as ThreadData;
const steps = new IndexerSteps(path);
const clock = new Int32Array(new SharedArrayBuffer(4));

port.postMessage('ready');
port.on('message', (order: Order) => {
  const report = steps.run(order);
  if (needsLock(order)) {
    writeFileSync(`${path}-held`, '');
    while (!existsSync(`${path}-go`)) Atomics.wait(clock, 0, 0, 1);
  }
  port.postMessage(report);
});
port.on('close', () => steps.close());
