import { afterEach, describe, expect, it } from 'vitest';
import type { Embedder } from '../../src/search/embedder.ts';
import { MemoryStore } from '../../storage/memory/memory-store.ts';
import type { Store } from '../../storage/store.ts';
import { until } from '../support/until.ts';
import { EmbeddingScene, SteeredEmbedder } from './embedding-scene.ts';

const open: EmbeddingScene[] = [];
afterEach(() => Promise.all(open.splice(0).map(({ job }) => job.close())));

function sceneOf(
  configured: Embedder,
  parts: { store?: Store; others?: readonly Embedder[] } = {},
): EmbeddingScene {
  const scene = new EmbeddingScene(configured, parts);
  open.push(scene);
  return scene;
}

const OLD = 'hashing-v1:32';
const NEW = 'hashing-v1:64';

/** A store whose documents all have vectors of the old space. */
async function filled(...ids: readonly string[]): Promise<Store> {
  const store = new MemoryStore();
  const scene = new EmbeddingScene(new SteeredEmbedder(32), { store });
  scene.job.start();
  for (const id of ids) await scene.add(id, [`all about ${id}`]);
  await until(async () => (await Promise.all(ids.map((id) => scene.spacesOf(id)))).every(has(OLD)));
  await scene.job.close();
  return store;
}

function has(space: string) {
  return (spaces: readonly string[] | undefined) => spaces?.includes(space) === true;
}

describe('the embedding job', () => {
  it('gives a document its vectors all together, and shows how far it is', async () => {
    const embedder = new SteeredEmbedder(32);
    const scene = sceneOf(embedder);
    embedder.hold();
    scene.job.start();
    const id = await scene.add('a', 10);
    const seen: number[] = [];
    for (const batches of [1, 2, 3]) {
      await until(() => embedder.asked.length === Math.min(batches * 4, 10));
      seen.push(scene.job.progressOf(id));
      expect(await scene.spacesOf('a')).toEqual([]);
      expect(scene.job.isBehind(OLD)).toBe(true);
      embedder.step();
    }
    await until(async () => has(OLD)(await scene.spacesOf('a')));
    await until(() => !scene.job.isBehind(OLD));
    expect(seen).toEqual([0, 0.4, 0.8]);
    expect(scene.embeddedChunks).toBe(10);
  });

  it('finds at its start what an earlier process left, in the middle of a document, too', async () => {
    const store = new MemoryStore();
    const embedder = new SteeredEmbedder(32);
    const first = sceneOf(embedder, { store });
    embedder.hold();
    first.job.start();
    await first.add('a', 8);
    await first.add('b', 1);
    await until(() => embedder.asked.length === 4);
    embedder.step();
    await until(() => embedder.asked.length === 8);
    await first.job.close();
    expect(await first.spacesOf('a')).toEqual([]);
    const second = sceneOf(new SteeredEmbedder(32), { store });
    second.job.start();
    for (const id of ['a', 'b']) await until(async () => has(OLD)(await second.spacesOf(id)));
  });

  it('waits longer each time while the embedder is down, and goes on by itself when it is back', async () => {
    const embedder = new SteeredEmbedder(32);
    const scene = sceneOf(embedder);
    embedder.isDown = true;
    scene.job.start();
    await scene.add('a');
    await until(() => scene.count('embedding_failed') === 1);
    expect(scene.job.isBehind(OLD)).toBe(true);
    // New documents are no reason to ask more often.
    await scene.add('b');
    const waits = () =>
      scene.lines
        .filter(({ event }) => event === 'embedding_failed')
        .map(({ about }) => Number(about?.['retry_after_ms']));
    for (let tries = 2; tries <= 5; tries += 1) {
      await scene.clock.pass((waits().at(-1) ?? 0) + 1);
      await until(() => scene.count('embedding_failed') === tries);
    }
    expect(waits()).toEqual(waits().toSorted((a, b) => a - b));
    expect(waits().at(-1)).toBeGreaterThan(8_000);
    embedder.isDown = false;
    await scene.clock.pass(60_000);
    for (const id of ['a', 'b']) await until(async () => has(OLD)(await scene.spacesOf(id)));
    await until(() => !scene.job.isBehind(OLD));
  });

  it('lets one document that the embedder never takes hold up no other', async () => {
    const embedder = new SteeredEmbedder(32);
    const scene = sceneOf(embedder);
    embedder.refuses = (text) => text.includes('poison');
    for (const id of ['a', 'c', 'd']) await scene.add(id);
    await scene.add('b', ['poison']);
    scene.job.start();
    for (let i = 0; i < 4; i += 1) {
      await until(() => scene.count('embedding_failed') > i);
      await scene.clock.pass(60_000);
    }
    for (const id of ['a', 'c', 'd']) await until(async () => has(OLD)(await scene.spacesOf(id)));
    expect(await scene.spacesOf('b')).toEqual([]);
    expect(scene.job.backlog.get(OLD)).toBe(1);
  });

  it('is not hurt by a document that is removed while it is embedded', async () => {
    const embedder = new SteeredEmbedder(32);
    const scene = sceneOf(embedder);
    embedder.hold();
    scene.job.start();
    const id = await scene.add('a', 8);
    await until(() => embedder.asked.length === 4);
    await scene.store.documents.remove(id);
    embedder.release();
    await scene.add('b');
    await until(async () => has(OLD)(await scene.spacesOf('b')));
    expect(await scene.spacesOf('a')).toBeUndefined();
    await until(() => !scene.job.isBehind(OLD));
  });

  it('stops at once in the middle of a call', async () => {
    const embedder = new SteeredEmbedder(32);
    const scene = sceneOf(embedder);
    embedder.hold();
    scene.job.start();
    await scene.add('a', 8);
    await until(() => embedder.asked.length === 4);
    await scene.job.close();
    expect(await scene.spacesOf('a')).toEqual([]);
  });
});

