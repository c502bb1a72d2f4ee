// The last line of a test run, alone and without colours: `12 passed, 0 failed, 1 skipped`. Before it, where
// something failed, how to have the same chances again.
import type { SerializedError } from 'vitest';
import type { Reporter, TestModule } from 'vitest/node';

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** `, N skipped` only when there are any. */
export function closingLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

/** Counts a file that could not be loaded, and an error outside of any test, as one failure each. */
function count(modules: readonly TestModule[], errors: readonly SerializedError[]): Counts {
  const counts: Counts = { passed: 0, failed: errors.length, skipped: 0 };
  for (const module of modules) {
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state !== 'pending') counts[state] += 1;
    }
    counts.failed += module.errors().length;
    for (const suite of module.children.allSuites()) counts.failed += suite.errors().length;
  }
  return counts;
}

/** A vitest reporter; it stands last, so that its line does. `seed`: the run's. */
export function closingLineReporter(seed: number): Reporter {
  return {
    onTestRunEnd(modules, errors) {
      const counts = count(modules, errors);
      if (counts.failed > 0) process.stdout.write(`run it again with COLLOQUY_TEST_SEED=${seed}\n`);
      process.stdout.write(`${closingLine(counts)}\n`);
    },
  };
}
