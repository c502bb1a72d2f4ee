import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryStore } from '../../storage/memory/memory-store.ts';
import type { Backend } from './backend.ts';
import {
  cached,
  FEW_BYTES,
  memory,
  ONE_CONVERSATION,
  ROOMY,
  sqliteHalfway,
  sqliteIndexed,
  sqliteIndexing,
  sqliteIndexingFew,
  sqlitePlain,
} from './backends.ts';
import { type Action, actions, answerTo, breathe, CONVERSATIONS, reads } from './model.ts';

const SUBJECTS: readonly Backend[] = [
  cached(memory, ROOMY, 'plenty'),
  cached(memory, ONE_CONVERSATION, 'one conversation'),
  cached(memory, FEW_BYTES, 'a few bytes'),
  sqlitePlain,
  sqliteHalfway,
  sqliteIndexed,
  sqliteIndexing,
  sqliteIndexingFew,
  sqliteHalfway,
  cached(sqliteIndexingFew, ONE_CONVERSATION, 'one conversation'),
];

/** More for a long search: `COLLOQUY_TEST_RUNS=2000`. */
const RUNS = process.env['COLLOQUY_TEST_RUNS'];
const QUICK_RUNS = { memory: 60, file: 8 };

describe.each(SUBJECTS)('any sequence of operations: $name', (backend) => {
  const numRuns = Number(RUNS ?? QUICK_RUNS[backend.persists ? 'file' : 'memory']);

  test('answers as the memory store does', { timeout: 10_000 * numRuns }, async () => {
    await fc.assert(
      fc.asyncProperty(actions, (sequence) => compare(backend, sequence)),
      { numRuns },
    );
  });
});

async function compare(backend: Backend, sequence: readonly Action[]): Promise<void> {
  const place = await backend.place();
  const model = new MemoryStore();
  let store = await place.open();
  try {
    for (const action of sequence) {
      if (action.do === 'reopen') {
        if (!backend.persists) continue;
        await store.close();
        store = await place.open();
      } else if (action.do === 'breathe') {
        await breathe(action.turns);
      } else {
        const [answer, expected] = [await answerTo(store, action), await answerTo(model, action)];
        expect(answer).toEqual(expected);
      }
    }
    for (let index = 0; index < CONVERSATIONS; index += 1) {
      const page = { after: 0, limit: 100 };
      expect(await reads(store, index, page)).toEqual(await reads(model, index, page));
    }
  } finally {
    await store.close();
    await place.clear();
  }
}