describe('a change of embedder', () => {
  it('fills the new space while the old one serves, new documents in both, then takes it into use', async () => {
    const store = await filled('ada', 'bob', 'cy');
    const [fresh, old] = [new SteeredEmbedder(64), new SteeredEmbedder(32)];
    const scene = sceneOf(fresh, { store, others: [old] });
    fresh.hold();
    scene.job.start();
    await until(() => fresh.asked.length === 1);
    expect(await scene.inUse()).toBe(OLD);
    expect(await scene.nearest('about bob')).toContain('bob');
    // Added meanwhile: in the space that serves as soon as the call under way is over.
    await scene.add('dee', ['all about dee']);
    fresh.step();
    await until(async () => has(OLD)(await scene.spacesOf('dee')));
    expect((await scene.nearest('about dee'))[0]).toBe('dee');
    expect(await scene.inUse()).toBe(OLD);
    fresh.release();
    await until(async () => (await scene.inUse()) === NEW);
    for (const id of ['ada', 'bob', 'cy', 'dee']) expect(await scene.spacesOf(id)).toEqual([NEW]);
    expect((await scene.nearest('about dee'))[0]).toBe('dee');
    expect(scene.count('reembedding_started')).toBe(1);
    expect(scene.count('reembedding_done')).toBe(1);
  });

  it('goes on after a crash in the middle of it', async () => {
    const store = await filled('a', 'b', 'c');
    const fresh = new SteeredEmbedder(64);
    const first = sceneOf(fresh, { store, others: [new SteeredEmbedder(32)] });
    fresh.hold();
    first.job.start();
    await until(() => fresh.asked.length === 1);
    fresh.step();
    await until(() => fresh.asked.length === 2);
    await first.job.close();
    expect(await first.inUse()).toBe(OLD);
    const again = new SteeredEmbedder(64);
    const second = sceneOf(again, { store, others: [new SteeredEmbedder(32)] });
    second.job.start();
    await until(async () => (await second.inUse()) === NEW);
    // What was done before the crash is not done again.
    expect(again.asked).toHaveLength(2);
  });

  it('is harmless by two servers at once', async () => {
    const ids = Array.from({ length: 20 }, (_, i) => `d${i}`);
    const store = await filled(...ids);
    const scenes = [1, 2].map(() =>
      sceneOf(new SteeredEmbedder(64), { store, others: [new SteeredEmbedder(32)] }),
    );
    for (const { job } of scenes) job.start();
    for (const scene of scenes) {
      await until(async () => (await scene.inUse()) === NEW);
      await until(() => !scene.job.isBehind(NEW));
    }
    await scenes[0]?.add('z');
    await until(async () => has(NEW)(await scenes[1]?.spacesOf('z')));
    for (const id of ids) expect(await scenes[0]?.spacesOf(id)).toEqual([NEW]);
  });

  it('is not undone by a server of other settings that runs on: it serves what is in use', async () => {
    const store = await filled('a');
    const [oldOne, newOne] = [new SteeredEmbedder(32), new SteeredEmbedder(64)];
    const before = sceneOf(oldOne, { store, others: [newOne] });
    before.job.start();
    const after = sceneOf(newOne, { store, others: [oldOne] });
    after.job.start();
    await until(async () => (await after.inUse()) === NEW);
    await before.add('b');
    await until(async () => has(NEW)(await before.spacesOf('b')));
    await before.clock.pass(60_000);
    await before.add('c');
    await until(async () => has(NEW)(await before.spacesOf('c')));
    expect(await before.inUse()).toBe(NEW);
    expect((await before.nearest('b number'))[0]).toBe('b');
  });

  it('takes the new space at once where the old one can serve no more, and words serve meanwhile', async () => {
    const store = await filled('a', 'b');
    const scene = sceneOf(new SteeredEmbedder(64), { store });
    const serving = await scene.serving.embedder();
    expect(serving).toEqual({ ok: true, value: undefined });
    await scene.add('c');
    scene.job.start();
    await until(async () => (await scene.inUse()) === NEW);
    for (const id of ['a', 'b', 'c']) expect(await scene.spacesOf(id)).toEqual([NEW]);
  });
});
