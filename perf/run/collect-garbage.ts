// Loaded into the server of a soak with --import: a leak is what a full collection leaves. What that is goes to
// stderr, and so into server.log; a scrape would come at some other time, with new garbage in the heap.

const EVERY_MS = 5_000;

setInterval(() => {
  globalThis.gc?.();
  const keptBytes = process.memoryUsage().heapUsed;
  process.stderr.write(`${JSON.stringify({ event: 'collected', at: Date.now(), keptBytes })}\n`);
}, EVERY_MS).unref();
