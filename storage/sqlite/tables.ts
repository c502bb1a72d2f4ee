import type { Database } from 'better-sqlite3';
import { ConversationTables } from './conversation-tables.ts';
import { Directory } from './directory.ts';
import { DocumentTables } from './document-tables.ts';
import { keyHashOf } from './key-index.ts';
import { Keys } from './keys.ts';
import { LogTable } from './log-table.ts';
import { MessageTables } from './message-tables.ts';
import { NoteTables } from './note-tables.ts';
import { PendingRows } from './pending-rows.ts';
import { PlaceTable } from './places.ts';
import { hasLooseParts } from './purge-documents.ts';
import { KEY_HASH_SECRET, SideTables } from './side-tables.ts';
import { SpaceTable } from './space-table.ts';
import { Trims } from './trims.ts';

/** The file's prepared statements, and the memory that goes with them: what writer and reader share. */
export interface Tables {
  readonly log: LogTable;
  readonly places: PlaceTable;
  readonly conversations: ConversationTables;
  readonly sides: SideTables;
  readonly pending: PendingRows;
  readonly keys: Keys;
  readonly directory: Directory;
  readonly trims: Trims;
  readonly messages: MessageTables;
  readonly documents: DocumentTables;
  readonly spaces: SpaceTable;
  readonly notes: NoteTables;
  /** Whether there is something that the purge has to delete. */
  readonly hasRubbish: () => boolean;
}

/** Reads which rows of the log have no place yet: O(rows since the last segment). */
export function openTables(db: Database): Tables {
  const log = new LogTable(db);
  const places = new PlaceTable(db);
  const conversations = new ConversationTables(db);
  const sides = new SideTables(db);
  const pending = new PendingRows();
  const hash = keyHashOf(sides.requiredSecret(KEY_HASH_SECRET));
  const keys = new Keys(hash, { log, places, pending });
  const directory = new Directory(conversations, places, pending);
  const trims = new Trims(db, places);
  const tables = {
    log,
    places,
    conversations,
    sides,
    pending,
    keys,
    directory,
    trims,
    messages: new MessageTables(db),
    documents: new DocumentTables(db),
    spaces: new SpaceTable(db),
    notes: new NoteTables(db),
    hasRubbish: () => conversations.removed().size > 0 || trims.isOpen || hasLooseParts(db),
  };
  fillPending(tables);
  return tables;
}

/** Fills the indexes in memory anew from the file. */
export function refill(tables: Tables): void {
  tables.pending.clear();
  tables.keys.clear();
  tables.directory.clear();
  fillPending(tables);
}

/** Throws when a conversation's rows do not follow each other: the file is damaged, and serving it would hide that. */
function fillPending({ log, places, conversations, pending, keys }: Tables): void {
  const removed = conversations.removed();
  const placed = new Map<number, number>();
  for (const { row, cid, seq, kind, author_id, key } of log.scan(log.indexed(), log.last())) {
    if (removed.has(cid)) continue;
    let placedHead = placed.get(cid);
    if (placedHead === undefined) {
      placedHead = places.head(cid) ?? -1;
      placed.set(cid, placedHead);
    }
    if (seq <= placedHead) continue;
    const before = pending.head(cid) ?? (placedHead === -1 ? seq - 1 : placedHead);
    if (seq !== before + 1) throw new Error(`conversation ${cid}: event ${seq} follows ${before}`);
    pending.add(cid, seq, { row, kind, keyHash: key === null ? 0 : keys.hash(author_id, key) });
  }
}
