/** Pieces of text that the agents share: cutting, flattening, streaming in words. */

/** The first `chars` characters (UTF-16 units), never half of a pair. O(chars). */
export function cut(text: string, chars: number): string {
  if (text.length <= chars) return text;
  const last = text.charCodeAt(chars - 1);
  const splitsPair = last >= 0xd800 && last <= 0xdbff;
  return text.slice(0, Math.max(0, splitsPair ? chars - 1 : chars));
}

/** As `cut`, with `…` in place of what is gone; `chars` long at most. */
export function shorten(text: string, chars: number): string {
  return text.length <= chars ? text : `${cut(text, chars - 1).trimEnd()}…`;
}

/** One line of visible text: white space becomes one space; control, bidi and invisible characters go (joiners stay). */
export function oneLine(text: string): string {
  return text
    .replace(/[\s\u2028\u2029]+/gu, ' ')
    .replace(
      /[\p{Cc}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/gu,
      '',
    )
    .trim();
}

/** The text in pieces of one word and the space before it; their concatenation is the text. */
export function wordsOf(text: string): readonly string[] {
  return text.match(/\s*\S+|\s+$/gu) ?? [];
}

/** `text` without the `@mention` it begins with. */
export function withoutMention(text: string): string {
  return text.replace(/^\s*@[\p{L}\p{N}._~:-]+[,:]?\s*/u, '');
}
