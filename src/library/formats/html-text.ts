import { convert, type HtmlToTextOptions } from 'html-to-text';
import { ok } from '../../domain/result.ts';
import { decoded, type TextOf, unreadable } from './text-format.ts';

/** Elements inside elements, beyond which nothing is read: browsers stop at 512, too. */
const MAX_DEPTH = 512;
/** What has no words for a reader. */
const WORDLESS = ['script', 'style', 'noscript', 'template', 'img', 'svg', 'head'];
const HEADINGS = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'];

const OPTIONS: HtmlToTextOptions = {
  wordwrap: false,
  limits: { maxDepth: MAX_DEPTH, maxInputLength: Number.MAX_SAFE_INTEGER },
  selectors: [
    ...WORDLESS.map((selector) => ({ selector, format: 'skip' })),
    ...HEADINGS.map((selector) => ({ selector, options: { uppercase: false } })),
    { selector: 'a', options: { ignoreHref: true } },
    { selector: 'table', format: 'dataTable', options: { uppercaseHeaderCells: false } },
  ],
};

/** The words of a page: headings on lines of their own, links as their text. */
export const htmlText: TextOf = (bytes) => {
  const html = decoded(bytes);
  if (!html.ok) return html;
  try {
    return ok(convert(html.value, OPTIONS));
  } catch (error) {
    // What is nested deeper than the stack of the parser is.
    if (error instanceof RangeError) return unreadable('The HTML is nested too deep.');
    throw error;
  }
};
