// Brings the checkout up to date: `node scripts/bootstrap.mjs node|packages|page`, each with what
// it needs. Says one line on stderr for each step it does and nothing when all is fresh, which is
// decided by hashing alone in about 10 ms.
//
// Owns: .toolchain/, node_modules/, dist/web/.
// Invariants:
//  1. A step builds in .toolchain/tmp and is swapped in by rename; its stamp goes in with it
//     or after it. So an interrupted step leaves the old state or none, never half a new one.
//  2. Steps are done by one process at a time per checkout; who waited looks again before working.
//  3. What is fresh is never touched: a second start cannot pull node_modules from under a first.
//
// Plain JavaScript for Node 18 and newer: it runs before Node 22 is there.
import { rmSync } from 'node:fs';
import { withCheckoutLock } from './setup/checkout-lock.mjs';
import { nodeStep } from './setup/node-step.mjs';
import { packagesStep } from './setup/packages-step.mjs';
import { pageStep } from './setup/page-step.mjs';
import { scratch } from './setup/paths.mjs';
import { StepFailed, say, sayDoing, stopRunningTool } from './setup/tool.mjs';

/**
 * @typedef {{ name: string, isFresh: () => boolean, doing: () => string, run: () => Promise<void> }} Step
 * A step says what it does in `doing`, as a line without its end.
 */

/** @type {Step[]} */
const STEPS = [nodeStep, packagesStep, pageStep];

for (const [signal, code] of /** @type {const} */ ([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
])) {
  process.once(signal, () => {
    stopRunningTool();
    process.exit(code); // The lock goes in its exit handler.
  });
}

async function bootstrap(/** @type {Step[]} */ steps) {
  if (steps.every((step) => step.isFresh())) return;
  await withCheckoutLock(async () => {
    sweep(); // What a killed one left.
    for (const step of steps) {
      if (step.isFresh()) continue;
      const end = sayDoing(step.doing());
      const start = Date.now();
      try {
        await step.run();
      } catch (error) {
        end('failed');
        throw error;
      }
      end(`${((Date.now() - start) / 1000).toFixed(1)} s`);
    }
    sweep();
  });
}

/** Every step works in a folder of its own, so what cannot be removed now waits for the next time. */
function sweep() {
  try {
    rmSync(scratch, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    // The npm of a killed bootstrap may still be writing here.
  }
}

const last = STEPS.findIndex((step) => step.name === process.argv[2]);
try {
  if (last < 0)
    throw new StepFailed(`bootstrap: name a step: ${STEPS.map((step) => step.name).join(', ')}`);
  await bootstrap(STEPS.slice(0, last + 1));
} catch (error) {
  // Anything but StepFailed is a mistake in here and keeps its stack.
  say(
    error instanceof StepFailed ? error.message : `${error instanceof Error ? error.stack : error}`,
  );
  process.exitCode = 1;
}
