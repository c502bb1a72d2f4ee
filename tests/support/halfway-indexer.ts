import { writeFileSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import type { Order } from '../../storage/sqlite/indexer-protocol.ts';
import { IndexerSteps } from '../../storage/sqlite/indexer-steps.ts';
import type { ThreadData } from '../../storage/sqlite/order-thread.ts';

/**
 * An indexer's thread that writes the first place of the first segment, marks that with a file, and is never
 * heard of again: the state between two chunks.
 */
const { path, port } = workerData as ThreadData;
const steps = new IndexerSteps(path);

port.postMessage('ready');
port.on('message', (order: Order) => {
  steps.run(order);
  steps.run({ kind: 'chunk', places: 1 });
  writeFileSync(`${path}-halfway`, '');
});
port.on('close', () => steps.close());
