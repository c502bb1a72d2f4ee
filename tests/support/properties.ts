import fc from 'fast-check';
import { Random, RUN_SEED } from './random.ts';

/** What the code under test leaves to chance, a pause before it tries again, is the same in each try of a property. */
function seedChances(): void {
  const random = new Random();
  Math.random = () => random.next();
}

// The properties of a run begin at its seed; whoever imports fast-check by itself would miss that.
fc.configureGlobal({ seed: RUN_SEED, beforeEach: seedChances });

export { fc };

/** How often a property is tried: `quick` times, or as often as `COLLOQUY_TEST_RUNS` asks for. */
export function runs(quick: number): number {
  return Number(process.env['COLLOQUY_TEST_RUNS'] ?? quick);
}
