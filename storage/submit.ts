import type { Result } from '../src/domain/result.ts';
import type { Append, AppendAnswer, AppendFailure, Store } from './store.ts';

/** Appends, and tells `answer`: without a promise where the store can. */
export function submit(store: Store, batch: Append, answer: AppendAnswer): void {
  if (store.submit !== undefined) {
    store.submit(batch, answer);
    return;
  }
  store.append(batch).then(
    (result) => answer.answered(result),
    (error: unknown) => answer.broke(error),
  );
}

/** `append` of a store that can `submit`. */
export function submitted(
  submitTo: (answer: AppendAnswer) => void,
): Promise<Result<void, AppendFailure>> {
  return new Promise((resolve, reject) => {
    submitTo({ answered: resolve, broke: reject });
  });
}
