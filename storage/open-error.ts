/** Why a store did not open, in one sentence for the person who started the program. */
export class OpenError extends Error {
  override readonly name = 'OpenError';
  /** Another process has it; there is nothing wrong with it. */
  readonly isInUse: boolean;

  constructor(
    message: string,
    { cause, isInUse = false }: { readonly cause?: unknown; readonly isInUse?: boolean } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.isInUse = isInUse;
  }
}
