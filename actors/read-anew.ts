import type { Conversation, ConversationState } from '../src/domain/conversation.ts';
import type { ConversationId } from '../src/domain/ids.ts';
import { ok, type Result } from '../src/domain/result.ts';
import type { Store } from '../storage/store.ts';
import type { Unavailable } from '../storage/unavailable.ts';
import type { RecentSeqs } from './recent-seqs.ts';
import type { Staged } from './stage.ts';
import type { Writer } from './writer.ts';

/** Events a page. */
const PAGE_EVENTS = 256;

export interface Reading {
  readonly id: ConversationId;
  readonly store: Store;
  readonly writer: Writer;
  /** The conversation as it was known before; undefined the first time. */
  readonly before: Conversation | undefined;
  /** Learns what the log has that was not known before. */
  readonly recent: RecentSeqs;
}

export interface Found {
  readonly state: ConversationState;
  /** The batch of which nobody knew, if it was stored: its senders still wait. */
  readonly stored: Staged | undefined;
}

/** Reads what the store has of a conversation now; undefined when it has none. One read, and one a page of news. */
export async function readAnew(reading: Reading): Promise<Result<Found | undefined, Unavailable>> {
  const { id, store, writer } = reading;
  // What is read must not hold a batch that is still to be given to the readers by its own outcome.
  const { landing } = writer;
  if (landing !== undefined) await landing;
  const unsure = await writer.decideUnsure();
  if (!unsure.ok) return unsure;
  const loaded = await store.load(id);
  if (!loaded.ok || loaded.value === undefined) return loaded as Result<undefined, Unavailable>;
  const state = loaded.value;
  const learned = await learn(reading, state.conversation.headSeq);
  return learned.ok ? ok({ state, stored: unsure.value }) : learned;
}

/** It was made again under this id, elsewhere, or the store was put back to an earlier state. */
export function isAnother(before: Conversation, { epoch, headSeq }: Conversation): boolean {
  return before.epoch !== epoch || before.headSeq > headSeq;
}

/** What another writer erased meanwhile must not be changed by a draft that was looked at before. */
async function learn(
  { id, store, before, recent }: Reading,
  headSeq: number,
): Promise<Result<void, Unavailable>> {
  let afterSeq = before?.headSeq ?? headSeq;
  while (afterSeq < headSeq) {
    const read = await store.readEvents(id, { afterSeq, limit: PAGE_EVENTS });
    if (!read.ok) return read;
    for (const event of read.value) recent.remember(event);
    const newest = read.value.at(-1);
    if (newest === undefined) break;
    afterSeq = newest.seq;
  }
  return ok(undefined);
}
