import fc from 'fast-check';
import { RUN_SEED } from './random.ts';

// The properties of a run begin at its seed; whoever imports fast-check by itself would miss that.
fc.configureGlobal({ seed: RUN_SEED });

export { fc };

/** How often a property is tried: `quick` times, or as often as `COLLOQUY_TEST_RUNS` asks for. */
export function runs(quick: number): number {
  return Number(process.env['COLLOQUY_TEST_RUNS'] ?? quick);
}
