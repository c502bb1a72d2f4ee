import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/deadline.ts';
import { EmbeddingEndpoint } from '../support/embedding-endpoint.ts';
import { testDatabase } from '../support/postgres.ts';
import { RestClient } from '../support/rest-client.ts';
import type { Flags } from '../support/server-process.ts';
import {
  DOCUMENTS,
  DocumentsScene,
  expectStatus,
  type Guest,
  STORES,
  type StorePlace,
} from './documents-scene.ts';

const DIMENSIONS = 64;
const PATIENCE_MS = 25_000;
/** Those that are still there after a restart. */
const LASTING = STORES.filter(([name]) => name !== 'memory');

const endpoint = new EmbeddingEndpoint(DIMENSIONS);
beforeAll(() => endpoint.start());
afterAll(() => endpoint.stop());

const hashing = { embedder: 'hashing', 'embedding-dimensions': 32 };
const openai = () => ({
  embedder: 'openai',
  'embedding-model': 'own-model',
  'embedding-dimensions': DIMENSIONS,
  'embedding-base-url': endpoint.url,
});

async function withDocuments(
  place: StorePlace,
  flags: Flags,
  run: (scene: DocumentsScene) => Promise<void>,
) {
  const scene = new DocumentsScene(place, flags);
  try {
    await scene.start();
    await run(scene);
  } finally {
    endpoint.release();
    endpoint.isDown = false;
    await scene.end();
  }
}

async function search({ rest }: Guest, query: string, mode: string) {
  const { body } = expectStatus(await rest.post(`${DOCUMENTS}/search`, { query, mode }), 200);
  const ids = body.items.map((item: { document_id: string }) => item.document_id);
  return { degraded: body.degraded, first: ids[0] };
}

