import { workerData } from 'node:worker_threads';
import type { ThreadData } from '../../storage/sqlite/order-thread.ts';
import type { SearchOrder } from '../../storage/sqlite/search-protocol.ts';
import { SearchSteps } from '../../storage/sqlite/search-steps.ts';

/** A searching thread whose searches by words never end. */
const { path, port } = workerData as ThreadData;
const steps = new SearchSteps(path);

port.postMessage('ready');
port.on('message', (order: SearchOrder) => {
  if (order.name !== 'messagesByTerms') port.postMessage(steps.run(order));
});
port.on('close', () => steps.close());
