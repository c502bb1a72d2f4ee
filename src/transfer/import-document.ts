import type { Store } from '../../storage/store.ts';
import type { Chunk } from '../domain/document.ts';
import { chunkOf, documentOf, type LineOf } from './format.ts';

/** Characters of a document's chunks at most; a document is stored at once, so it is held at once. */
const MAX_CHARS = 2 ** 27;

/** Writes one document of an export when all its chunks are there. */
export class DocumentImport {
  readonly #store: Store;
  readonly #line: LineOf<'document'>;
  readonly #chunks: Chunk[] = [];
  #chars = 0;

  constructor(store: Store, line: LineOf<'document'>) {
    this.#store = store;
    this.#line = line;
  }

  /** What is wrong with it. */
  chunk(line: LineOf<'chunk'>): string | undefined {
    const expected = this.#chunks.length;
    if (line.index !== expected) return `is chunk ${line.index} in the place of ${expected}`;
    if (expected >= this.#line.chunkCount) return 'is more than the document says it has';
    this.#chars += line.text.length;
    if (this.#chars > MAX_CHARS) return `makes the document longer than ${MAX_CHARS} characters`;
    this.#chunks.push(chunkOf(line));
    return undefined;
  }

  /** What is wrong with the whole, or why it was not stored. */
  async finish(): Promise<string | undefined> {
    const { id, chunkCount } = this.#line;
    if (this.#chunks.length !== chunkCount) {
      return `comes where chunk ${this.#chunks.length} of ${chunkCount} of document ${id} should`;
    }
    const added = await this.#store.documents.add(documentOf(this.#line), this.#chunks);
    if (added.ok) return undefined;
    switch (added.failure.reason) {
      case 'already_exists':
        return `comes after document ${id}, which is there a second time`;
      case 'key_taken':
        return `comes after document ${id}, which has the key of ${added.failure.id}`;
      case 'storage_unavailable':
        return `comes after document ${id}, which could not be written: ${String(added.failure.cause)}`;
      default:
        return added.failure satisfies never;
    }
  }
}
