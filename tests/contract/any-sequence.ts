import { describe, expect, test } from 'vitest';
import { MemoryStore } from '../../storage/memory/memory-store.ts';
import type { Store } from '../../storage/store.ts';
import { fc, runs } from '../support/properties.ts';
import type { Backend } from './backend.ts';
import {
  type Asked,
  type DocumentAction,
  documentActions,
  look,
  performOn,
} from './document-model.ts';
import { type Action, actions, answerTo, breathe, CONVERSATIONS, reads } from './model.ts';

const QUICK_RUNS = { memory: 60, file: 8 };

/** One that does the same to a store and to the memory store, and sees to it that they say the same. */
type Compared<A> = (action: A, store: Store, model: Store) => Promise<void>;

/** Any sequence of operations on logs, on a backend and on the reference, compared. */
export function describeAnySequence(backend: Backend): void {
  const numRuns = runsOf(backend);

  describe(`any sequence of operations: ${backend.name}`, () => {
    test('answers as the memory store does', async () => {
      const compared: Compared<Action> = async (action, store, model) => {
        if (action.do === 'reopen') return;
        if (action.do === 'breathe') return breathe(action.turns);
        const [answer, expected] = [await answerTo(store, action), await answerTo(model, action)];
        expect(answer).toEqual(expected);
      };
      const inTheEnd = async (store: Store, model: Store) => {
        const page = { after: 0, limit: 100 };
        for (let index = 0; index < CONVERSATIONS; index += 1)
          expect(await reads(store, index, page)).toEqual(await reads(model, index, page));
      };
      await fc.assert(
        fc.asyncProperty(actions, (sequence) => walk(backend, sequence, { compared, inTheEnd })),
        { numRuns },
      );
    });
  });
}

/** The same for documents, the index of messages and vector spaces. */
export function describeAnyDocumentSequence(backend: Backend): void {
  const numRuns = runsOf(backend);

  describe(`any sequence of operations on documents and indexes: ${backend.name}`, () => {
    test('finds what the memory store does', async () => {
      await fc.assert(
        fc.asyncProperty(documentActions, (sequence) => {
          const [asked, askedOfModel]: [Asked, Asked] = [new Map(), new Map()];
          const compared: Compared<DocumentAction> = async (action, store, model) => {
            if (action.do === 'reopen') return;
            if (action.do === 'look') return expectAlike(store, model);
            const answer = await performOn(store, action, asked);
            expect(answer).toEqual(await performOn(model, action, askedOfModel));
          };
          return walk(backend, sequence, { compared, inTheEnd: expectAlike });
        }),
        { numRuns },
      );
    });
  });
}

function runsOf({ persists }: Backend): number {
  return runs(QUICK_RUNS[persists ? 'file' : 'memory']);
}

async function walk<A extends { readonly do: string }>(
  backend: Backend,
  sequence: readonly A[],
  {
    compared,
    inTheEnd,
  }: { compared: Compared<A>; inTheEnd: (a: Store, b: Store) => Promise<void> },
): Promise<void> {
  const place = await backend.place();
  const model = new MemoryStore();
  let store = await place.open();
  try {
    for (const action of sequence) {
      if (action.do === 'reopen' && backend.persists) {
        await store.close();
        store = await place.open();
      }
      await compared(action, store, model);
    }
    await inTheEnd(store, model);
  } finally {
    await store.close();
    await place.clear();
  }
}

async function expectAlike(store: Store, model: Store): Promise<void> {
  const [seen, expected] = [await look(store), await look(model)];
  expect(seen.said).toEqual(expected.said);
  for (const [name, cosine] of expected.cosines)
    expect(Math.abs(cosine - (seen.cosines.get(name) ?? 9)), name).toBeLessThan(1e-3);
}
