import { describe, expect, it, onTestFinished } from 'vitest';
import { participantId } from '../../src/domain/ids.ts';
import { err } from '../../src/domain/result.ts';
import { Library } from '../../src/library/library.ts';
import { Meters } from '../../src/observability/meters.ts';
import type { DocumentStore } from '../../storage/document-store.ts';
import { MemoryStore } from '../../storage/memory/memory-store.ts';
import { type Unavailable, unavailable } from '../../storage/unavailable.ts';
import { chunksOf } from '../contract/document-fixtures.ts';
import { granted, refusal } from '../contract/fixtures.ts';
import { SimulatedClock } from '../support/simulated-clock.ts';

const OWNER = participantId('ada');
const LIMITS = { maxDocuments: 2, maxDocumentChunks: 9, extractMs: 1_000 };
const lost = (outcome: Unavailable['outcome']) => err(unavailable(new Error('cut'), outcome));

/** A library on a store some of whose methods have other answers. */
function libraryOn(answersOf: (stored: DocumentStore) => Partial<DocumentStore>) {
  const store = new MemoryStore();
  const answers = answersOf(store.documents) as Record<PropertyKey, unknown>;
  const documents = new Proxy(store.documents, {
    get: (target, name) => {
      const own = (target as unknown as Record<PropertyKey, unknown>)[name];
      return answers[name] ?? (typeof own === 'function' ? own.bind(target) : own);
    },
  });
  const write = () => {};
  const library = new Library({
    store: { documents, spaces: store.spaces, isShared: false },
    embedders: { configured: undefined, ofSpace: () => undefined },
    timing: new SimulatedClock(),
    log: { debug: write, info: write, warn: write, error: write },
    meters: new Meters(),
    limits: LIMITS,
  });
  onTestFinished(() => library.close());
  return { library, stored: store.documents };
}

function add(library: Library) {
  const reading = {
    mediaType: 'text/plain' as const,
    chars: 1,
    chunks: chunksOf(['x']),
    digest: '',
    fields: '{}',
  };
  const about = { owner: OWNER, title: 'T', conversations: [], metadata: {}, key: null };
  return library.add({ ...about, reading });
}

describe('an upload is refused with 503 only when nothing was stored', () => {
  it('so when the store did not take it', async () => {
    const { library } = libraryOn(() => ({ add: async () => lost('none') }));
    expect(refusal(await add(library)).reason).toBe('storage_unavailable');
  });

  it('not when nobody knows whether it did', async () => {
    const { library, stored } = libraryOn((documents) => ({
      add: async (document, chunks) => {
        granted(await documents.add(document, chunks));
        return lost('unknown');
      },
    }));
    expect(refusal(await add(library)).reason).toBe('internal');
    expect(granted(await stored.countOwned(OWNER))).toBe(1);
  });

  it('not when it is stored, and cannot be read', async () => {
    const { library } = libraryOn(() => ({ read: async () => lost('none') }));
    expect(refusal(await add(library)).reason).toBe('internal');
  });

  it('nor with 429 when it is one too many, and cannot be taken away again', async () => {
    const { library, stored } = libraryOn(() => ({ remove: async () => lost('none') }));
    for (let count = 1; count <= 3; count += 1) granted(await add(library));
    expect(granted(await stored.countOwned(OWNER))).toBe(3);
  });
});

describe('a deletion', () => {
  it('is not said to be undone when nobody knows', async () => {
    const { library } = libraryOn((documents) => ({
      remove: async (id) => {
        await documents.remove(id);
        return lost('unknown');
      },
    }));
    const { document } = granted(await add(library));
    expect(refusal(await library.remove(document.id, OWNER)).reason).toBe('internal');
    expect(refusal(await library.find(document.id, OWNER)).reason).toBe('document_not_found');
  });
});
