import { threadId, workerData } from 'node:worker_threads';
import type { Order } from '../../storage/sqlite/indexer-protocol.ts';
import { IndexerSteps } from '../../storage/sqlite/indexer-steps.ts';
import type { ThreadData } from '../../storage/sqlite/order-thread.ts';

/**
 * An indexer's thread that dies at an early order: each of them one sooner or later than the last, in turn before
 * it carries the order out and after, when it has told nobody.
 */
const { path, port } = workerData as ThreadData;
const steps = new IndexerSteps(path);
const lastOrder = 2 + (threadId % 4);
const diesLate = threadId % 8 < 4;
let orders = 0;

port.postMessage('ready');
port.on('message', (order: Order) => {
  orders += 1;
  if (orders === lastOrder && !diesLate) throw new Error('died before an order');
  const report = steps.run(order);
  if (orders === lastOrder) throw new Error('died after an order');
  port.postMessage(report);
});
