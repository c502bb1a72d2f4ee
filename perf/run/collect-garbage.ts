// Loaded into the server of a soak with --import: a leak is what a full collection leaves.

const EVERY_MS = 5_000;

setInterval(() => globalThis.gc?.(), EVERY_MS).unref();
