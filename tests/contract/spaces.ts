import { describe, expect, test } from 'vitest';
import type { Space } from '../../storage/vector-spaces.ts';
import {
  added,
  axis,
  byVector,
  embedded,
  idOfDocument,
  OTHER,
  SPACE,
} from './document-fixtures.ts';
import { granted, made, messages, ONE } from './fixtures.ts';
import { levelled, nearest } from './message-index.ts';
import type { Subject } from './store.ts';

const THIRD: Space = { name: 'test~c.v1_2:3', dimensions: 3 };

export function spaces(subject: Subject): void {
  const listed = async () => granted(await subject.store.spaces.list());
  const without = async (space: Space, page: { afterId?: string; limit: number }) => {
    const { afterId, limit } = page;
    const after = afterId === undefined ? {} : { afterId: idOfDocument(afterId) };
    return granted(await subject.store.documents.withoutVectors(space, { ...after, limit }));
  };

  describe('vector spaces', () => {
    test('there are none at first; the first one is in use, the others are not', async () => {
      const { store } = subject;
      expect(await listed()).toEqual([]);
      granted(await store.spaces.add(OTHER));
      expect(await listed()).toEqual([{ ...OTHER, isInUse: true }]);
      granted(await store.spaces.add(SPACE));
      granted(await store.spaces.add(THIRD));
      const all = [
        { ...OTHER, isInUse: true },
        { ...SPACE, isInUse: false },
        { ...THIRD, isInUse: false },
      ];
      expect(await listed()).toEqual(all);
      for (const space of [THIRD, OTHER]) granted(await store.spaces.add(space));
      expect(await listed()).toEqual(all);
      await subject.reopen();
      if (subject.backend.persists) expect(await listed()).toEqual(all);
    });

    test('added twice at once, there is one', async () => {
      const { store } = subject;
      await Promise.all([store.spaces.add(SPACE), store.spaces.add(SPACE)]);
      expect(await listed()).toEqual([{ ...SPACE, isInUse: true }]);
    });

    test('using one drops the others with all their vectors', async () => {
      const { store } = subject;
      await added(store, 'a');
      await embedded(store, idOfDocument('a'), [axis(0)]);
      await embedded(store, idOfDocument('a'), [axis(1, OTHER)]);
      await made(store, messages(1, 1));
      await levelled(store);
      const vector = axis(0);
      granted(await store.index.putVectors(ONE, SPACE, [{ seq: 1, textSeq: 1, vector }]));
      expect(await nearest(store, vector)).toEqual([1]);

      granted(await store.spaces.use(OTHER));
      expect(await listed()).toEqual([{ ...OTHER, isInUse: true }]);
      expect(await byVector(store, axis(0))).toEqual([]);
      expect(await nearest(store, vector)).toEqual([]);
      expect(await byVector(store, axis(1, OTHER), { space: OTHER })).toEqual(['d_a.0']);
      const found = granted(await store.documents.read(idOfDocument('a')));
      expect(found?.spaces).toEqual([OTHER.name]);

      granted(await store.spaces.add(SPACE));
      expect(await listed()).toEqual([
        { ...OTHER, isInUse: true },
        { ...SPACE, isInUse: false },
      ]);
      expect(await byVector(store, axis(0))).toEqual([]);
      expect(await nearest(store, vector)).toEqual([]);
      expect(await without(SPACE, { limit: 9 })).toEqual({ ids: ['d_a'], count: 1 });
    });

    test('a space that was dropped takes no vectors', async () => {
      const { store } = subject;
      await added(store, 'a');
      granted(await store.spaces.add(SPACE));
      granted(await store.spaces.add(OTHER));
      await made(store, messages(1, 1));
      await levelled(store);
      granted(await store.spaces.use(OTHER));
      const put = await store.documents.putVectors(SPACE, idOfDocument('a'), [axis(0)]);
      expect(granted(put)).toBe(false);
      const vector = axis(0);
      granted(await store.index.putVectors(ONE, SPACE, [{ seq: 1, textSeq: 1, vector }]));
      granted(await store.spaces.add(SPACE));
      expect(await byVector(store, axis(0))).toEqual([]);
      expect(await nearest(store, vector)).toEqual([]);
    });

    test('using the one in use changes nothing', async () => {
      const { store } = subject;
      await added(store, 'a');
      await embedded(store, idOfDocument('a'), [axis(0)]);
      granted(await store.spaces.use(SPACE));
      expect(await listed()).toEqual([{ ...SPACE, isInUse: true }]);
      expect(await byVector(store, axis(0))).toEqual(['d_a.0']);
    });

    test.for(['', 'with blank', `quote'`, 'ä', 'x'.repeat(129)])(
      'rejects a name that is no id: %s',
      async (name) => {
        await expect(subject.store.spaces.add({ name, dimensions: 3 })).rejects.toThrow();
        expect(await listed()).toEqual([]);
      },
    );
  });

  describe('documents without vectors', () => {
    test('are counted, and listed in pages by id', async () => {
      const { store } = subject;
      granted(await store.spaces.add(SPACE));
      granted(await store.spaces.add(OTHER));
      for (const name of ['e', 'a', 'c', 'B', 'd']) await added(store, name);
      await embedded(store, idOfDocument('c'), [axis(0)]);
      expect(await without(SPACE, { limit: 2 })).toEqual({ ids: ['d_B', 'd_a'], count: 4 });
      expect(await without(SPACE, { afterId: 'a', limit: 2 })).toEqual({
        ids: ['d_d', 'd_e'],
        count: 4,
      });
      expect(await without(SPACE, { afterId: 'e', limit: 2 })).toEqual({ ids: [], count: 4 });
      expect((await without(OTHER, { limit: 9 })).count).toBe(5);
      granted(await store.documents.remove(idOfDocument('d')));
      for (const name of ['e', 'a', 'B']) await embedded(store, idOfDocument(name), [axis(1)]);
      expect(await without(SPACE, { limit: 2 })).toEqual({ ids: [], count: 0 });
    });
  });
}
