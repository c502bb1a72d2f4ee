import {
  countRows,
  failuresOf,
  figuresLine,
  type Report,
  type Row,
  TIME_COLUMNS,
  timeRows,
  titleOf,
} from './report.ts';

/** The report for a terminal. */
export function reportText(report: Report): string {
  const failures = failuresOf(report);
  return [
    '',
    `${titleOf(report)}: ${failures.length === 0 ? 'passed' : 'FAILED'}`,
    ...failures.map((failure) => `  ! ${failure}`),
    '',
    ...table(['milliseconds', ...TIME_COLUMNS], timeRows(report.metrics)),
    '',
    ...table(['', 'count', 'a second'], countRows(report.metrics)),
    '',
    ...report.facts.map(([name, value]) => `  ${name}: ${value}`),
    `  ${figuresLine(report)}`,
    '',
  ].join('\n');
}

function table(head: readonly string[], rows: readonly Row[]): string[] {
  const lines = [head, ...rows.map(({ name, cells }) => [name, ...cells])];
  const widths = head.map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  return lines.map((line) => {
    const cells = line.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
    return `  ${cells.join('  ')}`;
  });
}
