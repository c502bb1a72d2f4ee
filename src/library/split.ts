import { RecursiveCharacterTextSplitter } from '@langchain/textsplitters';
import type { Chunk } from '../domain/document.ts';

/** Characters of a chunk at most: a few paragraphs, which one vector can still stand for. */
const CHUNK_CHARS = 1_000;
/** Characters of the end of a chunk that the next one begins with, at most: what stands across a cut is found. */
const OVERLAP_CHARS = 150;
/** Characters of the pieces that a word longer than a chunk is put together from. */
const PIECE_CHARS = 50;

/** Where a text may be cut, the best places first. The first heading's line is one, too. */
const SEPARATORS = {
  plain: ['\n\n', '\n', ' ', ''],
  markdown: ['\n# ', ...RecursiveCharacterTextSplitter.getSeparatorsForLanguage('markdown')],
} as const;

export type Structure = keyof typeof SEPARATORS;

/**
 * Pieces of a text, in order, none of them blank: `text.slice(start, end)` is the chunk's text, and between two
 * chunks that do not overlap there is only white space. Linear in the text. No chunk ends inside a surrogate pair.
 */
export async function split(text: string, structure: Structure): Promise<readonly Chunk[]> {
  const splitter = new SpanSplitter(text, SEPARATORS[structure]);
  await splitter.splitText(text);
  return splitter.chunks();
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * The splitter of LangChain, which decides where to cut, made to say where its pieces are. It goes through the text
 * from its beginning to its end, and with the separators kept its splits are the text itself: so the place of each
 * is the sum of those before it. Looking the chunks up afterwards would take one for another where text repeats.
 */
class SpanSplitter extends RecursiveCharacterTextSplitter {
  readonly #text: string;
  readonly #spans: Span[] = [];
  /** Where the next split begins. */
  #at = 0;

  constructor(text: string, separators: readonly string[]) {
    super({
      chunkSize: CHUNK_CHARS,
      chunkOverlap: OVERLAP_CHARS,
      separators: [...separators],
      keepSeparator: true,
    });
    this.#text = text;
  }

  chunks(): readonly Chunk[] {
    if (this.#at !== this.#text.length) throw new Error('the splitter left text out');
    return this.#spans.map(({ start, end }, index) => ({
      index,
      start,
      end,
      text: this.#text.slice(start, end),
    }));
  }

  /** Characters one by one would be millions, and halves of pairs among them. */
  protected override splitOnSeparator(text: string, separator: string): string[] {
    return separator === '' ? piecesOf(text) : super.splitOnSeparator(text, separator);
  }

  /** As the original: as many splits as fit, then the last of them again. Keeps their places in place of their text. */
  override async mergeSplits(splits: string[]): Promise<string[]> {
    let start = this.#at;
    let end = start;
    let first = 0;
    for (const { length } of splits) {
      if (end - start + length > CHUNK_CHARS && end > start) {
        this.#keep(start, end);
        while (end - start > OVERLAP_CHARS || (end > start && end - start + length > CHUNK_CHARS)) {
          start += splits[first]?.length ?? 0;
          first += 1;
        }
      }
      end += length;
    }
    this.#keep(start, end);
    this.#at = end;
    return [];
  }

  #keep(start: number, end: number): void {
    const text = this.#text.slice(start, end);
    const first = start + text.length - text.trimStart().length;
    const last = first + text.trim().length;
    // Blanks around it may have made it a splitter's chunk; without them it is a part of the one before.
    const isNew = last > first && last > (this.#spans.at(-1)?.end ?? 0);
    if (isNew) this.#spans.push({ start: first, end: last });
  }
}

function piecesOf(text: string): string[] {
  const pieces: string[] = [];
  for (let start = 0; start < text.length; ) {
    let end = Math.min(start + PIECE_CHARS, text.length);
    const last = text.charCodeAt(end - 1);
    if (end < text.length && last >= 0xd800 && last <= 0xdbff) end += 1;
    pieces.push(text.slice(start, end));
    start = end;
  }
  return pieces;
}
