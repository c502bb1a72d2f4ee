import { countTokens as countSlice, setMergeCacheSize } from 'gpt-tokenizer/encoding/o200k_base';
import { LRUCache } from 'lru-cache';

/**
 * Tokens as OpenAI's models count them (`o200k_base`); others are within some tens of percent. Loading it takes a
 * quarter of a second and 60 MB, so it is imported only where there is a model.
 */

/** UTF-16 units that are counted at once: the tokenizer is quadratic on hostile text, and cuts cost 0.3 % on English. */
const SLICE = 1_024;
/** What looks like a token of the model's own is text like any other: it is people who wrote it. */
const AS_TEXT = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() };
/** Characters of texts whose counts are remembered: a conversation's messages are counted for each of its turns. */
const REMEMBERED_CHARS = 4_000_000;

setMergeCacheSize(10_000);
const counts = new LRUCache<string, number>({
  maxSize: REMEMBERED_CHARS,
  sizeCalculation: (_, text) => text.length + 16,
});

/** Linear: 0.3 µs a character of English at first, and up to 8 of others; then remembered. */
export function countTokens(text: string): number {
  if (text.length <= 64) return countSlice(text, AS_TEXT);
  const known = counts.get(text);
  if (known !== undefined) return known;
  let tokens = 0;
  for (const slice of slices(text)) tokens += countSlice(slice, AS_TEXT);
  counts.set(text, tokens);
  return tokens;
}

/** The text has surely no more tokens than that: each is a byte of UTF-8 or more. Counts nothing. */
export function fitsIn(text: string, tokens: number): boolean {
  return Buffer.byteLength(text) <= tokens;
}

/** The beginning of a text that has so many tokens at most, and no half of a character at its end. */
export function cutToTokens(text: string, tokens: number): string {
  let left = tokens;
  let end = 0;
  for (const slice of slices(text)) {
    const count = countSlice(slice, AS_TEXT);
    if (count > left) return text.slice(0, end + fitting(slice, left));
    left -= count;
    end += slice.length;
  }
  return text;
}

function* slices(text: string): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const end = beforeHalf(text, Math.min(at + SLICE, text.length));
    yield text.slice(at, end);
    at = end;
  }
}

/** How many units of a slice have so many tokens at most: halves what is left to look at, ten times. */
function fitting(slice: string, tokens: number): number {
  let [least, most] = [0, slice.length];
  while (least < most) {
    const middle = Math.ceil((least + most) / 2);
    if (countSlice(slice.slice(0, middle), AS_TEXT) <= tokens) least = middle;
    else most = middle - 1;
  }
  return beforeHalf(slice, least);
}

function beforeHalf(text: string, at: number): number {
  const isHalf = at < text.length && /[\uD800-\uDBFF]/.test(text.charAt(at - 1));
  return isHalf && at > 1 ? at - 1 : at;
}
