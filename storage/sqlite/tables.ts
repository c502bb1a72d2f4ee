import type { Database } from 'better-sqlite3';
import { ConversationTables } from './conversation-tables.ts';
import { Directory } from './directory.ts';
import { EventTables, LogTable } from './log-tables.ts';
import { PendingRows } from './pending-rows.ts';
import { SideTables } from './side-tables.ts';

/** The file's prepared statements, and the memory that goes with them: what writer and reader share. */
export interface Tables {
  readonly log: LogTable;
  readonly events: EventTables;
  readonly conversations: ConversationTables;
  readonly sides: SideTables;
  readonly pending: PendingRows;
  readonly directory: Directory;
}

/** Reads which rows of the log are not moved yet: O(rows in the log), so O(segment). */
export function openTables(db: Database): Tables {
  const log = new LogTable(db);
  const events = new EventTables(db);
  const conversations = new ConversationTables(db);
  const sides = new SideTables(db);
  const pending = new PendingRows();
  const directory = new Directory(conversations, events, pending);
  fillPending(pending, log, events);
  return { log, events, conversations, sides, pending, directory };
}

/** Fills the index and the directory anew from the file. */
export function refill({ log, events, pending, directory }: Tables): void {
  pending.clear();
  directory.clear();
  fillPending(pending, log, events);
}

/** Throws when a conversation's rows do not follow each other: the file is damaged, and serving it would hide that. */
function fillPending(pending: PendingRows, log: LogTable, events: EventTables): void {
  const movedHeads = new Map<number, number>();
  for (const { row, cid, seq, author_id, key } of log.scan()) {
    let movedHead = movedHeads.get(cid);
    if (movedHead === undefined) {
      movedHead = events.head(cid) ?? -1;
      movedHeads.set(cid, movedHead);
    }
    if (seq <= movedHead) continue;
    const before = pending.head(cid) ?? (movedHead === -1 ? seq - 1 : movedHead);
    if (seq !== before + 1) throw new Error(`conversation ${cid}: event ${seq} follows ${before}`);
    pending.add(cid, { row, seq, sender: author_id, key });
  }
}
