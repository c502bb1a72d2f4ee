import { describe, expect, test } from 'vitest';
import { innerProduct, unitOf } from '../../storage/nearest.ts';
import { Sketched, sketchChars, sketchOf } from '../../storage/postgres/sketch.ts';
import { Random } from '../support/random.ts';

const DIMENSIONS = 37;

function randomVector(random: Random, spread: number): Float32Array {
  return Float32Array.from({ length: DIMENSIONS }, () =>
    random.next() < 0.5 ? 0 : (random.next() - 0.5) * spread ** (10 * random.next()),
  );
}

function nearestSeqs(vectors: readonly Float32Array[], wanted: Float32Array, limit: number) {
  return vectors
    .map((vector, seq) => ({ seq, score: innerProduct(vector, wanted) }))
    .sort((a, b) => b.score - a.score)
    .slice(0, limit)
    .map(({ seq }) => seq);
}

describe('sketches of vectors', () => {
  test('are of plain characters, none of them NUL, as many as the dimensions say', () => {
    const random = new Random(3);
    for (let round = 0; round < 50; round += 1) {
      const sketch = sketchOf(unitOf(randomVector(random, 4)));
      expect(sketch).toHaveLength(sketchChars(DIMENSIONS));
      expect(sketch.every((byte) => byte > 0 && byte < 128)).toBe(true);
    }
  });

  test.for([1, 2, 8])(
    'keep the nearest among the possible ones, whatever is offered when (%i)',
    (spread) => {
      for (let seed = 1; seed <= 4; seed += 1) {
        const random = new Random(seed);
        const wanted = unitOf(randomVector(random, spread));
        const vectors = Array.from({ length: 1_000 }, () => unitOf(randomVector(random, spread)));
        vectors.push(
          wanted,
          wanted.map((x) => -x),
          new Float32Array(DIMENSIONS),
        );
        const sketched = new Sketched(wanted, 10);
        for (let at = 0; at < vectors.length; at += 100) {
          const seqs = vectors.slice(at, at + 100).map((_, index) => at + index);
          const sketches = seqs.map((seq) => sketchOf(vectors[seq] ?? wanted));
          sketched.offer(Buffer.concat(sketches), seqs, seqs);
        }
        const possible = sketched.possible.map(({ second }) => second);
        expect(possible).toEqual(expect.arrayContaining(nearestSeqs(vectors, wanted, 10)));
        expect(possible.length).toBeLessThan(vectors.length / 4);
      }
    },
  );

  test('say how near a vector can be at most: never less than it is', () => {
    const random = new Random(5);
    for (let round = 0; round < 500; round += 1) {
      const [wanted, vector] = [unitOf(randomVector(random, 8)), unitOf(randomVector(random, 8))];
      const sketched = new Sketched(wanted, 1);
      sketched.offer(sketchOf(vector), [1], [1]);
      const [bounded] = sketched.possible;
      expect(bounded?.most).toBeGreaterThanOrEqual(innerProduct(wanted, vector));
    }
  });
});
