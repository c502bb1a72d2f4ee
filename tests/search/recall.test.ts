import { describe, expect, it } from 'vitest';
import { corpus } from '../../perf/bench/recall/corpus.ts';
import { measureRecall, unanswerable } from '../../perf/bench/recall/measure.ts';
import { QUESTIONS } from '../../perf/bench/recall/questions.ts';
import { hashingEmbedder } from '../../src/search/hashing-embedder.ts';
import { MemoryStore } from '../../storage/memory/memory-store.ts';

/** `npm run bench -- recall --missed` says which questions find nothing. */
describe('thirty questions about the documentation', () => {
  it('all have an answer in it', async () => {
    expect(QUESTIONS).toHaveLength(30);
    expect(unanswerable(await corpus(), QUESTIONS)).toEqual([]);
  });

  it('find it among the first five by words and nearness together at least as often as by either', async () => {
    const found = await measureRecall({
      store: new MemoryStore(),
      embedder: hashingEmbedder(),
      texts: await corpus(),
      questions: QUESTIONS,
    });
    const recall = Object.fromEntries([...found].map(([mode, of]) => [mode, of.recall]));
    expect(recall['hybrid']).toBeGreaterThanOrEqual(recall['keyword'] ?? 1);
    expect(recall['hybrid']).toBeGreaterThanOrEqual(recall['vector'] ?? 1);
    // Far below is a fault; a little below is a documentation that has grown: more chunks have the same words.
    expect(recall['keyword']).toBeGreaterThan(0.6);
    expect(recall['vector']).toBeGreaterThan(0.4);
  });
});
