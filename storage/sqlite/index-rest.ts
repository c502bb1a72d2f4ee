import type { Order } from './indexer-protocol.ts';
import { IndexerSteps } from './indexer-steps.ts';

const AT_A_TIME = 4_000;

/**
 * Indexes what is left of the log, in the calling thread, for about `withinMs`: the end of a close, when nobody
 * waits for the event loop any more. What is not done by then, or fails, is done after the next start.
 */
export function indexRest(path: string, lastRow: number, withinMs: number): void {
  const deadline = performance.now() + withinMs;
  const steps = new IndexerSteps(path);
  const orders: readonly Order[] = [
    { kind: 'plan', lastRow },
    { kind: 'chunk', places: AT_A_TIME },
    { kind: 'purge', lastRow, rows: AT_A_TIME, keep: [] },
  ];
  try {
    for (const order of orders) if (!isCarriedOut(steps, order, deadline)) return;
  } finally {
    steps.close();
  }
}

function isCarriedOut(steps: IndexerSteps, order: Order, deadline: number): boolean {
  for (;;) {
    const report = steps.run(order);
    if (!report.ok) return false;
    if (report.isDone || order.kind === 'plan') return true;
    if (performance.now() > deadline) return false;
  }
}
