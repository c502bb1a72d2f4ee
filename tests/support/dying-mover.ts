import { workerData } from 'node:worker_threads';
import type { MoverData, Order } from '../../storage/sqlite/mover-protocol.ts';
import { MoverSteps } from '../../storage/sqlite/mover-steps.ts';

/**
 * A mover's thread that dies at its third order: having carried it out and told nobody, or, every other time,
 * before it began. A start reads from the clock which of the two it will be.
 */
const { path, port } = workerData as MoverData;
const steps = new MoverSteps(path);
const diesLate = Date.now() % 2 === 0;
let orders = 0;

port.postMessage('ready');
port.on('message', (order: Order) => {
  orders += 1;
  if (orders === 3 && !diesLate) throw new Error('died before an order');
  const report = steps.run(order);
  if (orders === 3) throw new Error('died after an order');
  port.postMessage(report);
});
