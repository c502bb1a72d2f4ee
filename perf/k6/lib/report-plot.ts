import { type Curve, type Plot, shortNumber } from './report.ts';

const WIDTH = 640;
const HEIGHT = 180;
const LEFT = 56;
const RIGHT = 10;
const TOP = 10;
const BOTTOM = 22;
/** More points than pixels are joined, by their greatest: a peak stays a peak. */
const MOST_POINTS = 560;

/** A plot over seconds as inline SVG; its colours are classes of the page. */
export function plotSvg({ unit, curves }: Plot): string {
  const seconds = Math.max(...curves.map(({ values }) => values.length), 2);
  const top = niceTop(
    Math.max(...curves.flatMap(({ values }) => values.map((value) => value ?? 0)), 0),
  );
  const x = (second: number) => LEFT + (second / (seconds - 1)) * (WIDTH - LEFT - RIGHT);
  const y = (value: number) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM);
  const lines = [0, 0.5, 1].map((part) => {
    const at = y(part * top).toFixed(1);
    const label = shortNumber(part * top);
    return `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}"/><text x="${LEFT - 6}" y="${at}" dy="4" text-anchor="end">${label}</text>`;
  });
  const times = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const second = Math.round(part * (seconds - 1));
    const anchor = part === 1 ? 'end' : part === 0 ? 'start' : 'middle';
    return `<text x="${x(second).toFixed(1)}" y="${HEIGHT - 6}" text-anchor="${anchor}">${second} s</text>`;
  });
  const paths = curves.map((curve, index) => {
    const { line, dots } = pathOf(joined(curve), { x, y });
    return `${drawn(`c${index}`, line)}${drawn(`c${index} dots`, dots)}`;
  });
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${unit}">${lines.join('')}${times.join('')}${paths.join('')}</svg>`;
}

interface Point {
  readonly second: number;
  readonly value: number | null;
}

function joined({ values }: Curve): Point[] {
  const step = Math.max(Math.ceil(values.length / MOST_POINTS), 1);
  const points: Point[] = [];
  for (let second = 0; second < values.length; second += step) {
    const known = values.slice(second, second + step).filter((value) => value !== null);
    points.push({ second, value: known.length === 0 ? null : Math.max(...known) });
  }
  return points;
}

interface Scale {
  readonly x: (second: number) => number;
  readonly y: (value: number) => number;
}

function drawn(classes: string, d: string): string {
  return d === '' ? '' : `<path class="${classes}" d="${d}"/>`;
}

/** Seconds without a value part the line; a value alone is a dot. */
function pathOf(points: readonly Point[], { x, y }: Scale): { line: string; dots: string } {
  let [line, dots] = ['', ''];
  const has = (index: number) => typeof points[index]?.value === 'number';
  for (const [index, { second, value }] of points.entries()) {
    if (value === null) continue;
    const at = `${x(second).toFixed(1)} ${y(value).toFixed(1)}`;
    if (has(index - 1)) line += `L${at}`;
    else if (has(index + 1)) line += `M${at}`;
    else dots += `M${at}h0.01`;
  }
  return { line, dots };
}

/** The least of 1, 2, 2.5, 5 times a power of ten that is not below. */
export function niceTop(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 2.5, 5, 10].map((step) => step * power).find((step) => step >= value) ?? value;
}
