/**
 * Content as it is stored: well-formed, without characters that control a terminal, reorder a line, or hide in it.
 *
 * Kept are the invisible characters that writing needs: joiners in scripts that join and between emoji, one variation
 * selector behind what it varies, the tags of the three flags that have them. What is normalised once stays as it is.
 * Not changed: case, composition (NFC or not), tabs, runs of spaces and of lines, which mean something in code.
 */

/** All of it may stand. Most messages: 0.09 µs for 128 characters. */
const PLAIN = /^[\t\n -~]*$/;

/** Looked at one by one. */
const SUSPECTS: readonly (readonly [from: number, to: number])[] = [
  [0x00, 0x08],
  [0x0b, 0x1f],
  [0x7f, 0xa0],
  [0xad, 0xad],
  [0x34f, 0x34f],
  [0x61c, 0x61c],
  [0x115f, 0x1160],
  [0x1680, 0x1680],
  [0x17b4, 0x17b5],
  [0x180e, 0x180e],
  [0x2000, 0x200f],
  [0x2028, 0x202f],
  [0x205f, 0x206f],
  [0x3164, 0x3164],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff9, 0xfffb],
  [0x1bca0, 0x1bca3],
  [0x1d173, 0x1d17a],
  [0xe0100, 0xe01ef],
];
/** A run of them is one: a flag is made of several. */
const TAGS = [0xe0000, 0xe007f] as const;
const SUSPECT = new RegExp(`${classOf([TAGS])}+|${classOf(SUSPECTS)}`, 'gu');

/** UTF-16 units with a suspect behind them, or half of one. A loop over a table beats the class five times. */
const HINTS = new Uint8Array(0x10000);
for (const [from, to] of [...SUSPECTS, [0xd800, 0xdfff] as const])
  if (to < 0x10000) HINTS.fill(1, from, to + 1);

const LINE_ENDS: ReadonlySet<string> = new Set(['\v', '\f', '\u0085', '\u2028', '\u2029']);
const SPACE = /^[\p{Zs}]$/u;
const SELECTOR = /^\p{Variation_Selector}$/u;
const SELECTOR_OF_IDEOGRAPH = 0xe0100;
const HAN = /\p{Script=Han}/u;
const PICTURE = /\p{Extended_Pictographic}/u;
const PICTURE_PART = /[\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Variation_Selector}]/u;
/** Scripts whose letters take another form beside a joiner (UAX #31, 2.3). */
const JOINING =
  /[\p{sc=Arab}\p{sc=Syrc}\p{sc=Mong}\p{sc=Nkoo}\p{sc=Deva}\p{sc=Beng}\p{sc=Guru}\p{sc=Gujr}\p{sc=Orya}\p{sc=Taml}\p{sc=Telu}\p{sc=Knda}\p{sc=Mlym}\p{sc=Sinh}\p{sc=Khmr}\p{sc=Mymr}\p{sc=Tibt}]/u;

const HIDDEN = /[\s\p{Variation_Selector}\p{Join_Control}]/u;
const ZWNJ = '\u200c';
const ZWJ = '\u200d';
const BLACK_FLAG = '\u{1F3F4}';
const FLAGS: ReadonlySet<string> = new Set(['gbeng', 'gbsct', 'gbwls'].map(tagsOf));

/** The content as it is stored; the same string when nothing has to change. Linear. */
export function normalised(content: string): string {
  return hasSuspect(content) ? normalisedAfter('', content) : content;
}

function hasSuspect(text: string): boolean {
  if (PLAIN.test(text)) return false;
  for (let at = 0; at < text.length; at += 1) if (HINTS[text.charCodeAt(at)] !== 0) return true;
  return false;
}

/** The same for what stands behind `before`, of which the last character counts. */
function normalisedAfter(before: string, content: string): string {
  let end = 0;
  let last = lastOf(before);
  return content.toWellFormed().replace(SUSPECT, (found: string, at: number, whole: string) => {
    const previous = at === end ? last : lastOf(whole.slice(Math.max(at - 2, 0), at));
    end = at + found.length;
    const kept = ruling(found, previous, whole.codePointAt(end));
    last = kept === '' ? previous : lastOf(kept);
    return kept;
  });
}

/** What stands in the place of a suspect: itself, a plain character, or nothing. */
function ruling(found: string, previous: string, next: number | undefined): string {
  const following = next === undefined ? '' : String.fromCodePoint(next);
  if (found === '\r') return following === '\n' ? found : '\n';
  if (LINE_ENDS.has(found)) return '\n';
  if (SPACE.test(found)) return ' ';
  return mayStay(found, previous, following) ? found : '';
}

function mayStay(found: string, previous: string, following: string): boolean {
  if (found === ZWJ && PICTURE_PART.test(previous) && PICTURE.test(following)) return true;
  if (found === ZWJ || found === ZWNJ) return JOINING.test(previous);
  if (!SELECTOR.test(found)) return previous === BLACK_FLAG && FLAGS.has(found);
  if ((found.codePointAt(0) ?? 0) >= SELECTOR_OF_IDEOGRAPH) return HAN.test(previous);
  return previous !== '' && !HIDDEN.test(previous);
}

/**
 * The same for text that comes in pieces: what they give, put together, is the whole of it normalised. Holds back
 * only what the next piece decides about.
 */
export class NormalisedStream {
  #last = '';
  #held = '';

  push(piece: string): string {
    const text = this.#held + piece;
    const [open = ''] = UNDECIDED.exec(text.slice(-MAX_HELD)) ?? [];
    this.#held = open.length < MAX_HELD ? open : '';
    return this.#take(text.slice(0, text.length - this.#held.length));
  }

  /** What was held back. */
  end(): string {
    const rest = this.#held;
    this.#held = '';
    return this.#take(rest);
  }

  #take(text: string): string {
    const kept = hasSuspect(text) ? normalisedAfter(this.#last, text) : text;
    this.#last = lastOf(kept) || this.#last;
    return kept;
  }
}

const MAX_HELD = 64;
/** Half a line end, a joiner, an unfinished run of tags, half a character. */
const UNDECIDED = /(?:\r|\u200d?(?:\udb40[\udc00-\udc7f])*[\ud800-\udbff]?)$/;

function lastOf(text: string): string {
  const unit = text.charCodeAt(text.length - 1);
  return unit >= 0xdc00 && unit <= 0xdfff ? text.slice(-2) : text.slice(-1);
}

/** The letters as tags, with the one that ends them. */
function tagsOf(letters: string): string {
  const tags = [...letters].map((letter) => String.fromCodePoint(0xe0000 + letter.charCodeAt(0)));
  return `${tags.join('')}\u{E007F}`;
}

function classOf(ranges: readonly (readonly [number, number])[]): string {
  const hex = (code: number) => `\\u{${code.toString(16)}}`;
  return `[${ranges.map(([from, to]) => `${hex(from)}-${hex(to)}`).join('')}]`;
}
