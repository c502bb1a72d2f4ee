import { cellOf, numberIn, type Row, tablesIn } from './markdown-table.ts';

/** One row of perf/budgets.json: a figure of a short run of a benchmark, and its bound. */
export interface Budget {
  readonly name: string;
  /** The command, without `npm run bench --`. */
  readonly bench: readonly string[];
  /** What the first cell of the figure's row begins with; nothing for the first row. */
  readonly row: string;
  readonly column: string;
  /** The column that the figure is divided by: both are of one run, so the machine's mood is in both. */
  readonly over?: string;
  readonly atLeast?: number;
  readonly atMost?: number;
  /** What it was when the bound was set, a factor of 1.5 or more away from it. */
  readonly was: number;
}

export interface Verdict {
  readonly budget: Budget;
  /** NaN when the benchmark did not give it. */
  readonly figure: number;
  readonly isKept: boolean;
}

/** Holds what a benchmark printed against the budgets that look at it. */
export function judge(budgets: readonly Budget[], printed: string): readonly Verdict[] {
  const rows = tablesIn(printed);
  return budgets.map((budget) => {
    const figure = figureOf(budget, rows);
    return { budget, figure, isKept: isKept(budget, figure) };
  });
}

/** Benchmarks in the order of their first budget, each with its own. */
export function byCommand(budgets: readonly Budget[]): ReadonlyMap<string, readonly Budget[]> {
  const commands = new Map<string, Budget[]>();
  for (const budget of budgets) {
    const command = budget.bench.join(' ');
    const others = commands.get(command);
    if (others === undefined) commands.set(command, [budget]);
    else others.push(budget);
  }
  return commands;
}

/** Of two runs the better one: a busy machine makes figures worse, and none better. */
export function better(first: Verdict, second: Verdict | undefined): Verdict {
  return second === undefined || first.isKept ? first : second;
}

function figureOf({ row, column, over }: Budget, rows: readonly Row[]): number {
  const found = rows.find((cells) => cells.has(column) && firstOf(cells).startsWith(row));
  if (found === undefined) return Number.NaN;
  const figure = numberIn(cellOf(found, column));
  return over === undefined ? figure : figure / numberIn(cellOf(found, over));
}

function firstOf(row: Row): string {
  return row.values().next().value ?? '';
}

/** What is no number is no proof that the bound is kept. */
function isKept(
  { atLeast = 0, atMost = Number.POSITIVE_INFINITY }: Budget,
  figure: number,
): boolean {
  return figure >= atLeast && figure <= atMost;
}
