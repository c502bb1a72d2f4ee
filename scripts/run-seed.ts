/** What a run of the tests takes its chances from where nobody says otherwise and `CI` is set. */
const CI_SEED = 1;

/**
 * The seed of a run: `COLLOQUY_TEST_SEED`; else, where `CI` is set, always the same one, so that a
 * change is judged by what it changed; else another each time, so that the tests go on searching.
 *
 * Throws on a seed that is no whole number: the run would not be the one that was asked for.
 */
export function runSeed(env: NodeJS.ProcessEnv): number {
  const given = env['COLLOQUY_TEST_SEED'];
  if (given === undefined || given === '') return env['CI'] ? CI_SEED : Date.now() % 1_000_000;
  if (/^-?\d{1,10}$/.test(given)) return Number(given);
  throw new Error(`COLLOQUY_TEST_SEED must be a whole number, not ${JSON.stringify(given)}`);
}
