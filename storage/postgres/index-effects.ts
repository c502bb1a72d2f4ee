import type { Statement, Transaction } from './database.ts';

/**
 * What an append, and what runs behind it, does to the index of messages, in its own transaction.
 *
 * Invariants:
 * L1. Whoever changes the index of a conversation holds its lock, taken after its row in `conversations` was locked
 *     (an append: FOR NO KEY UPDATE; the index: FOR KEY SHARE, which sends do not wait for), and looks at the index
 *     and the events in later statements than the one that took it. So `level` has read what an erasing append
 *     wrote, or has written what that append then deletes: nothing erased comes back.
 * L2. Whoever holds the lock waits for no row of `conversations`, so no two of them wait for each other.
 */
const LOCK: Statement = {
  name: 'index-lock',
  text: `SELECT pg_advisory_xact_lock(1129270604, ($1::bigint % 2147483647)::integer)`,
};

const FORGET: Statement = {
  name: 'index-forget',
  text: 'DELETE FROM message_texts WHERE cid = $1 AND seq = ANY($2::bigint[])',
};

const CLEAR: Statement = {
  name: 'index-clear',
  text: `DELETE FROM message_texts WHERE cid = $1 AND seq IN
    (SELECT seq FROM message_texts WHERE cid = $1 AND seq < $2 ORDER BY seq LIMIT $3)`,
};

/** Until the end of the transaction nobody else changes the index of this conversation. */
export async function lockIndex(tx: Transaction, cid: number): Promise<void> {
  await tx.rows(LOCK, [cid]);
}

/** Takes these messages out of the index, words and vectors: for `erased`, after the row of the conversation is locked. */
export async function forgetMessages(
  tx: Transaction,
  cid: number,
  seqs: readonly number[],
): Promise<void> {
  await lockIndex(tx, cid);
  await tx.run(FORGET, [cid, seqs]);
}

/**
 * Deletes up to `limit` messages below `beforeSeq` from the index, and says how many: what is trimmed, and all of a
 * conversation that was removed. Nobody finds them any more, so this can be done behind, a little at a time; it is
 * complete when fewer than `limit` went.
 */
export async function clearMessages(
  tx: Transaction,
  cid: number,
  { beforeSeq, limit }: { readonly beforeSeq: number; readonly limit: number },
): Promise<number> {
  await lockIndex(tx, cid);
  return tx.run(CLEAR, [cid, beforeSeq, limit]);
}
