import type { AuditEntry, AuditQuery, StoredAuditEntry } from '../src/domain/audit.ts';
import type { Result } from '../src/domain/result.ts';
import type { Unavailable } from './unavailable.ts';

/** The part of the storage port that keeps who did what. Entries are added and, when they are old, let go; never changed. */
export interface AuditLog {
  /** All or none. */
  add(entries: readonly AuditEntry[]): Promise<Result<void, Unavailable>>;

  /** The newest first: by time, and those of one millisecond by the order they were added. */
  page(query: AuditQuery): Promise<Result<readonly StoredAuditEntry[], Unavailable>>;

  /** Lets go of so many entries older than `before` (milliseconds since 1970), the oldest first; how many it were. */
  trim(before: number, limit: number): Promise<Result<number, Unavailable>>;
}
