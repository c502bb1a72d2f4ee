import { expect, it } from 'vitest';
import { fuse } from '../../src/search/fusion.ts';

const options = { keyOf: (item: string) => item, limit: 10 };
const order = (...rankings: (readonly string[])[]) =>
  fuse(
    rankings.map((items) => ({ items })),
    options,
  ).map(({ item }) => item);

it('puts first what several rankings have, before what one has at the same place', () => {
  expect(order(['a', 'b', 'c'], ['b', 'd'])).toEqual(['b', 'a', 'd', 'c']);
});

it('scores by place alone: the sum of 1 / (60 + place)', () => {
  const [best, second] = fuse([{ items: ['a', 'b'] }, { items: ['b'] }], options);
  expect(best).toEqual({ item: 'b', score: 1 / 62 + 1 / 61 });
  expect(second).toEqual({ item: 'a', score: 1 / 61 });
});

it('breaks ties by the better best place, then by whose ranking was given first', () => {
  expect(order(['a'], ['b'])).toEqual(['a', 'b']);
  expect(order(['b'], ['a'])).toEqual(['b', 'a']);
  // 1 and 3 in two rankings against 2 and 2 is no tie; equal places in other rankings are.
  expect(order(['a', 'x', 'b'], ['b', 'y', 'a'])).toEqual(['a', 'b', 'x', 'y']);
});

it('counts a ranking by its weight', () => {
  const fused = fuse([{ items: ['a'] }, { items: ['b'], weight: 2 }], options);
  expect(fused.map(({ item }) => item)).toEqual(['b', 'a']);
});

it('gives one ranking as it is, nothing for none, and never more than the limit', () => {
  expect(order(['c', 'a', 'b'])).toEqual(['c', 'a', 'b']);
  expect(order()).toEqual([]);
  expect(fuse([{ items: ['a', 'b', 'c'] }], { ...options, limit: 2 })).toHaveLength(2);
});
