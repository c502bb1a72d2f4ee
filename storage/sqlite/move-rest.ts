import type { Order } from './mover-protocol.ts';
import { MoverSteps } from './mover-steps.ts';

const ROWS = 5_000;

/**
 * Moves what is left in the log, in the calling thread, for about `withinMs`: the end of a close, when nobody
 * waits for the event loop any more. What is not done by then, or fails, is in the log at the next start.
 */
export function moveRest(path: string, lastRow: number, withinMs: number): void {
  const deadline = performance.now() + withinMs;
  const steps = new MoverSteps(path);
  const orders: readonly Order[] = [
    { kind: 'plan', lastRow, skipMoved: true },
    { kind: 'chunk', rows: ROWS, erased: [] },
    { kind: 'trim', lastRow, rows: ROWS },
    { kind: 'purge', lastRow, rows: ROWS },
  ];
  try {
    for (const order of orders) if (!isCarriedOut(steps, order, deadline)) return;
  } finally {
    steps.close();
  }
}

function isCarriedOut(steps: MoverSteps, order: Order, deadline: number): boolean {
  for (;;) {
    const report = steps.run(order);
    if (!report.ok) return false;
    if (report.isDone || order.kind === 'plan') return true;
    if (performance.now() > deadline) return false;
  }
}
