import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { ParticipantId } from '../../src/domain/ids.ts';
import { ok } from '../../src/domain/result.ts';
import { searchDocuments } from '../../src/library/document-search.ts';
import { ServingSpace } from '../../src/library/serving-space.ts';
import { unguarded } from '../../src/provider/guard.ts';
import { ConversationSearch } from '../../src/search/conversation-search.ts';
import { hashingEmbedder } from '../../src/search/hashing-embedder.ts';
import { PostgresStore } from '../../storage/postgres/postgres-store.ts';
import type { Store } from '../../storage/store.ts';
import type { Space } from '../../storage/vector-spaces.ts';
import { added, axis, byVector, byWords, idOfDocument } from '../contract/document-fixtures.ts';
import { ann, bob, granted, made, messages, ONE, refusal } from '../contract/fixtures.ts';
import { levelled, nearest } from '../contract/message-index.ts';
import { Pglite } from '../support/pglite.ts';
import { Random } from '../support/random.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const SMALL: Space = { name: 'small:8', dimensions: 8 };

function open(server: Pglite): Promise<PostgresStore> {
  return PostgresStore.open(server.url, { poolSize: 1 });
}

/** A unit vector, in the half where the first dimension has the sign of `side`. */
function randomUnit(random: Random, { dimensions }: Space, side: 1 | -1): Float32Array {
  const raw = Array.from({ length: dimensions }, () => random.next() - 0.5);
  raw[0] = side * Math.abs(raw[0] ?? 0);
  const length = Math.hypot(...raw);
  return Float32Array.from(raw, (x) => x / length);
}

function cosine(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, x, at) => sum + x * (b[at] ?? 0), 0);
}

/** A document whose chunks have these vectors. */
async function addVectors(
  store: Store,
  name: string,
  { owner, vectors, space }: { owner: ParticipantId; vectors: Float32Array[]; space: Space },
): Promise<void> {
  await added(store, name, { owner, texts: vectors.map((_, at) => `t${at}`) });
  granted(await store.spaces.add(space));
  expect(granted(await store.documents.putVectors(space, idOfDocument(name), vectors))).toBe(true);
}

