// Of 30 questions about the documentation, how many find their answer: by words, by nearness, by both.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_HASHING_DIMENSIONS, hashingEmbedder } from '../../src/search/hashing-embedder.ts';
import { openStore } from '../../storage/open.ts';
import { flagsOf } from './harness/flags.ts';
import { table } from './harness/stats.ts';
import { corpus } from './recall/corpus.ts';
import { measureRecall, unanswerable } from './recall/measure.ts';
import { QUESTIONS } from './recall/questions.ts';

const HELP = `recall: recall@5 of 30 questions (bench/recall/questions.ts) over README, docs/ and perf/README.md, in the
chunks that the library makes, with the hashing embedder.

  --store memory:,sqlite:   which backends; sqlite: is a temporary file
  --dimensions ${DEFAULT_HASHING_DIMENSIONS}          of the vectors, one or more
  --missed                  names the questions that find no answer
`;

const values = flagsOf(HELP, {
  store: { type: 'string', default: 'memory:,sqlite:' },
  dimensions: { type: 'string', default: String(DEFAULT_HASHING_DIMENSIONS) },
  missed: { type: 'boolean', default: false },
});
await measure();

async function measure(): Promise<void> {
  const texts = await corpus();
  const without = unanswerable(texts, QUESTIONS);
  if (without.length > 0) throw new Error(`nothing answers: ${without.join(' ')}`);
  const rows: string[][] = [];
  const missed: string[] = [];
  for (const url of values.store.split(',')) {
    for (const dimensions of values.dimensions.split(',').map(Number)) {
      const found = await withStore(url, (store) =>
        measureRecall({
          store,
          embedder: hashingEmbedder(dimensions),
          texts,
          questions: QUESTIONS,
        }),
      );
      const cells = [...found.values()].map(({ recall }) => recall.toFixed(2));
      rows.push([`\`${url}\`, ${dimensions} dimensions`, ...cells]);
      for (const [mode, { missed: questions }] of found)
        missed.push(...questions.map((question) => `${url} ${dimensions} ${mode}: ${question}`));
    }
  }
  const chunks = texts.reduce((sum, text) => sum + text.chunks.length, 0);
  const head = [`recall@5, ${QUESTIONS.length} questions, ${chunks} chunks`];
  process.stdout.write(`\n${table([...head, 'hybrid', 'keyword', 'vector'], rows)}\n`);
  if (values.missed) process.stdout.write(`\n${missed.join('\n')}\n`);
}

async function withStore<T>(
  url: string,
  use: (store: Awaited<ReturnType<typeof openStore>>) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'colloquy-recall-'));
  const store = await openStore(url === 'sqlite:' ? `sqlite:${join(folder, 'c.db')}` : url);
  try {
    return await use(store);
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
