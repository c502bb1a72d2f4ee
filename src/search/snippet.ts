/**
 * The part of a text that shows why it was found. Its input is what people wrote: nothing in it can become markup,
 * turn the direction of what stands around it, or cost more than linear time.
 */
import { cut, oneLine } from '../text/plain-text.ts';
import { isSpaceless, type PlacedWord, placedWordsOf, termsOf } from '../text/terms.ts';

/** Characters of the text that a snippet shows at most; marks, escapes and … come on top. */
const SNIPPET_CHARS = 240;
/** Characters of a text that are looked through. */
const MAX_CHARS = 20_000;
/** A cut is moved so far at most to fall between two words. */
const WORD_SLACK = 32;
/** One visible character may be so long (a family of emoji has 11); a longer pile of marks is cut. */
const MAX_GRAPHEME = 64;

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** A stretch of the text, `start … end - 1`. */
interface Span {
  readonly start: number;
  readonly end: number;
}

/** A stretch that has one of the terms. */
interface Hit extends Span {
  readonly term: string;
}

/**
 * The stretch of the text with the most different terms (as `termsOf` makes them), on one line, HTML-escaped, the
 * words that gave them inside `<mark>` and `</mark>`, `…` where something is left out; the beginning when none is there.
 */
export function snippetOf(text: string, terms: ReadonlySet<string>): string {
  const line = oneLine(cut(text, MAX_CHARS).toWellFormed());
  const hits = hitsOf(line, terms);
  const window = around(line, densest(hits));
  const isWhole = window.end === line.length && text.length <= MAX_CHARS;
  return `${window.start > 0 ? '…' : ''}${marked(line, window, hits)}${isWhole ? '' : '…'}`;
}

/** Whether the text has any of the terms. Linear; stops at the first. */
export function hasTerm(text: string, terms: ReadonlySet<string>): boolean {
  return termsOf(text).some((term) => terms.has(term));
}

function hitsOf(line: string, terms: ReadonlySet<string>): readonly Hit[] {
  if (terms.size === 0) return [];
  const known = new Map<string, string | undefined>();
  const hits: Hit[] = [];
  for (const placed of placedWordsOf(line)) {
    if (isSpaceless(placed.word)) {
      hits.push(...hitsInRun(placed, terms));
      continue;
    }
    if (!known.has(placed.word))
      known.set(
        placed.word,
        termsOf(placed.word).find((term) => terms.has(term)),
      );
    const term = known.get(placed.word);
    if (term !== undefined) hits.push({ start: placed.start, end: placed.end, term });
  }
  return hits;
}

/** The pairs of a spaceless run that are terms; all of it when folding changed how many characters it has. */
function hitsInRun({ start, end, word }: PlacedWord, terms: ReadonlySet<string>): readonly Hit[] {
  const found = termsOf(word);
  const characters = [...word];
  if (found.length !== Math.max(characters.length - 1, 1)) {
    const term = found.find((each) => terms.has(each));
    return term === undefined ? [] : [{ start, end, term }];
  }
  const hits: Hit[] = [];
  let at = start;
  found.forEach((term, i) => {
    const [first = '', second = ''] = [characters[i], characters[i + 1]];
    if (terms.has(term)) hits.push({ start: at, end: at + first.length + second.length, term });
    at += first.length;
  });
  return hits;
}

/** The stretch of hits, no longer than a snippet, with the most different terms; then with the most hits; then the first. */
function densest(hits: readonly Hit[]): Span {
  let best: Span & { readonly worth: number } = { start: 0, end: 0, worth: 0 };
  const inside = new Map<string, number>();
  let first = 0;
  for (const [last, hit] of hits.entries()) {
    inside.set(hit.term, (inside.get(hit.term) ?? 0) + 1);
    let left = hits[first];
    while (left !== undefined && first < last && hit.end - left.start > SNIPPET_CHARS) {
      const count = inside.get(left.term) ?? 0;
      if (count > 1) inside.set(left.term, count - 1);
      else inside.delete(left.term);
      first += 1;
      left = hits[first];
    }
    const worth = inside.size * SNIPPET_CHARS + (last - first);
    if (left !== undefined && worth > best.worth) best = { start: left.start, end: hit.end, worth };
  }
  return best;
}

/** As much of the line around the span as a snippet shows, cut between words where there is a place near by. */
function around(line: string, { start, end }: Span): Span {
  if (line.length <= SNIPPET_CHARS) return { start: 0, end: line.length };
  const room = Math.max(0, SNIPPET_CHARS - (end - start));
  const from = Math.max(0, Math.min(start - Math.floor(room / 2), line.length - SNIPPET_CHARS));
  const first = cutAfter(line, from, start);
  return { start: first, end: cutBefore(line, Math.max(first, from + SNIPPET_CHARS), end) };
}

/** The first place at or after `at` to begin, before `most` if there is one. */
function cutAfter(line: string, at: number, most: number): number {
  if (at === 0) return 0;
  const space = line.indexOf(' ', at - 1);
  if (space >= 0 && space - at < WORD_SLACK && space + 1 <= Math.max(most, at)) return space + 1;
  const { index, segment } = graphemeAt(line, at);
  return index === at ? at : index + segment.length;
}

/** The last place at or before `at` to end, after `least` if there is one. */
function cutBefore(line: string, at: number, least: number): number {
  if (at >= line.length) return line.length;
  const space = line.lastIndexOf(' ', at);
  if (space >= least && at - space < WORD_SLACK) return space;
  return graphemeAt(line, at).index;
}

/** The visible character that has the unit at `at` in it. */
function graphemeAt(
  line: string,
  at: number,
): { readonly index: number; readonly segment: string } {
  const found = graphemes.segment(line).containing(at);
  if (found !== undefined && found.segment.length <= MAX_GRAPHEME) return found;
  const index = cut(line.slice(0, at + 1), at).length;
  return { index, segment: index === at ? '' : line.slice(index, at + 1) };
}

function marked(line: string, window: Span, hits: readonly Hit[]): string {
  let html = '';
  let at = window.start;
  for (const { start, end } of joined(hits, window)) {
    html += `${escaped(line.slice(at, start))}<mark>${escaped(line.slice(start, end))}</mark>`;
    at = end;
  }
  return html + escaped(line.slice(at, window.end));
}

/** The hits in the window, those that touch as one. */
function joined(hits: readonly Hit[], window: Span): readonly Span[] {
  const spans: { start: number; end: number }[] = [];
  for (const hit of hits) {
    const start = Math.max(hit.start, window.start);
    const end = Math.min(hit.end, window.end);
    if (start >= end) continue;
    const before = spans.at(-1);
    if (before !== undefined && start <= before.end) before.end = Math.max(before.end, end);
    else spans.push({ start, end });
  }
  return spans;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/gu, (character) => ESCAPES[character] ?? character);
}