describe('vectors in a database with pgvector', () => {
  let server: Pglite;
  let store: PostgresStore;

  beforeAll(async () => {
    server = await Pglite.start();
  });
  afterAll(() => server.end());

  beforeEach(async () => {
    await server.reset();
    store = await open(server);
    return () => store.close();
  });

  test('the label says so', () => {
    expect(store.label).toMatch(/\(vectors: pgvector \d+\.\d+\.\d+, HNSW\)$/);
  });

  test('of many chunks the nearest that one may see are found, though more that one may not see are nearer', async () => {
    const random = new Random(11);
    const many = (count: number, side: 1 | -1) =>
      Array.from({ length: count }, () => randomUnit(random, SMALL, side));
    const anns = many(5_200, -1);
    await addVectors(store, 'anns', { owner: ann.id, vectors: anns, space: SMALL });
    await addVectors(store, 'bobs', { owner: bob.id, vectors: many(1_000, 1), space: SMALL });
    const wanted = axis(0, SMALL);
    const found = await byVector(store, wanted, { space: SMALL, limit: 20 });
    const truth = anns
      .map((vector, index) => ({ name: `d_anns.${index}`, score: cosine(vector, wanted) }))
      .sort((a, b) => b.score - a.score)
      .slice(0, 20)
      .map(({ name }) => name);
    expect(found).toHaveLength(20);
    expect(found.filter((name) => truth.includes(name)).length).toBeGreaterThanOrEqual(18);
    await server.run('SELECT pg_stat_force_next_flush()');
    const [index] = await server.run(
      `SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname LIKE '%_near'`,
    );
    expect(Number(index?.['idx_scan'])).toBeGreaterThan(0);
  });

  test.for([
    { dimensions: 2_000, storage: 'hnsw' },
    { dimensions: 3_072, storage: 'hnsw' },
    { dimensions: 4_096, storage: 'pgvector' },
    { dimensions: 16_001, storage: 'bytes' },
  ])('$dimensions dimensions: $storage', async ({ dimensions, storage }) => {
    const space = { name: `large:${dimensions}`, dimensions };
    const vectors = [axis(1, space), axis(2_000 - 1, space), axis(dimensions - 1, space)];
    await addVectors(store, 'a', { owner: ann.id, vectors, space });
    expect((await byVector(store, axis(dimensions - 1, space), { space }))[0]).toBe('d_a.2');
    expect((await byVector(store, axis(1, space), { space }))[0]).toBe('d_a.0');
    const [row] = await server.run('SELECT storage FROM vector_spaces');
    expect(row?.['storage']).toBe(storage);
  });

  test('the extension may be in any schema', async () => {
    await store.close();
    await server.run(
      'DROP EXTENSION vector; CREATE SCHEMA "Else"; CREATE EXTENSION vector SCHEMA "Else"',
    );
    store = await open(server);
    await addVectors(store, 'a', { owner: ann.id, vectors: [axis(0, SMALL)], space: SMALL });
    expect(await byVector(store, axis(0, SMALL), { space: SMALL })).toEqual(['d_a.0']);
    await made(store, messages(1, 2));
    await levelled(store);
    const vectors = [{ seq: 2, textSeq: 2, vector: axis(0, SMALL) }];
    granted(await store.index.putVectors(ONE, SMALL, vectors));
    expect(await nearest(store, axis(0, SMALL), { space: SMALL })).toEqual([2]);
    await store.close();
    await server.run('DROP SCHEMA "Else" CASCADE');
    store = await open(server);
  });

  test('an extension that was dropped and made again lost its vectors, and takes new ones', async () => {
    const vectors = [axis(0, SMALL), axis(1, SMALL)];
    await addVectors(store, 'a', { owner: ann.id, vectors, space: SMALL });
    await made(store, messages(1, 2));
    await levelled(store);
    const ofMessages = vectors.map((vector, at) => ({ seq: at + 1, textSeq: at + 1, vector }));
    granted(await store.index.putVectors(ONE, SMALL, ofMessages));
    await store.close();
    await server.run('DROP EXTENSION vector CASCADE');
    store = await open(server);
    expect(await byVector(store, axis(0, SMALL), { space: SMALL })).toEqual([]);
    expect(await nearest(store, axis(0, SMALL), { space: SMALL })).toEqual([]);
    const lacking = granted(await store.documents.withoutVectors(SMALL, { limit: 9 }));
    expect(lacking).toEqual({ ids: ['d_a'], count: 1 });
    expect(granted(await store.index.withoutVector(ONE, SMALL, 9))).toHaveLength(2);
    granted(await store.documents.putVectors(SMALL, idOfDocument('a'), vectors));
    granted(await store.index.putVectors(ONE, SMALL, ofMessages));
    expect(await byVector(store, axis(0, SMALL), { space: SMALL })).toEqual(['d_a.0', 'd_a.1']);
    expect(await nearest(store, axis(0, SMALL), { space: SMALL })).toEqual([1, 2]);
  });
});

/** The searches of a server on this store. */
function searching(store: Store) {
  const reports: string[] = [];
  const report = (event: string) => reports.push(event);
  const embedder = hashingEmbedder(64);
  const messages = new ConversationSearch({
    store: { index: store.index, readMessages: (id, page) => store.readMessages(id, page) },
    embedder: async () => ok(embedder),
    report,
  });
  const documents = {
    documents: store.documents,
    serving: new ServingSpace(store.spaces, { configured: embedder, ofSpace: () => embedder }),
    isBehind: async () => ok(false),
    report,
    guard: unguarded,
  };
  const query = { text: 'message t1', mode: 'hybrid', limit: 5 } as const;
  return {
    embedder,
    reports,
    ofMessages: async () => granted(await messages.search(ONE, query)),
    ofDocuments: async () =>
      granted(await searchDocuments(documents, { ...query, seenBy: ann.id })),
  };
}

