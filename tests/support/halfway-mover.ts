import { writeFileSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import type { MoverData, Order } from '../../storage/sqlite/mover-protocol.ts';
import { MoverSteps } from '../../storage/sqlite/mover-steps.ts';

/**
 * A mover's thread that carries half of the first segment, marks that with a file, and is never heard of again:
 * the state between two chunks.
 */
const { path, port } = workerData as MoverData;
const steps = new MoverSteps(path);

port.postMessage('ready');
port.on('message', (order: Order) => {
  const planned = steps.run(order);
  if (planned.ok) steps.run({ kind: 'chunk', rows: Math.ceil(planned.rows / 2), erased: [] });
  writeFileSync(`${path}-halfway`, '');
});
port.on('close', () => steps.close());