async function metric({ rest }: Guest, name: string): Promise<number> {
  const { text } = await rest.get('/metrics');
  const values = [...text.matchAll(new RegExp(`^colloquy_${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))];
  return values.reduce((sum, [, value]) => sum + Number(value), 0);
}

const long = (word: string) => `${word} and so on. `.repeat(12_000);

describe.each(STORES)('embedding documents on %s', (_, place) => {
  it('shows how far it is, from 0 to 1, while words are found', async () => {
    await withDocuments(place, openai(), async (scene) => {
      const ada = await scene.guest('Ada');
      endpoint.hold();
      const made = await scene.add(ada, { content: long('heron') });
      expect(made).toMatchObject({ state: 'embedding', progress: 0 });
      expect(await search(ada, 'herons', 'keyword')).toEqual({
        degraded: false,
        first: made.document_id,
      });
      const seen = new Set<number>();
      const calls = Math.ceil(made.chunks / 64);
      expect(calls).toBeGreaterThan(2);
      for (let call = 0; call < calls; call += 1) {
        await eventually('a call waits', async () => endpoint.waiting > 0, PATIENCE_MS);
        const { body } = await ada.rest.get(`${DOCUMENTS}/${made.document_id}`);
        expect(body.state).toBe('embedding');
        seen.add(body.progress);
        endpoint.step();
      }
      endpoint.release();
      const ready = await scene.ready(ada, made.document_id);
      expect(ready.progress).toBe(1);
      expect(seen.size).toBeGreaterThan(2);
      expect([...seen]).toEqual([...seen].toSorted((a, b) => a - b));
      expect(await metric(ada, 'embedded_chunks_total')).toBe(made.chunks);
      expect(await metric(ada, 'documents_stored_total')).toBe(1);
      await eventually('no backlog', async () => (await metric(ada, 'embedding_backlog')) === 0);
    });
  });

  it('is not done where there is to be none: a document is ready at once, and words answer', async () => {
    await withDocuments(place, { embedder: 'none' }, async (scene) => {
      const ada = await scene.guest('Ada');
      const made = await scene.add(ada, { content: 'all about the ibis' });
      expect(made).toMatchObject({ state: 'ready', progress: 1 });
      for (const [mode, degraded] of [
        ['keyword', false],
        ['vector', true],
        ['hybrid', true],
      ] as const)
        expect(await search(ada, 'ibis', mode)).toEqual({ degraded, first: made.document_id });
    });
  });
});

describe.each(STORES)('an embedder on %s', (_, place) => {
  it('that refused is asked again until it takes what waits; words answer meanwhile and say so', async () => {
    await withDocuments(place, openai(), async (scene) => {
      const ada = await scene.guest('Ada');
      endpoint.isDown = true;
      const { document_id: id } = await scene.add(ada, { content: 'all about the ibis' });
      const before = endpoint.calls;
      await eventually('it was tried', async () => endpoint.calls > before, PATIENCE_MS);
      for (const mode of ['hybrid', 'vector'])
        expect(await search(ada, 'ibis', mode)).toEqual({ degraded: true, first: id });
      expect((await ada.rest.get(`${DOCUMENTS}/${id}`)).body).toMatchObject({ state: 'embedding' });
      endpoint.isDown = false;
      await eventually(
        'the document is ready',
        async () => (await ada.rest.get(`${DOCUMENTS}/${id}`)).body.state === 'ready',
      );
      await eventually(
        'vectors answer',
        async () => !(await search(ada, 'ibis', 'vector')).degraded,
        PATIENCE_MS,
      );
      expect(await search(ada, 'ibis', 'vector')).toEqual({ degraded: false, first: id });
    });
  });
});

describe.each(LASTING)('after a restart on %s', (_, place) => {
  it.each(['SIGKILL', 'SIGTERM'] as const)(
    'by %s what was in the middle of being embedded is embedded',
    async (signal) => {
      await withDocuments(place, openai(), async (scene) => {
        const ada = await scene.guest('Ada');
        endpoint.hold();
        const made = await scene.add(ada, { content: long('stork') });
        await eventually('a call waits', async () => endpoint.waiting > 0, PATIENCE_MS);
        endpoint.step();
        await eventually('the next one waits', async () => endpoint.waiting > 0, PATIENCE_MS);
        await scene.server.restart(signal);
        const shown = await ada.rest.get(`${DOCUMENTS}/${made.document_id}`);
        expect(shown.body).toMatchObject({ state: 'embedding', chunks: made.chunks });
        endpoint.release();
        await scene.ready(ada, made.document_id);
        expect(await search(ada, 'storks', 'vector')).toEqual({
          degraded: false,
          first: made.document_id,
        });
      });
    },
  );

  it('with another embedder all is embedded anew, while the old vectors answer', async () => {
    await withDocuments(place, hashing, async (scene) => {
      const ada = await scene.guest('Ada');
      const ids: string[] = [];
      for (const bird of ['robin', 'wren', 'finch']) {
        const { document_id: id } = await scene.add(ada, { content: `all about the ${bird}` });
        ids.push((await scene.ready(ada, id)).document_id);
      }
      const { port } = scene.server;
      await scene.server.kill('SIGTERM');
      endpoint.hold();
      await scene.server.start({ port, ...openai() });
      await eventually('the new embedder is asked', async () => endpoint.waiting > 0, PATIENCE_MS);
      expect(await search(ada, 'about wrens', 'vector')).toEqual({
        degraded: false,
        first: ids[1],
      });
      expect((await ada.rest.get(`${DOCUMENTS}/${ids[1]}`)).body.state).toBe('ready');
      endpoint.release();
      await eventually(
        'the new vectors answer',
        async () => {
          const before = endpoint.embedded;
          const { first } = await search(ada, 'about finches', 'vector');
          return first === ids[2] && endpoint.embedded > before;
        },
        PATIENCE_MS,
      );
      for (const id of ids) expect((await scene.ready(ada, id)).progress).toBe(1);
    });
  });
});

describe('two servers on one database', () => {
  it('embed what either took, change the space together, and answer alike', async () => {
    const database = await testDatabase();
    const shared: StorePlace = async () => ({ url: database.url, drop: async () => {} });
    const ids: string[] = [];
    await withDocuments(shared, hashing, async (scene) => {
      const ada = await scene.guest('Ada');
      for (const bird of ['robin', 'wren', 'finch', 'dove', 'crow', 'rook'])
        ids.push((await scene.add(ada, { content: `all about the ${bird}` })).document_id);
      await withDocuments(
        shared,
        { embedder: 'hashing', 'embedding-dimensions': 64 },
        async (second) => {
          await withDocuments(
            shared,
            { embedder: 'hashing', 'embedding-dimensions': 64 },
            async (third) => {
              const others = [second, third].map(
                ({ server }) => new RestClient(server.url, ada.rest.token),
              );
              const added = await scene.add(ada, { content: 'all about the kite' });
              for (const rest of [ada.rest, ...others]) {
                const person = { id: ada.id, rest };
                for (const id of [...ids, added.document_id]) await scene.ready(person, id);
                await eventually('vectors answer here', async () => {
                  const { degraded, first } = await search(person, 'about wrens', 'vector');
                  return !degraded && first === ids[1];
                });
              }
              await eventually('one space is left', async () => {
                const spaces = await database.run('SELECT name FROM vector_spaces');
                return spaces.length === 1 && spaces[0]?.['name'] === 'hashing-v1:64';
              });
            },
          );
        },
      );
    });
    await database.drop();
  });
});
