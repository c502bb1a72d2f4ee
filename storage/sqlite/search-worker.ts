import { workerData } from 'node:worker_threads';
import type { ThreadData } from './order-thread.ts';
import type { SearchOrder } from './search-protocol.ts';
import { SearchSteps } from './search-steps.ts';

/** The thread that searches, and writes what searches need: it answers calls, and decides nothing. */
const { path, port } = workerData as ThreadData;
const steps = new SearchSteps(path);

// The first message says that the file is open.
port.postMessage('ready');
port.on('message', (order: SearchOrder) => port.postMessage(steps.run(order)));
port.on('close', () => steps.close());
