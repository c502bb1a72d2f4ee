import { failure } from '../src/domain/failure.ts';
import type { ConversationId } from '../src/domain/ids.ts';
import { err } from '../src/domain/result.ts';
import type { Store } from '../storage/store.ts';
import type { Unavailable } from '../storage/unavailable.ts';
import type { Draft, Outcome } from './draft.ts';
import { receiptOf } from './receipts.ts';
import type { StageView } from './stage.ts';

/** Where a key was stored before is read from. */
interface Log {
  readonly id: ConversationId;
  readonly store: Store;
  view(): Pick<StageView, 'conversation'>;
}

/** What the senders of a key are told that was stored at `seq`. One read. */
export async function storedReceipt(log: Log, seq: number): Promise<(draft: Draft) => Outcome> {
  const read = await log.store.readEvents(log.id, { afterSeq: seq - 1, limit: 1 });
  if (!read.ok) return () => unavailable(read.failure);
  const [found] = read.value;
  // A trimmed log gives its first event in the place of one that is gone.
  const event = found?.seq === seq ? found : undefined;
  const { conversation } = log.view();
  return (draft) => receiptOf(draft, { seq, event }, conversation);
}

/** The same for a draft whose key may have been stored; undefined when it was not. */
export async function storedOutcome(
  log: Log,
  draft: Draft,
  key: string,
): Promise<Outcome | undefined> {
  const found = await log.store.findKey(log.id, draft.author.id, key);
  if (!found.ok) return unavailable(found.failure);
  if (found.value === undefined) return undefined;
  const outcomeOf = await storedReceipt(log, found.value);
  return outcomeOf(draft);
}

/** The store did not answer: nothing was stored. */
export function unavailable({ cause }: Unavailable): Outcome {
  return err(failure('storage_unavailable', { cause }));
}
