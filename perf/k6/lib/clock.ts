import exec from 'k6/execution';

// k6's Date has milliseconds and its run time has nanoseconds: the first says where the second begins.

/** Milliseconds after which the two are laid side by side anew, as the wall clock may be slewed. */
const ALIGN_MS = 10_000;
/** A look that was interrupted finds the beginning too early; the latest of some is right. */
const LOOKS = 3;

let startedAt = Number.NaN;
let alignedAt = Number.NEGATIVE_INFINITY;

/** Milliseconds since 1970, with microseconds behind the point. Every 10 seconds it spins for 3 milliseconds. */
export function now(): number {
  const running = exec.instance.currentTestRunDuration;
  if (running - alignedAt < ALIGN_MS) return startedAt + running;
  startedAt = 0;
  for (let look = 0; look < LOOKS; look += 1) {
    const before = Date.now();
    let at = before;
    while (at === before) at = Date.now();
    alignedAt = exec.instance.currentTestRunDuration;
    startedAt = Math.max(startedAt, at - alignedAt);
  }
  return startedAt + alignedAt;
}
