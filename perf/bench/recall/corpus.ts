import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Chunk, Document } from '../../../src/domain/document.ts';
import { documentId, participantId } from '../../../src/domain/ids.ts';
import { split } from '../../../src/library/split.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');

export const READER = participantId('p_reader');

export interface StoredText {
  readonly document: Document;
  readonly chunks: readonly Chunk[];
}

/** The pages that the questions were written from: a page more makes it another measurement. */
const PAGES = [
  'README.md',
  'perf/README.md',
  ...['configuration', 'dependencies', 'glossary', 'machines', 'protocol', 'storage'].map(
    (page) => `docs/${page}.md`,
  ),
];
const DECISIONS = 10;

/** The project's own documentation, each page a document, in the chunks that the library would make of it. */
export async function corpus(): Promise<readonly StoredText[]> {
  const decisions = readdirSync(join(ROOT, 'docs/adr')).sort().slice(0, DECISIONS);
  const pages = [...PAGES, ...decisions.map((page) => `docs/adr/${page}`)];
  return await Promise.all(pages.sort().map((page, at) => stored(page, at)));
}

async function stored(page: string, at: number): Promise<StoredText> {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const chunks = await split(text, 'markdown');
  const document: Document = {
    id: documentId(`d_${at}`),
    owner: READER,
    conversations: [],
    title: page,
    mediaType: 'text/markdown',
    metadata: {},
    chars: text.length,
    chunkCount: chunks.length,
    createdAt: 0,
    createdKey: null,
    digest: page,
  };
  return { document, chunks };
}
