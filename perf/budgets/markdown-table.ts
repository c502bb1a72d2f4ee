/** Cells by the name of their column, in their order. */
export type Row = ReadonlyMap<string, string>;

const RULE = /^\|( *:?-+:? *\|)+$/;
const THOUSANDS: Readonly<Record<string, number>> = { k: 1e3, M: 1e6 };

/** The rows of all Markdown tables in a text. */
export function tablesIn(text: string): readonly Row[] {
  const lines = text.split('\n').map((line) => line.trim());
  const rows: Row[] = [];
  let head: readonly string[] | undefined;
  for (const [at, line] of lines.entries()) {
    if (!line.startsWith('|')) head = undefined;
    else if (RULE.test(line)) head = cellsOf(lines[at - 1] ?? '');
    else if (head !== undefined) {
      const cells = cellsOf(line);
      rows.push(new Map(head.map((name, column) => [name, cells[column] ?? ''])));
    }
  }
  return rows;
}

export function cellOf(row: Row, column: string): string {
  return row.get(column) ?? '';
}

/** `0.89 (0.87–0.93)` is 0.89, `6.3k` 6,300, `1,591` 1,591, `2.9 %` 2.9; what begins with no number is NaN. */
export function numberIn(cell: string): number {
  const found = /^(-?[\d,]*\.?\d+)([kM])?/.exec(cell);
  if (found === null) return Number.NaN;
  return Number(found[1]?.replaceAll(',', '')) * (THOUSANDS[found[2] ?? ''] ?? 1);
}

function cellsOf(line: string): readonly string[] {
  return line
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());
}
