import { describe, expect, it } from 'vitest';
import { type Budget, better, byCommand, judge } from '../../perf/budgets/budget.ts';
import { numberIn, tablesIn } from '../../perf/budgets/markdown-table.ts';

const PRINTED = `
**two tables** and what is said between them

| | rate | cost µs |
| --- | --- | --- |
| bare | 6.3k (5.8k–6.4k) | 2.0 |
| ours \`FULL\` | 1.90M | 3.0 |

| share of the main thread | closed loop |
| --- | --- |
| statechart | 2.9 % |
`;

const budget: Budget = {
  name: 'cost',
  bench: ['some', '--short'],
  row: 'ours',
  column: 'cost µs',
  atMost: 4,
  was: 3,
};

function verdictOn(changes: Partial<Budget>) {
  return judge([{ ...budget, ...changes }], PRINTED)[0];
}

describe('a budget', () => {
  it('is kept up to its bound, and not beyond', () => {
    expect(verdictOn({ atMost: 3 })).toMatchObject({ figure: 3, isKept: true });
    expect(verdictOn({ atMost: 2.9 })).toMatchObject({ isKept: false });
    expect(verdictOn({ column: 'rate', atMost: 2e6, atLeast: 2e6 })?.isKept).toBe(false);
  });

  it('looks at the first row where it names none, and at any table', () => {
    expect(verdictOn({ row: '' })?.figure).toBe(2);
    expect(verdictOn({ row: 'statechart', column: 'closed loop' })?.figure).toBe(2.9);
  });

  it('divides by another column of the row', () => {
    expect(verdictOn({ column: 'rate', over: 'cost µs' })?.figure).toBeCloseTo(1.9e6 / 3);
  });

  it('is not kept when there is no figure', () => {
    for (const gone of [{ row: 'theirs' }, { column: 'age' }, { over: 'age' }]) {
      expect(verdictOn(gone)).toMatchObject({ figure: Number.NaN, isKept: false });
    }
    expect(judge([budget], '')[0]?.isKept).toBe(false);
  });

  it('is kept when it was in any of its runs', () => {
    const [kept] = judge([budget], PRINTED);
    const [broken] = judge([{ ...budget, atMost: 1 }], PRINTED);
    if (kept === undefined || broken === undefined) throw new Error('no verdicts');
    expect(better(broken, kept)).toBe(kept);
    expect(better(kept, broken)).toBe(kept);
    expect(better(broken, broken).isKept).toBe(false);
    expect(better(broken, undefined)).toBe(broken);
  });

  it('shares a run with the others of its command', () => {
    const other = { ...budget, name: 'other', bench: ['some'] };
    const commands = byCommand([budget, other, { ...budget, name: 'rate' }]);
    expect([...commands.keys()]).toEqual(['some --short', 'some']);
    expect(commands.get('some --short')?.map(({ name }) => name)).toEqual(['cost', 'rate']);
  });
});

describe('a table', () => {
  it('is read by the names of its columns', () => {
    const [first] = tablesIn(PRINTED);
    expect(first && [...first]).toEqual([
      ['', 'bare'],
      ['rate', '6.3k (5.8k–6.4k)'],
      ['cost µs', '2.0'],
    ]);
    expect(tablesIn(PRINTED)).toHaveLength(3);
    expect(tablesIn('| no | table |')).toEqual([]);
  });

  it.each([
    ['0.89 (0.87–0.93)', 0.89],
    ['6.3k', 6_300],
    ['1.90M (1M–2M)', 1_900_000],
    ['1,591', 1_591],
    ['2.9 %', 2.9],
    ['not had a core', Number.NaN],
    ['', Number.NaN],
  ])('has the number of %j', (cell, number) => {
    expect(numberIn(cell)).toBe(number);
  });
});
