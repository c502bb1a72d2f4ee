/** Why a store did not open, in one sentence for the person who started the program. */
export class OpenError extends Error {
  override readonly name = 'OpenError';
}
