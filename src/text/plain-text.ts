/** Cutting text and flattening it, wherever it goes: a quote, a snippet, a line of the log. */

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
