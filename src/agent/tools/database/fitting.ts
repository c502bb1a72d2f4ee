import { cut } from '../../../text/plain-text.ts';
import { CELL_CHARS, type Table } from './database.ts';

export interface RowLimits {
  readonly maxRows: number;
  readonly maxChars: number;
}

/** Takes rows until one more would be too many. */
export class FittingRows {
  readonly #limits: RowLimits;
  readonly #columns: readonly string[];
  readonly #rows: (readonly unknown[])[] = [];
  #chars = 0;
  #isTruncated = false;

  constructor(columns: readonly string[], limits: RowLimits) {
    this.#columns = columns;
    this.#limits = limits;
  }

  /** False when the row is one too many; nothing after it is of use. */
  add(values: readonly unknown[]): boolean {
    const row = values.map(cell);
    this.#chars += JSON.stringify(row).length + 1;
    this.#isTruncated =
      this.#rows.length >= this.#limits.maxRows || this.#chars > this.#limits.maxChars;
    if (!this.#isTruncated) this.#rows.push(row);
    return !this.#isTruncated;
  }

  table(): Table {
    return { columns: this.#columns, rows: this.#rows, truncated: this.#isTruncated };
  }
}

/** A value as JSON has it: large numbers as text, bytes as how many. */
function cell(value: unknown): unknown {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value.toString();
  }
  if (value instanceof Uint8Array) return `[${value.byteLength} bytes]`;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (value === null || value === undefined) return null;
  if (typeof value === 'boolean') return value;
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return text.length <= CELL_CHARS ? text : `${cut(text, CELL_CHARS)}…`;
}
