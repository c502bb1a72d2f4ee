import { describe, expect, test } from 'vitest';
import { Recent } from '../../storage/sqlite/recent.ts';

const filled = (count: number, recent: Recent<number, number>) => {
  for (let key = 0; key < count; key += 1) recent.set(key, 1);
  return recent;
};
const keptOf = (recent: Recent<number, number>, count: number) =>
  Array.from({ length: count }, (_, key) => key).filter((key) => recent.get(key) !== undefined);

describe('what was used lately', () => {
  test('is kept, and never more of it than fits', () => {
    const recent = filled(1_000, new Recent<number, number>(100, () => 1));
    let kept = 0;
    for (let key = 999; recent.get(key) !== undefined; key -= 1) kept += 1;
    expect(kept).toBeGreaterThanOrEqual(50);
    expect(kept).toBeLessThanOrEqual(101);
  });

  test('stays as long as it is used', () => {
    const recent = new Recent<number, number>(100, () => 1);
    recent.set(-1, 7);
    for (let key = 0; key < 1_000; key += 1) {
      recent.set(key, 1);
      if (key % 20 === 0) expect(recent.get(-1)).toBe(7);
    }
    filled(200, recent);
    expect(recent.get(-1)).toBeUndefined();
  });

  test('counts by what each weighs, also what grew or went', () => {
    const recent = new Recent<number, number>(100, (weight) => weight);
    recent.set(1, 40);
    recent.delete(1);
    recent.set(2, 30);
    recent.set(2, 40);
    expect(keptOf(recent, 3)).toEqual([2]);
    recent.set(3, 20);
    recent.set(4, 1);
    expect(keptOf(recent, 5)).toEqual([2, 3, 4]);
    recent.delete(2);
    expect(recent.get(2)).toBeUndefined();
    recent.clear();
    expect(keptOf(recent, 5)).toEqual([]);
  });
});
