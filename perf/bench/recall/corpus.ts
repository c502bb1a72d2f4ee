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

/** The project's own documentation, each page a document, in the chunks that the library would make of it. */
export async function corpus(): Promise<readonly StoredText[]> {
  const pages = [
    'README.md',
    'perf/README.md',
    ...['docs', 'docs/adr'].flatMap((folder) =>
      readdirSync(join(ROOT, folder))
        .filter((name) => name.endsWith('.md'))
        .map((name) => `${folder}/${name}`),
    ),
  ];
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
