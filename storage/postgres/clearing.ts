import { ok, type Result } from '../../src/domain/result.ts';
import type { Unavailable } from '../unavailable.ts';
import type { Database, Statement, Transaction } from './database.ts';
import { clearMessages } from './index-effects.ts';

/** Rows of one table that a step deletes at most: a few milliseconds. */
const STEP_ROWS = 1_000;
/** When it is looked again after a failure, and for what other servers left when they died. */
const AGAIN_MS = 60_000;

const TO_CLEAR: Statement = {
  name: 'to-clear',
  text: `SELECT cid, first_seq, cleared_seq FROM conversations WHERE cleared_seq < first_seq
    ORDER BY cid LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED`,
};
const DROP_KEYLESS: Statement = {
  name: 'clear-keyless',
  text: 'DELETE FROM events WHERE cid = $1 AND seq >= $2 AND seq < $3 AND key IS NULL',
};
const HOLLOW_KEYED: Statement = {
  name: 'clear-keyed',
  text: `UPDATE events SET author_name = '', body = '' WHERE cid = $1 AND seq >= $2 AND seq < $3`,
};
/** An edit that is still in the log can still be erased with what it edited. */
const DROP_EDITS: Statement = {
  name: 'clear-edits',
  text: 'DELETE FROM edits WHERE cid = $1 AND target_seq < $2 AND seq < $2',
};
const CLEARED: Statement = {
  name: 'cleared',
  text: 'UPDATE conversations SET cleared_seq = $2 WHERE cid = $1',
};
const TO_PURGE: Statement = {
  name: 'to-purge',
  text: 'SELECT cid FROM removed ORDER BY cid LIMIT 1 FOR UPDATE SKIP LOCKED',
};
const PURGED: Statement = { name: 'purged', text: 'DELETE FROM removed WHERE cid = $1' };
const PURGES: readonly Statement[] = ['events', 'turns', 'edits'].map((table) => ({
  name: `purge-${table}`,
  text: `DELETE FROM ${table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM ${table} WHERE cid = $1 LIMIT $2))`,
}));

interface ToClear {
  readonly cid: number;
  readonly first_seq: number;
  readonly cleared_seq: number;
}

/**
 * Deletes behind what no read gives back any more: events below the first seq of a trimmed log, but for sender and
 * key, and all that is left of removed conversations. In small steps, each a transaction; several servers share the
 * work, and what one leaves undone another finds.
 */
export class Clearing {
  readonly #db: Database;
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void> | undefined;
  #isAskedAgain = false;
  #isClosed = false;

  constructor(db: Database) {
    this.#db = db;
    this.#timer = setInterval(() => this.wake(), AGAIN_MS);
    this.#timer.unref();
  }

  /** There may be something to delete. */
  wake(): void {
    if (this.#isClosed) return;
    this.#isAskedAgain = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** After the step that is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#isAskedAgain && !this.#isClosed) {
      this.#isAskedAgain = false;
      while (!this.#isClosed) {
        const stepped = await this.#step();
        // What failed is looked for again later; the failure itself was reported by the database.
        if (!stepped.ok) return;
        if (!stepped.value) break;
      }
    }
  }

  /** False when there was nothing to do. */
  async #step(): Promise<Result<boolean, Unavailable>> {
    const cleared = await this.#db.transaction(clearStep);
    if (!cleared.ok || cleared.value) return cleared;
    const purged = await this.#db.transaction(purgeStep);
    return purged.ok ? ok(purged.value) : purged;
  }
}

async function clearStep(tx: Transaction): Promise<boolean> {
  const [found] = await tx.rows<ToClear>(TO_CLEAR);
  if (found === undefined) return false;
  const { cid, first_seq, cleared_seq } = found;
  const to = Math.min(first_seq, cleared_seq + STEP_ROWS);
  await tx.run(DROP_KEYLESS, [cid, cleared_seq, to]);
  await tx.run(HOLLOW_KEYED, [cid, cleared_seq, to]);
  await tx.run(DROP_EDITS, [cid, to]);
  const limit = STEP_ROWS + 1;
  const isIndexDone = (await clearMessages(tx, cid, { beforeSeq: to, limit })) < limit;
  if (isIndexDone) await tx.run(CLEARED, [cid, to]);
  return true;
}

async function purgeStep(tx: Transaction): Promise<boolean> {
  const [found] = await tx.rows<{ cid: number }>(TO_PURGE);
  if (found === undefined) return false;
  let left = await clearMessages(tx, found.cid, {
    beforeSeq: Number.MAX_SAFE_INTEGER,
    limit: STEP_ROWS,
  });
  for (const purge of PURGES) left += await tx.run(purge, [found.cid, STEP_ROWS]);
  if (left === 0) await tx.run(PURGED, [found.cid]);
  return true;
}
