import type { Database, Statement } from 'better-sqlite3';
import { termsOf } from '../../src/text/terms.ts';

/** A merge does so much work for so many characters of terms that were added: more than they will ever need. */
const CHARS_PER_PAGE = 600;
const MIN_PAGES = 4;
/** Terms of a question that are looked for; each is a list to read. */
const MAX_TERMS = 128;

/** What has words: the parts of one whole, a conversation's messages or a document's chunks. */
export interface Part {
  readonly whole: number;
  readonly at: number;
}

/**
 * Statements on one full-text table. It has no texts, but the terms that `termsOf` makes; its rows are keyed by
 * whole and part, so that a search in one conversation reads one stretch of each term's list: 2.2 ms for three
 * terms in 10,000 of 300,000 messages, against 3.0 with a column that names the conversation, which makes the
 * table larger by a third.
 *
 * FTS5's own merging is off, because it does 64 pages of it at once: 100 rows a transaction then take 0.5 ms at
 * the median, and 12 ms in one of a hundred. Who adds words merges as much as they cost in the same transaction:
 * 0.8 and 1.3 ms.
 */
export class Words {
  readonly #insert: Statement<[whole: number, at: number, terms: string]>;
  readonly #drop: Statement<[whole: number, at: number]>;
  readonly #merge: Statement<[pages: number]>;
  readonly #changes: Statement<[], number>;
  #unmergedChars = 0;

  constructor(db: Database, table: 'message_words' | 'chunk_words') {
    this.#insert = db.prepare(`INSERT INTO ${table} (rowid, terms) VALUES (? << 32 | ?, ?)`);
    this.#drop = db.prepare(`DELETE FROM ${table} WHERE rowid = (? << 32 | ?)`);
    this.#merge = db.prepare(`INSERT INTO ${table} (${table}, rank) VALUES ('merge', ?)`);
    this.#changes = db.prepare<[], number>('SELECT total_changes()').pluck();
  }

  /** There are none of this part yet. */
  insert({ whole, at }: Part, text: string): void {
    const terms = termsOf(text).join(' ');
    this.#unmergedChars += terms.length;
    this.#insert.run(whole, at, terms);
  }

  drop({ whole, at }: Part): void {
    this.#drop.run(whole, at);
  }

  /** The end of a transaction that inserted. */
  mergeAdded(): void {
    this.#merge.run(Math.max(MIN_PAGES, Math.ceil(this.#unmergedChars / CHARS_PER_PAGE)));
    this.#unmergedChars = 0;
  }

  /** True when there is nothing left to merge. */
  merge(pages: number): boolean {
    const before = this.#changes.get() ?? 0;
    this.#merge.run(pages);
    // So says SQLite: a merge that found work makes two changes or more.
    return (this.#changes.get() ?? 0) - before < 2;
  }
}

/** The query for what has any of the terms; undefined when there is none. */
export function anyOf(terms: readonly string[]): string | undefined {
  if (terms.length === 0) return undefined;
  return terms
    .slice(0, MAX_TERMS)
    .map((term) => `"${term.replaceAll('"', '""')}"`)
    .join(' OR ');
}
