import { workerData } from 'node:worker_threads';
import type { Order } from './indexer-protocol.ts';
import { IndexerSteps } from './indexer-steps.ts';
import type { ThreadData } from './order-thread.ts';

/** The thread that makes places behind the log, and checkpoints: it answers orders, and decides nothing. */
const { path, port } = workerData as ThreadData;
const steps = new IndexerSteps(path);

// The first message says that the file is open.
port.postMessage('ready');
port.on('message', (order: Order) => port.postMessage(steps.run(order)));
port.on('close', () => steps.close());
