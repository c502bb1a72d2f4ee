import { isDeepStrictEqual } from 'node:util';
import type { Conversation } from '../src/domain/conversation.ts';
import { type LogEvent, redactBody } from '../src/domain/event.ts';
import { failure } from '../src/domain/failure.ts';
import { err, ok } from '../src/domain/result.ts';
import type { Draft, Outcome, Unsettled } from './draft.ts';
import { PlainBatch } from './plain-batch.ts';
import type { Staged } from './stage.ts';

/** What senders are told about their drafts: the new seq, or that of the event that their key has made before. */

/** Answers the senders of a durable batch, but for those that it refused. */
export function settleCommitted(staged: Staged): void {
  if (staged instanceof PlainBatch) {
    const { seq, createdAt } = staged.event;
    staged.draft.settle(ok({ seq, createdAt, duplicate: false }));
    return;
  }
  for (const { draft, event, twins } of staged.numbered) {
    const { seq, createdAt } = event;
    draft.settle(ok({ seq, createdAt, duplicate: false }));
    for (const twin of twins) twin.settle(receiptOf(twin, { seq, event }, staged.conversation));
  }
  const { headSeq: seq, updatedAt: createdAt } = staged.conversation;
  for (const draft of staged.silent) draft.settle(ok({ seq, createdAt, duplicate: false }));
}

export function settleAll(drafts: Iterable<Draft>, outcome: Outcome): void {
  for (const draft of drafts) draft.settle(outcome);
}

/** Where a key was stored, and what is there now: nothing when it was trimmed since. */
export interface Place {
  readonly seq: number;
  readonly event: LogEvent | undefined;
}

/**
 * The answer to a key that was stored before. Of a trimmed event nothing is known but its seq: its time is then said
 * to be that at which the conversation was made, the same at each retry.
 */
export function receiptOf(
  draft: Unsettled<Draft>,
  { seq, event }: Place,
  { firstSeq, createdAt: madeAt }: Pick<Conversation, 'firstSeq' | 'createdAt'>,
): Outcome {
  // It is there, and what was read is older than it: another writer's, of which we have yet to hear.
  if (event === undefined && seq >= firstSeq) return err(failure('head_conflict'));
  if (event !== undefined && !isSameRequest(draft, event)) return err(failure('key_reused'));
  return ok({ seq, createdAt: event?.createdAt ?? madeAt, duplicate: true });
}

/** Whether the draft asks for what the event is. What was erased can't be compared, and counts as the same. */
function isSameRequest(draft: Unsettled<Draft>, event: LogEvent): boolean {
  if (draft.kind !== event.kind) return false;
  if (!('body' in draft) || isSameBody(draft.kind, draft.body, event.body)) return true;
  return isDeepStrictEqual(JSON.parse(draft.body), JSON.parse(event.body));
}

/** Whether every event of the batch is in the log, at its place; what was erased since is still there. */
export function isStored({ numbered }: Staged, log: readonly LogEvent[]): boolean {
  return numbered.length > 0 && numbered.every(({ event }, at) => isSameEvent(event, log[at]));
}

function isSameEvent(event: LogEvent, stored: LogEvent | undefined): boolean {
  return (
    stored !== undefined &&
    stored.seq === event.seq &&
    stored.kind === event.kind &&
    stored.createdAt === event.createdAt &&
    stored.author.id === event.author.id &&
    stored.key === event.key &&
    isSameBody(event.kind, event.body, stored.body)
  );
}

/** Whether `stored` is this body, or what its erasure left of it. */
function isSameBody(kind: LogEvent['kind'], body: string, stored: string): boolean {
  if (body === stored) return true;
  return (kind === 'message' || kind === 'message.edited') && stored === redactBody(kind, body);
}
