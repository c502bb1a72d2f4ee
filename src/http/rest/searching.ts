import { type Failure, failure } from '../../domain/failure.ts';
import type { Author } from '../../domain/participant.ts';
import { err, type Result } from '../../domain/result.ts';
import type { SearchGate } from '../../search/search-gate.ts';

/** Runs a search when there is room for it: 429 `rate_limited` when this participant, or all of them, have too many under way. */
export async function searching<T>(
  gate: SearchGate,
  who: Author,
  search: () => Promise<Result<T, Failure>>,
): Promise<Result<T, Failure>> {
  const entered = gate.enter(who.id);
  if (!entered.ok) return err(failure('rate_limited', entered.failure));
  const leave = entered.value;
  try {
    return await search();
  } finally {
    leave();
  }
}
