import { cut, oneLine, shorten } from '../../../text/plain-text.ts';

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
};

/** Characters that are looked at: a snippet is short, and a tag is not longer than this. */
const READ_CHARS = 5_000;

/** A snippet of a page as one line of text: no tags, no entities, `chars` long at most. */
export function plainOfHtml(html: string, chars: number): string {
  const plain = cut(html, READ_CHARS)
    .replace(/<(script|style)\b[^>]*>.*?<\/\1\s*>/gisu, ' ')
    .replace(/<\/?[a-z!][^<>]*>/giu, ' ')
    .replace(/&(#\d{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,6});/giu, (all, entity: string) =>
      entity.startsWith('#') ? characterOf(entity) : (ENTITIES[entity.toLowerCase()] ?? all),
    );
  return shorten(oneLine(plain), chars);
}

function characterOf(entity: string): string {
  const isHex = /^#x/iu.test(entity);
  const code = isHex ? Number.parseInt(entity.slice(2), 16) : Number(entity.slice(1));
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : ' ';
}
