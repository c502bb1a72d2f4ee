/**
 * The store did not answer, or refused to write. `outcome` says whether what was asked may have been
 * stored all the same: `none` is certain, `unknown` is a connection cut while the commit was under way.
 */
export interface Unavailable {
  readonly reason: 'storage_unavailable';
  readonly outcome: 'none' | 'unknown';
  readonly cause: unknown;
}

/** The answer of a store that could not do what was asked; `none` unless the commit itself was cut. */
export function unavailable(cause: unknown, outcome: Unavailable['outcome'] = 'none'): Unavailable {
  return { reason: 'storage_unavailable', outcome, cause };
}
