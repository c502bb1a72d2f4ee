import type { Plot } from '../k6/lib/report.ts';
import { plotSvg } from '../k6/lib/report-plot.ts';

/** Those that a page of documentation shows of a run, where there are, in this order. */
const SHOWN = [
  'Messages',
  'Turns',
  'REST calls',
  'Send to delivery',
  'Send to first token',
  'Connect to live',
  'Reconnect to live',
  'Refusals',
  'CPU',
  'Event-loop lag of the server',
  'Heap of the server',
];
const MOST = 8;
const COLUMNS = 2;
const WIDTH = 640;
const HEIGHT = 210;
/** Of a cell, what the title takes. */
const TITLE = 26;

/** The plots of a run as one image, for pages that show images and no page. Titles are the runner's own text. */
export function plotSheet(plots: readonly Plot[]): string {
  const shown = SHOWN.flatMap((title) => plots.filter((plot) => plot.title === title));
  const cells = shown.slice(0, MOST).map((plot, index) => {
    const x = (index % COLUMNS) * WIDTH;
    const y = Math.floor(index / COLUMNS) * HEIGHT;
    const names = plot.curves.map(
      ({ name }, curve) => `<tspan class="n${curve}" dx="10">${name}</tspan>`,
    );
    const title = `<text x="56" y="18"><tspan class="t">${plot.title}</tspan>, ${plot.unit}${names.join('')}</text>`;
    const svg = plotSvg(plot).replace('<svg ', `<svg y="${TITLE}" width="${WIDTH}" height="180" `);
    return `<g transform="translate(${x} ${y})">${title}${svg}</g>`;
  });
  const height = Math.ceil(cells.length / COLUMNS) * HEIGHT;
  const size = `width="${WIDTH * COLUMNS}" height="${height}" viewBox="0 0 ${WIDTH * COLUMNS} ${height}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size}><title>The main plots of a run</title><style>${STYLE}</style><rect width="100%" height="100%" fill="#fff"/>${cells.join('')}</svg>\n`;
}

const COLOURS = ['#2563eb', '#d97706', '#0f9d6b', '#b02a8f', '#6b7280'];
const STYLE = [
  'text{font:13px system-ui,sans-serif;fill:#68738a}svg svg text{font-size:11px}.t{font-weight:600;fill:#1d2430}',
  '.grid{stroke:#dfe3ea}path{fill:none;stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round}path.dots{stroke-width:4}',
  ...COLOURS.map((colour, index) => `path.c${index}{stroke:${colour}}.n${index}{fill:${colour}}`),
].join('');
