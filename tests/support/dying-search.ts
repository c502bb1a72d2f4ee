import { threadId, workerData } from 'node:worker_threads';
import type { ThreadData } from '../../storage/sqlite/order-thread.ts';
import type { SearchOrder } from '../../storage/sqlite/search-protocol.ts';
import { SearchSteps } from '../../storage/sqlite/search-steps.ts';

/**
 * A searching thread that dies at an early call: each of them one sooner or later than the last, in turn before it
 * carries the call out and after, when it has told nobody.
 */
const { path, port } = workerData as ThreadData;
const steps = new SearchSteps(path);
const lastCall = 1 + (threadId % 4);
const diesLate = threadId % 8 < 4;
let calls = 0;

port.postMessage('ready');
port.on('message', (order: SearchOrder) => {
  calls += 1;
  if (calls === lastCall && !diesLate) throw new Error('died before a call');
  const report = steps.run(order);
  if (calls === lastCall) throw new Error('died after a call');
  port.postMessage(report);
});
port.on('close', () => steps.close());
