import { describe, expect, test } from 'vitest';
import { conversationId } from '../../src/domain/ids.ts';
import {
  added,
  axis,
  byVector,
  byWords,
  chunksOf,
  document,
  embedded,
  idOfDocument,
  idsOf,
  SPACE,
} from './document-fixtures.ts';
import { ann, bob, granted, made, refusal } from './fixtures.ts';
import type { Subject } from './store.ts';
import { HOSTILE, storable } from './text.ts';

export function documents(subject: Subject): void {
  const read = async (name: string) =>
    granted(await subject.store.documents.read(idOfDocument(name)));
  const chunks = async (name: string, page: { afterIndex?: number; limit: number }) =>
    granted(await subject.store.documents.readChunks(idOfDocument(name), page));

  describe('documents', () => {
    test('come back as they were added, with their chunks', async () => {
      const { store } = subject;
      const [one, two] = [
        await made(store, [], { id: 'c_z' }),
        await made(store, [], { id: 'c_a' }),
      ];
      const given = await added(store, 'a', {
        texts: ['one', 'two', 'three'],
        conversations: [one, two],
        createdKey: 'a key',
      });
      expect(await read('a')).toEqual({ document: given, spaces: [] });
      expect(await chunks('a', { limit: 100 })).toEqual(chunksOf(['one', 'two', 'three']));
    });

    test('of an id that is not there: undefined, no chunks, false', async () => {
      const { store } = subject;
      expect(await read('a')).toBeUndefined();
      expect(granted(await store.documents.read(idOfDocument('a'), ann.id))).toBeUndefined();
      expect(await chunks('a', { limit: 100 })).toEqual([]);
      expect(granted(await store.documents.remove(idOfDocument('a')))).toBe(false);
      expect(granted(await store.documents.list({ limit: 100 }))).toEqual([]);
      expect(granted(await store.documents.countOwned(ann.id))).toBe(0);
    });

    test('leave out conversations that are not there', async () => {
      const { store } = subject;
      const one = await made(store);
      await added(store, 'a', { conversations: [conversationId('c_none'), one] });
      expect((await read('a'))?.document.conversations).toEqual([one]);
    });

    test('chunks come in pages, ascending', async () => {
      const { store } = subject;
      await added(store, 'a', { texts: ['0', '1', '2', '3', '4'] });
      await added(store, 'b', { texts: ['other'] });
      const page = async (given: { afterIndex?: number; limit: number }) =>
        (await chunks('a', given)).map(({ text }) => text);
      expect(await page({ limit: 2 })).toEqual(['0', '1']);
      expect(await page({ afterIndex: 1, limit: 2 })).toEqual(['2', '3']);
      expect(await page({ afterIndex: 3, limit: 2 })).toEqual(['4']);
      expect(await page({ afterIndex: 4, limit: 2 })).toEqual([]);
    });

    test('an id is taken once, and the first stays', async () => {
      const { store } = subject;
      const given = await added(store, 'a', { texts: ['first'] });
      const other = document('a', { title: 'Other', owner: bob.id, chunkCount: 1 });
      const again = await store.documents.add(other, chunksOf(['second']));
      expect(refusal(again)).toEqual({ reason: 'already_exists' });
      expect((await read('a'))?.document).toEqual(given);
      expect((await chunks('a', { limit: 9 })).map(({ text }) => text)).toEqual(['first']);
    });

    test('a key is unique to its owner, names the document, and is free after it', async () => {
      const { store } = subject;
      await added(store, 'a', { createdKey: 'k' });
      const twin = document('b', { createdKey: 'k', chunkCount: 1 });
      const refused = await store.documents.add(twin, chunksOf(['twin']));
      expect(refusal(refused)).toEqual({ reason: 'key_taken', id: 'd_a' });
      expect(await read('b')).toBeUndefined();
      expect(await byWords(store, 'twin')).toEqual([]);
      await added(store, 'c', { createdKey: 'k', owner: bob.id });
      await added(store, 'd', { createdKey: null });
      await added(store, 'e', { createdKey: null });
      granted(await store.documents.remove(idOfDocument('a')));
      await added(store, 'b', { createdKey: 'k' });
    });

    test('of two with one key at the same time, one is stored', async () => {
      const { store } = subject;
      const twins = ['a', 'b'].map((name) => document(name, { createdKey: 'k', chunkCount: 1 }));
      const answers = await Promise.all(
        twins.map((twin) => store.documents.add(twin, chunksOf(['text']))),
      );
      expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
      const winner = answers[0]?.ok ? 'd_a' : 'd_b';
      const loser = answers.find(({ ok }) => !ok);
      expect(loser).toMatchObject({ failure: { reason: 'key_taken', id: winner } });
      expect(idsOf(granted(await store.documents.list({ limit: 9 })))).toEqual([winner]);
    });

    test('are listed by id, in pages, in the order of character codes', async () => {
      const { store } = subject;
      for (const name of ['b', 'B', 'a_', 'a', 'aB', '~', '0']) await added(store, name);
      const page = async (given: { afterId?: string; limit: number }) => {
        const { afterId, limit } = given;
        const after = afterId === undefined ? {} : { afterId: idOfDocument(afterId) };
        return idsOf(granted(await store.documents.list({ ...after, limit })));
      };
      expect(await page({ limit: 100 })).toEqual(
        ['0', 'B', 'a', 'aB', 'a_', 'b', '~'].map(idOfDocument),
      );
      expect(await page({ limit: 2 })).toEqual(['d_0', 'd_B']);
      expect(await page({ afterId: 'B', limit: 2 })).toEqual(['d_a', 'd_aB']);
      expect(await page({ afterId: 'b', limit: 2 })).toEqual(['d_~']);
      expect(await page({ afterId: '~', limit: 2 })).toEqual([]);
    });

    test('are counted by owner', async () => {
      const { store } = subject;
      for (const name of ['a', 'b', 'c']) await added(store, name);
      await added(store, 'd', { owner: bob.id });
      const counts = async () =>
        Promise.all([ann, bob].map(({ id }) => store.documents.countOwned(id).then(granted)));
      expect(await counts()).toEqual([3, 1]);
      granted(await store.documents.remove(idOfDocument('a')));
      expect(await counts()).toEqual([2, 1]);
    });

    test('once removed are in no answer any more, and the id may be used again', async () => {
      const { store } = subject;
      await added(store, 'a', { texts: ['zebra', 'giraffe'] });
      await embedded(store, idOfDocument('a'), [axis(0), axis(1)]);
      await added(store, 'b', { texts: ['zebra too'] });
      expect(await byWords(store, 'zebra giraffe')).toHaveLength(3);
      expect(granted(await store.documents.remove(idOfDocument('a')))).toBe(true);
      expect(granted(await store.documents.remove(idOfDocument('a')))).toBe(false);
      expect(await read('a')).toBeUndefined();
      expect(granted(await store.documents.read(idOfDocument('a'), ann.id))).toBeUndefined();
      expect(idsOf(granted(await store.documents.list({ limit: 9 })))).toEqual(['d_b']);
      expect(await chunks('a', { limit: 9 })).toEqual([]);
      expect(await byWords(store, 'zebra giraffe')).toEqual(['d_b.0']);
      expect(await byVector(store, axis(0))).toEqual([]);
      const without = granted(await store.documents.withoutVectors(SPACE, { limit: 9 }));
      expect(without).toEqual({ ids: ['d_b'], count: 1 });
      expect(await read('b')).toMatchObject({ spaces: [] });

      await added(store, 'a', { texts: ['lion'] });
      expect(await byWords(store, 'zebra giraffe')).toEqual(['d_b.0']);
      expect(await byWords(store, 'lion')).toEqual(['d_a.0']);
      expect(await byVector(store, axis(0))).toEqual([]);
      expect(await read('a')).toMatchObject({ spaces: [] });
    });

    test('a removal and a search at the same time leave nothing behind', async () => {
      const { store } = subject;
      await added(store, 'a', { texts: ['zebra', 'giraffe'] });
      granted(await store.spaces.add(SPACE));
      await Promise.all([
        store.documents.putVectors(SPACE, idOfDocument('a'), [axis(0), axis(1)]),
        store.documents.remove(idOfDocument('a')),
        byWords(store, 'zebra'),
        byVector(store, axis(0)),
      ]);
      expect(await read('a')).toBeUndefined();
      expect(await byWords(store, 'zebra')).toEqual([]);
      expect(await byVector(store, axis(0))).toEqual([]);
    });

    test('of many chunks are stored whole, and searched whole', async () => {
      const { store } = subject;
      const texts = Array.from({ length: 2_000 }, (_, index) => `part ${index} of 2000`);
      await added(store, 'a', { texts });
      expect(await chunks('a', { limit: 5_000 })).toEqual(chunksOf(texts));
      expect(await chunks('a', { afterIndex: 1_998, limit: 9 })).toHaveLength(1);
      expect(await byWords(store, '1777')).toEqual(['d_a.1777']);
      const vectors = texts.map((_, index) => axis(index === 1_234 ? 1 : 0));
      await embedded(store, idOfDocument('a'), vectors);
      expect(await byVector(store, axis(1), { limit: 1 })).toEqual(['d_a.1234']);
      granted(await store.documents.remove(idOfDocument('a')));
      expect(await byWords(store, 'part')).toEqual([]);
    });

    test('chunks may be very long', async () => {
      const { store } = subject;
      const words = Array.from({ length: 20_000 }, (_, index) => `w${(index * 7_919) % 3_000}x`);
      await added(store, 'a', { texts: [words.join(' '), 'short'] });
      expect(await chunks('a', { limit: 9 })).toEqual(chunksOf([words.join(' '), 'short']));
      expect(await byWords(store, 'w2999x')).toEqual(['d_a.0']);
    });

    test('rejects chunks that are not numbered 0, 1, …, or not counted: a bug of the caller', async () => {
      const { store } = subject;
      const [first, second] = chunksOf(['one', 'two']);
      if (first === undefined || second === undefined) return expect.unreachable();
      const two = document('a', { chunkCount: 2 });
      await expect(store.documents.add(two, [first, { ...second, index: 2 }])).rejects.toThrow();
      await expect(store.documents.add(two, [first])).rejects.toThrow();
      expect(await read('a')).toBeUndefined();
    });
  });

  describe('text of documents', () => {
    test('titles, keys and chunks come back without lone surrogates and U+0000', async () => {
      const { store } = subject;
      const all = Object.values(HOSTILE);
      for (const [index, title] of all.entries())
        await added(store, `${index}`, { title, createdKey: title, texts: [...all, title] });
      for (const [index, title] of all.entries()) {
        const found = await read(`${index}`);
        expect(found?.document).toMatchObject({
          title: storable(title),
          createdKey: storable(title),
        });
        const texts = (await chunks(`${index}`, { limit: 99 })).map(({ text }) => text);
        expect(texts).toEqual([...all, title].map(storable));
        const twin = document('twin', { createdKey: storable(title), chunkCount: 0 });
        expect(refusal(await store.documents.add(twin, []))).toEqual({
          reason: 'key_taken',
          id: idOfDocument(`${index}`),
        });
      }
    });

    test('metadata comes back exactly, whatever is in it', async () => {
      const { store } = subject;
      const metadata = {
        ...HOSTILE,
        [Object.values(HOSTILE).join('|')]: Object.values(HOSTILE),
        ...JSON.parse('{"constructor": "b", "toString": null, "big": 1e300, "small": -0.1}'),
      };
      await added(store, 'a', { metadata });
      expect((await read('a'))?.document.metadata).toEqual(metadata);
      const proto = JSON.parse('{"__proto__": {"a": 1}, "b": 2, "a": 3}');
      await added(store, 'b', { metadata: proto });
      const found = (await read('b'))?.document.metadata;
      expect(JSON.stringify(found)).toBe(JSON.stringify(proto));
    });
  });

  if (!subject.backend.persists) return;

  describe('documents, opened again', () => {
    test('everything is there: documents, chunks, words, vectors, keys, spaces', async () => {
      const one = await made(subject.store);
      const given = await added(subject.store, 'a', {
        texts: ['zebra', 'giraffe'],
        conversations: [one],
        createdKey: 'k',
      });
      await added(subject.store, 'gone', { texts: ['zebra'] });
      await embedded(subject.store, idOfDocument('a'), [axis(0), axis(1)]);
      granted(await subject.store.documents.remove(idOfDocument('gone')));
      const store = await subject.reopen();
      expect(await read('a')).toEqual({ document: given, spaces: [SPACE.name] });
      expect(await chunks('a', { limit: 9 })).toEqual(chunksOf(['zebra', 'giraffe']));
      expect(await byWords(store, 'zebra')).toEqual(['d_a.0']);
      expect(await byVector(store, axis(1), { limit: 1 })).toEqual(['d_a.1']);
      const twin = document('b', { createdKey: 'k' });
      expect(refusal(await store.documents.add(twin, [])).reason).toBe('key_taken');
      expect(granted(await store.spaces.list())).toEqual([{ ...SPACE, isInUse: true }]);
    });
  });
}
