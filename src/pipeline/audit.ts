/**
 * Owns the lines of the audit log between what happened and the store: nobody who did something waits for them.
 *
 * Invariants:
 * A1. Lines are stored in the order they were noted, some at a time; while the store does not answer they are kept.
 * A2. As many wait as `MAX_WAITING`. What comes beyond that is let go of, counted and reported: memory is bounded.
 * A3. A close stores what waits.
 */
import type { AuditLog } from '../../storage/audit-log.ts';
import type { AuditEntry } from '../domain/audit.ts';
import type { StageMeter } from './stages.ts';

/** The stage that writes down who did what, and from where. */
export interface Audit {
  /** Whether every message gets a line. */
  readonly keepsMessages: boolean;
  note(entry: Omit<AuditEntry, 'at'>): void;
}

interface Timing {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Calls `fn` once after `ms`; the answer takes it back. */
  readonly after: (ms: number, fn: () => void) => () => void;
}

export interface AuditParts {
  readonly log: AuditLog;
  readonly timing: Timing;
  readonly meter: StageMeter;
  readonly report: (event: string, about: Readonly<Record<string, unknown>>) => void;
  readonly keepsMessages: boolean;
  /** Milliseconds; 0 keeps lines for ever. */
  readonly maxAgeMs: number;
}

const MAX_WAITING = 20_000;
const BATCH = 500;
/** Milliseconds that lines are gathered; and between two tries of a store that does not answer. */
const GATHER_MS = 50;
const RETRY_MS = 1_000;
const SWEEP_MS = 3_600_000;
const SWEEP_ROWS = 5_000;

export class AuditTrail implements Audit {
  readonly keepsMessages: boolean;
  readonly #parts: AuditParts;
  #waiting: AuditEntry[] = [];
  #dropped = 0;
  #isClosed = false;
  #writing: Promise<void> | undefined;
  #takeBackWrite: (() => void) | undefined;
  #takeBackSweep: (() => void) | undefined;

  constructor(parts: AuditParts) {
    this.#parts = parts;
    this.keepsMessages = parts.keepsMessages;
  }

  note(entry: Omit<AuditEntry, 'at'>): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#dropped += 1;
      this.#parts.meter.passages('dropped').count += 1;
      return;
    }
    this.#waiting.push({ ...entry, at: this.#parts.timing.now() });
    this.#writeIn(GATHER_MS);
  }

  /** Begins to let go of lines that are old. */
  start(): void {
    if (this.#parts.maxAgeMs > 0) this.#sweepIn(GATHER_MS);
  }

  /** Stores what waits, if the store answers. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#takeBackSweep?.();
    await this.#writing;
    this.#takeBackWrite?.();
    await this.#write();
  }

  #writeIn(ms: number): void {
    const isComing = this.#takeBackWrite !== undefined || this.#writing !== undefined;
    if (isComing || this.#isClosed) return;
    this.#takeBackWrite = this.#parts.timing.after(ms, () => {
      this.#takeBackWrite = undefined;
      this.#writing = this.#write().finally(() => {
        this.#writing = undefined;
        if (this.#waiting.length > 0) this.#writeIn(RETRY_MS);
      });
    });
  }

  async #write(): Promise<void> {
    const { log, meter, report } = this.#parts;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, BATCH);
      const startedAt = performance.now();
      const added = await log.add(batch);
      meter.passed(added.ok ? 'stored' : 'failed', startedAt);
      if (!added.ok) return report('audit_not_stored', { cause: added.failure.cause });
      // One passage a batch took its time; its other lines went with it.
      meter.passages('stored').count += batch.length - 1;
      this.#waiting.splice(0, batch.length);
    }
    if (this.#dropped > 0) report('audit_dropped', { lines: this.#dropped });
    this.#dropped = 0;
  }

  #sweepIn(ms: number): void {
    this.#takeBackSweep = this.#parts.timing.after(ms, () => {
      void this.#sweep().finally(() => {
        if (!this.#isClosed) this.#sweepIn(SWEEP_MS);
      });
    });
  }

  async #sweep(): Promise<void> {
    const { log, timing, maxAgeMs, report } = this.#parts;
    for (;;) {
      const trimmed = await log.trim(timing.now() - maxAgeMs, SWEEP_ROWS);
      if (!trimmed.ok) return report('audit_not_trimmed', { cause: trimmed.failure.cause });
      if (trimmed.value < SWEEP_ROWS) return;
    }
  }
}
