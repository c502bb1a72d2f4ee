import { existsSync, writeFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { workerData } from 'node:worker_threads';
import type { MoverData, Order } from '../../storage/sqlite/mover-protocol.ts';
import { MoverSteps } from '../../storage/sqlite/mover-steps.ts';

/** A mover's thread that has made its plan, says so with a file, and reports it only when there is another file. */
const { path, port } = workerData as MoverData;
const steps = new MoverSteps(path);

port.postMessage('ready');
port.on('message', async (order: Order) => {
  const report = steps.run(order);
  if (order.kind === 'plan') {
    writeFileSync(`${path}-planned`, '');
    while (!existsSync(`${path}-go`)) await turn();
  }
  port.postMessage(report);
});
port.on('close', () => steps.close());
