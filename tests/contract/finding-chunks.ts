import { describe, expect, test } from 'vitest';
import { termsOf } from '../../src/text/terms.ts';
import { Random } from '../support/random.ts';
import {
  added,
  axis,
  byVector,
  byWords,
  embedded,
  idOfDocument,
  leaning,
  namesOf,
  OTHER,
  SPACE,
} from './document-fixtures.ts';
import { ann, granted } from './fixtures.ts';
import type { Subject } from './store.ts';

export function findingChunks(subject: Subject): void {
  describe('finding chunks by words', () => {
    test('gives the chunks that have any of the terms, with their documents', async () => {
      const { store } = subject;
      const given = await added(store, 'a', { texts: ['A zebra runs', 'A lion sleeps', 'Grass'] });
      await added(store, 'b', { texts: ['Two lions met one zebra'] });
      expect((await byWords(store, 'zebra')).sort()).toEqual(['d_a.0', 'd_b.0']);
      expect((await byWords(store, 'lion grass')).sort()).toEqual(['d_a.1', 'd_a.2', 'd_b.0']);
      expect(await byWords(store, 'elephant')).toEqual([]);
      const query = { seenBy: ann.id, limit: 1, terms: termsOf('sleeping') };
      const [found] = granted(await store.documents.byTerms(query));
      expect(found?.document).toEqual(given);
      expect(found?.chunk).toEqual({ index: 1, start: 13, end: 26, text: 'A lion sleeps' });
    });

    test('finds the first chunk of a document by its title, too', async () => {
      const { store } = subject;
      await added(store, 'a', { title: 'About zebras', texts: ['They run', 'They sleep'] });
      await added(store, 'b', { texts: ['Two lions', 'met one zebra'] });
      expect((await byWords(store, 'zebra')).sort()).toEqual(['d_a.0', 'd_b.1']);
      const query = { seenBy: ann.id, limit: 5, terms: termsOf('run') };
      const [found] = granted(await store.documents.byTerms(query));
      expect(found?.chunk.text).toBe('They run');
      granted(await store.documents.remove(idOfDocument('a')));
      expect(await byWords(store, 'zebra')).toEqual(['d_b.1']);
    });

    test('finds nothing for no terms, or for words that every sentence has', async () => {
      const { store } = subject;
      await added(store, 'a', { texts: ['the zebra is in the garden'] });
      expect(await byWords(store, '')).toEqual([]);
      expect(await byWords(store, 'the is in')).toEqual([]);
    });

    test('puts a chunk with more of the rare terms before those with common ones', async () => {
      const { store } = subject;
      const texts = Array.from({ length: 40 }, (_, index) => `report number ${index} about sales`);
      texts[17] = 'zebra number 17 about giraffe';
      texts[31] = 'zebra number 31 about sales';
      await added(store, 'a', { texts });
      const found = await byWords(store, 'sales zebra giraffe', { limit: 3 });
      expect(found).toHaveLength(3);
      expect(found.slice(0, 2).sort()).toEqual(['d_a.17', 'd_a.31']);
      expect((await byWords(store, 'zebra giraffe'))[0]).toBe('d_a.17');
    });

    test('the limit keeps the best, and the scores say so', async () => {
      const { store } = subject;
      const texts = Array.from({ length: 30 }, (_, index) =>
        index === 11 ? 'zebra crossing' : `zebra number${index}`,
      );
      for (const at of [0, 10, 20])
        await added(store, `${at}`, { texts: texts.slice(at, at + 10) });
      expect(await byWords(store, 'zebra crossing', { limit: 1 })).toEqual(['d_10.1']);
      const query = { seenBy: ann.id, limit: 7, terms: termsOf('zebra crossing') };
      const found = granted(await store.documents.byTerms(query));
      expect(found).toHaveLength(7);
      const scores = found.map(({ score }) => score);
      expect(scores).toEqual([...scores].sort((a, b) => b - a));
      expect(scores[0]).toBeGreaterThan(scores[1] ?? Number.POSITIVE_INFINITY);
    });

    test.for([
      ['Das Café Zürich', 'cafe'],
      ['naïve Straße', 'STRASSE naïve'],
      ['Привет, мир!', 'мир'],
      ['東京都に住んでいます', '東京'],
      ['สวัสดีชาวโลก', 'สวัสดี'],
      ['مرحبا بالعالم', 'بالعالم'],
      ['ﬁle №42 ２０２６', 'file 2026'],
      ["O'Neil's e-mail: a_b@c.d", 'neil'],
      ['𝔉𝔯𝔞𝔨𝔱𝔲𝔯', 'fraktur'],
    ] as const)('finds words of any script: %s', async ([text, words]) => {
      const { store } = subject;
      await added(store, 'a', { texts: ['something else', text] });
      expect(await byWords(store, words)).toEqual(['d_a.1']);
    });

    test('takes many terms', async () => {
      const { store } = subject;
      await added(store, 'a', { texts: ['w77x', 'w199x and w3x', 'other'] });
      const words = Array.from({ length: 250 }, (_, index) => `w${index}x`).join(' ');
      expect((await byWords(store, words)).sort()).toEqual(['d_a.0', 'd_a.1']);
    });
  });

  describe('finding chunks by vector', () => {
    test('gives the nearest first, with the cosine', async () => {
      const { store } = subject;
      const cosines = [0.1, 0.9, -0.5, 0.5, 0.99, 0, -1, 0.7];
      await added(store, 'a', { texts: cosines.map((cosine) => `at ${cosine}`) });
      await embedded(
        store,
        idOfDocument('a'),
        cosines.map((cosine) => leaning(cosine)),
      );
      const query = { seenBy: ann.id, space: SPACE, vector: axis(0) };
      const found = granted(await store.documents.byVector({ ...query, limit: 100 }));
      expect(namesOf(found)).toEqual([4, 1, 7, 3, 0, 5, 2, 6].map((index) => `d_a.${index}`));
      for (const { chunk, score } of found)
        expect(Math.abs(score - (cosines[chunk.index] ?? 9))).toBeLessThan(1e-3);
      const best = granted(await store.documents.byVector({ ...query, limit: 3 }));
      expect(namesOf(best)).toEqual(['d_a.4', 'd_a.1', 'd_a.7']);
    });

    test('gives true cosines, best first, whatever the vectors', async () => {
      const { store } = subject;
      const random = new Random(7);
      const vectors = Array.from({ length: 40 }, () => randomUnit(random));
      for (let at = 0; at < 40; at += 10) {
        await added(store, `${at}`, { texts: Array.from({ length: 10 }, (_, i) => `t${i}`) });
        await embedded(store, idOfDocument(`${at}`), vectors.slice(at, at + 10));
      }
      const wanted = randomUnit(random);
      const query = { seenBy: ann.id, space: SPACE, vector: wanted, limit: 10 };
      const found = granted(await store.documents.byVector(query));
      expect(found).toHaveLength(10);
      const scores = found.map(({ score }) => score);
      expect(scores).toEqual([...scores].sort((a, b) => b - a));
      const truth = (index: number) =>
        (vectors[index] ?? wanted).reduce((sum, x, at) => sum + x * (wanted[at] ?? 0), 0);
      for (const { document, chunk, score } of found) {
        const index = Number(document.id.slice(2)) + chunk.index;
        expect(Math.abs(score - truth(index))).toBeLessThan(1e-3);
      }
      const best = Math.max(...vectors.map((_, index) => truth(index)));
      expect(Math.abs((scores[0] ?? 9) - best)).toBeLessThan(1e-3);
    });

    test('vectors of another space do not mix in', async () => {
      const { store } = subject;
      for (const name of ['both', 'one', 'other']) await added(store, name);
      await embedded(store, idOfDocument('both'), [axis(0)]);
      await embedded(store, idOfDocument('one'), [axis(1)]);
      await embedded(store, idOfDocument('both'), [axis(2, OTHER)]);
      await embedded(store, idOfDocument('other'), [axis(1, OTHER)]);
      expect(await byVector(store, axis(0))).toEqual(['d_both.0', 'd_one.0']);
      expect(await byVector(store, axis(1, OTHER), { space: OTHER })).toEqual([
        'd_other.0',
        'd_both.0',
      ]);
      const names = async (name: string) =>
        granted(await store.documents.read(idOfDocument(name)))?.spaces;
      expect([...((await names('both')) ?? [])].sort()).toEqual([SPACE.name, OTHER.name]);
      expect(await names('other')).toEqual([OTHER.name]);
    });

    test('a space that is not there finds nothing', async () => {
      const { store } = subject;
      await added(store, 'a');
      expect(await byVector(store, axis(0))).toEqual([]);
      await embedded(store, idOfDocument('a'), [axis(0)]);
      expect(await byVector(store, axis(0, OTHER), { space: OTHER })).toEqual([]);
    });

    test('vectors given again replace those before', async () => {
      const { store } = subject;
      await added(store, 'a', { texts: ['one', 'two'] });
      await embedded(store, idOfDocument('a'), [axis(0), axis(1)]);
      await embedded(store, idOfDocument('a'), [axis(1), axis(0)]);
      expect(await byVector(store, axis(0))).toEqual(['d_a.1', 'd_a.0']);
    });

    test('are not stored for a document, or in a space, that is gone', async () => {
      const { store } = subject;
      await added(store, 'a');
      const put = async (name: string, space = SPACE) =>
        granted(await store.documents.putVectors(space, idOfDocument(name), [axis(0, space)]));
      expect(await put('a')).toBe(false);
      granted(await store.spaces.add(SPACE));
      expect(await put('b')).toBe(false);
      expect(await put('a', OTHER)).toBe(false);
      expect(await put('a')).toBe(true);
      granted(await store.documents.remove(idOfDocument('a')));
      expect(await put('a')).toBe(false);
      expect(await byVector(store, axis(0))).toEqual([]);
    });

    test('rejects vectors that are too few, too many, or of another length: a bug of the caller', async () => {
      const { store } = subject;
      await added(store, 'a', { texts: ['one', 'two'] });
      granted(await store.spaces.add(SPACE));
      for (const vectors of [[axis(0)], [axis(0), axis(1), axis(2)], [axis(0), axis(0, OTHER)]])
        await expect(
          store.documents.putVectors(SPACE, idOfDocument('a'), vectors),
        ).rejects.toThrow();
      expect(await byVector(store, axis(0))).toEqual([]);
      expect(granted(await store.documents.read(idOfDocument('a')))?.spaces).toEqual([]);
    });
  });
}

function randomUnit(random: Random): Float32Array {
  const raw = Array.from({ length: SPACE.dimensions }, () => random.next() - 0.5);
  const length = Math.hypot(...raw);
  return Float32Array.from(raw, (x) => x / length);
}
