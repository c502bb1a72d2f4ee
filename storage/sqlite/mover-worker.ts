import { workerData } from 'node:worker_threads';
import type { MoverData, Order } from './mover-protocol.ts';
import { MoverSteps } from './mover-steps.ts';

/** The thread that carries the log into the clustered tables and checkpoints: it answers orders, and decides nothing. */
const { path, port } = workerData as MoverData;
const steps = new MoverSteps(path);

// The first message says that the file is open.
port.postMessage('ready');
port.on('message', (order: Order) => port.postMessage(steps.run(order)));
port.on('close', () => steps.close());
