/** Milliseconds before the first new attempt, at most; doubled for each that failed. */
const FIRST_MS = 500;
const LONGEST_MS = 20_000;

/**
 * How long to wait before attempt `failures + 1`: exponential, with the upper half random, so that the clients
 * of a server that went away do not come back as one.
 * @param random in [0, 1)
 */
export function backoffMs(failures: number, random: number): number {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures, 16));
  return Math.round(ceiling / 2 + (ceiling / 2) * random);
}

/** Never before the server asked to, and spread over half as much again. */
export function atLeastMs(askedMs: number, random: number): number {
  return Math.round(askedMs * (1 + random / 2));
}
