import { configDefaults, defineConfig } from 'vitest/config';
import { findChromium, NO_CHROMIUM } from './scripts/chromium.ts';
import { closingLineReporter } from './scripts/closing-line.ts';
import { LongestFirst } from './scripts/longest-first.ts';
import { runSeed } from './scripts/run-seed.ts';
import { DEADLINE_MS } from './tests/support/deadline.ts';

const hasChromium = findChromium() !== undefined;
if (!hasChromium) {
  console.log(NO_CHROMIUM);
  if (process.env['COLLOQUY_REQUIRE_CHROMIUM'] === '1') {
    console.error('COLLOQUY_REQUIRE_CHROMIUM=1 makes that an error.');
    process.exit(1);
  }
}

const seed = runSeed(process.env);

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...(hasChromium ? [] : ['tests/browser/**'])],
    // A process for each file: the native packages are not made for threads that come and go.
    pool: 'forks',
    // More would disturb each other's timings: many tests start servers of their own.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    env: { COLLOQUY_TEST_SEED: String(seed) },
    // A test says itself what did not come, long before; a search for as many runs as were asked for takes its time.
    testTimeout: process.env['COLLOQUY_TEST_RUNS'] ? 3_600_000 : 300_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: DEADLINE_MS } },
    reporters: ['default', closingLineReporter(seed)],
  },
});
