import type { AuditEntry, AuditQuery, StoredAuditEntry } from '../../src/domain/audit.ts';
import type { Result } from '../../src/domain/result.ts';
import type { AuditLog } from '../audit-log.ts';
import type { Unavailable } from '../unavailable.ts';
import type { Gate } from './gate.ts';

/** The audit log of the memory store, in the order it is read backwards. */
export class MemoryAudit implements AuditLog {
  readonly #gate: Gate;
  #entries: StoredAuditEntry[] = [];
  #lastPlace = 0;

  constructor(gate: Gate) {
    this.#gate = gate;
  }

  add(entries: readonly AuditEntry[]): Promise<Result<void, Unavailable>> {
    return this.#gate.answer(() => {
      for (const entry of entries) {
        this.#lastPlace += 1;
        this.#entries.push({ ...entry, place: this.#lastPlace });
      }
      this.#entries.sort(inOrder);
    });
  }

  page(query: AuditQuery): Promise<Result<readonly StoredAuditEntry[], Unavailable>> {
    return this.#gate.answer(() =>
      this.#entries
        .toReversed()
        .filter((entry) => isAsked(entry, query))
        .slice(0, query.limit),
    );
  }

  trim(before: number, limit: number): Promise<Result<number, Unavailable>> {
    return this.#gate.answer(() => {
      const old = this.#entries.filter(({ at }) => at < before).length;
      return this.#entries.splice(0, Math.min(old, limit)).length;
    });
  }
}

function inOrder(a: StoredAuditEntry, b: StoredAuditEntry): number {
  return a.at - b.at || a.place - b.place;
}

function isAsked(entry: StoredAuditEntry, query: AuditQuery): boolean {
  const { after, action, participantId, conversationId, since, until } = query;
  if (after !== undefined && inOrder(entry, { ...entry, ...after }) >= 0) return false;
  if (action !== undefined && entry.action !== action) return false;
  if (participantId !== undefined && entry.participantId !== participantId) return false;
  if (conversationId !== undefined && entry.conversationId !== conversationId) return false;
  return entry.at >= (since ?? entry.at) && entry.at < (until ?? entry.at + 1);
}
