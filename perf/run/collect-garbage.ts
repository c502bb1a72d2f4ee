// Loaded into the server of a soak with --import: a leak is what a full collection leaves. What that is goes to
// stderr, and so into server.log; a scrape would come at some other time, with new garbage in the heap.

import { isMainThread } from 'node:worker_threads';

const EVERY_MS = 5_000;

// Threads of the server load this as well, and have heaps of their own.
if (isMainThread) setInterval(collect, EVERY_MS).unref();

function collect(): void {
  globalThis.gc?.();
  const keptBytes = process.memoryUsage().heapUsed;
  process.stderr.write(`${JSON.stringify({ event: 'collected', at: Date.now(), keptBytes })}\n`);
}