test('words answer, and say so, from the moment that pgvector is dropped under a running server', async () => {
  const server = await Pglite.start();
  onTestFinished(() => server.end());
  const store = await open(server);
  onTestFinished(() => store.close());
  const { embedder, reports, ofMessages, ofDocuments } = searching(store);
  const vectors = granted(await embedder.embed(['t0', 't1']));
  await addVectors(store, 'a', { owner: ann.id, vectors: [...vectors], space: embedder.space });
  await made(store, messages(1, 3));
  expect(await ofMessages()).toMatchObject({ isDegraded: false });
  expect(await ofDocuments()).toMatchObject({ isDegraded: false });
  for (const change of ['DROP EXTENSION vector CASCADE', 'CREATE EXTENSION vector']) {
    await server.run(change);
    reports.length = 0;
    const found = [await ofMessages(), await ofDocuments()];
    for (const { items, isDegraded } of found) {
      expect(isDegraded).toBe(true);
      expect(items.length).toBeGreaterThan(0);
    }
    expect(reports).toEqual(['vectors_not_searched', 'vectors_not_searched']);
  }
});

describe('a database that gains pgvector, or loses it', () => {
  test('keeps its vectors when it gains it; makes them anew when it lost it; finds words all the time', async () => {
    const folder = temporaryFolder();
    const data = folder.path('data');
    const servers: Pglite[] = [];
    const start = async (hasPgvector: boolean) => {
      const server = await Pglite.start({ folder: data, hasPgvector });
      servers.push(server);
      return server;
    };
    const vectors = [axis(3, SMALL), axis(0, SMALL), axis(1, SMALL)];
    const expectAll = async (store: Store, byNearness: boolean) => {
      const found = byNearness ? 'd_a.1' : undefined;
      expect((await byVector(store, axis(0, SMALL), { space: SMALL }))[0]).toBe(found);
      expect(await nearest(store, axis(0, SMALL), { space: SMALL, limit: 1 })).toEqual(
        byNearness ? [2] : [],
      );
      expect(await byWords(store, 't2')).toEqual(['d_a.2']);
    };
    try {
      let server = await start(false);
      let store = await open(server);
      expect(store.label).toMatch(/\(vectors: exact scan; pgvector is not installed\)$/);
      await addVectors(store, 'a', { owner: ann.id, vectors, space: SMALL });
      await made(store, messages(1, 3));
      await levelled(store);
      const ofMessages = vectors.map((vector, at) => ({ seq: at + 1, textSeq: at + 1, vector }));
      granted(await store.index.putVectors(ONE, SMALL, ofMessages));
      await expectAll(store, true);
      await store.close();
      await server.end();

      server = await start(true);
      store = await open(server);
      expect(store.label).toMatch(/\(vectors: pgvector .*, HNSW\)$/);
      expect(await server.run('SELECT storage FROM vector_spaces')).toEqual([{ storage: 'hnsw' }]);
      await expectAll(store, true);

      await server.run('DROP EXTENSION vector CASCADE');
      const query = { seenBy: ann.id, space: SMALL, vector: axis(0, SMALL), limit: 1 };
      const lost = { reason: 'storage_unavailable', outcome: 'none' };
      expect(refusal(await store.documents.byVector(query))).toMatchObject(lost);
      expect(refusal(await store.index.byVector(ONE, query))).toMatchObject(lost);
      const put = store.documents.putVectors(SMALL, idOfDocument('a'), vectors);
      expect(granted(await put)).toBe(false);
      expect(await byWords(store, 't2')).toEqual(['d_a.2']);
      await store.close();
      await server.end();
      server = await start(false);
      store = await open(server);
      expect(store.label).toMatch(/\(vectors: exact scan; pgvector is not installed\)$/);
      await expectAll(store, false);
      const lacking = granted(await store.documents.withoutVectors(SMALL, { limit: 9 }));
      expect(lacking).toEqual({ ids: ['d_a'], count: 1 });
      expect(granted(await store.index.withoutVector(ONE, SMALL, 9))).toHaveLength(3);
      granted(await store.documents.putVectors(SMALL, idOfDocument('a'), vectors));
      granted(await store.index.putVectors(ONE, SMALL, ofMessages));
      await expectAll(store, true);
      await store.close();
    } finally {
      for (const server of servers) await server.end();
      folder.clear();
    }
  });
});
