import { convert, type DomNode, type HtmlToTextOptions } from 'html-to-text';
import { ok } from '../../domain/result.ts';
import { decoded, type TextOf, unreadable } from './text-format.ts';

/** Elements inside elements, beyond which nothing is read: browsers stop at 512, too. */
const MAX_DEPTH = 512;
/** Elements that may be open at once: what is deeper costs the parser the square of it. */
const MAX_OPEN = 10_000;
const TAG = /<(\/?)([a-z][a-z0-9-]*)/gi;
/** What never has an end, or may leave it out. */
const ENDLESS = new Set(
  'area base br col embed hr img input link meta source track wbr p li dt dd tr td th thead tbody tfoot option optgroup rt rp colgroup'.split(
    ' ',
  ),
);

/** What has no words for a reader. */
const WORDLESS = ['script', 'style', 'noscript', 'template', 'img', 'svg', 'head'];
const HEADINGS = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'];

const OPTIONS: HtmlToTextOptions = {
  wordwrap: false,
  limits: { maxDepth: MAX_DEPTH, maxInputLength: Number.MAX_SAFE_INTEGER },
  formatters: {
    cell: (cell, walk, builder) => {
      if (hasCellBefore(cell)) builder.addInline(' | ');
      walk(cell.children ?? [], builder);
    },
  },
  selectors: [
    ...WORDLESS.map((selector) => ({ selector, format: 'skip' })),
    ...HEADINGS.map((selector) => ({ selector, options: { uppercase: false } })),
    { selector: 'a', options: { ignoreHref: true } },
    // A line a row: laying a table out in columns takes a minute for a large one.
    { selector: 'table', format: 'block' },
    { selector: 'tr', format: 'block', options: { leadingLineBreaks: 1, trailingLineBreaks: 1 } },
    { selector: 'td', format: 'cell' },
    { selector: 'th', format: 'cell' },
  ],
};

/** Asked for each cell of a row: looking through the row each time is the square of it. */
const firstCells = new WeakMap<DomNode, DomNode | undefined>();

/** The words of a page: headings on lines of their own, links as their text, a line for each row of a table. */
export const htmlText: TextOf = (bytes) => {
  const html = decoded(bytes);
  if (!html.ok) return html;
  if (isTooDeep(html.value)) return unreadable('The HTML is nested too deep.');
  try {
    return ok(convert(html.value, OPTIONS));
  } catch (error) {
    // What is nested deeper than the stack of the parser is.
    if (error instanceof RangeError) return unreadable('The HTML is nested too deep.');
    throw error;
  }
};

/** By counting tags, roughly: one look at the text, where the parser would take hours. */
function isTooDeep(html: string): boolean {
  let open = 0;
  for (const [, end, name = ''] of html.matchAll(TAG)) {
    if (ENDLESS.has(name.toLowerCase())) continue;
    open = Math.max(0, open + (end === '/' ? -1 : 1));
    if (open > MAX_OPEN) return true;
  }
  return false;
}

function hasCellBefore(cell: DomNode): boolean {
  const row = cell.parent;
  if (row === null || row === undefined) return false;
  if (!firstCells.has(row))
    firstCells.set(
      row,
      row.children?.find(({ name }) => name === 'td' || name === 'th'),
    );
  return firstCells.get(row) !== cell;
}
