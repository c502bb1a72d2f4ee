import { describe, expect, it } from 'vitest';
import type { Chunk } from '../../src/domain/document.ts';
import { normalText } from '../../src/library/formats/text-format.ts';
import { type Structure, split } from '../../src/library/split.ts';
import { fc, runs } from '../support/properties.ts';

/** What text is made of: words, blanks, marks, emoji, Markdown, half pairs, whole pages of one letter. */
const piece = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.string({ unit: 'grapheme', maxLength: 30 }),
  fc.constantFrom(
    ' ',
    '\n',
    '\n\n',
    '\r\n',
    '\r',
    '\0',
    '\ud83d',
    '\u{1f600}',
    'e\u0301',
    '\ufeff',
  ),
  fc.constantFrom('\n# ', '\n## ', '```\n\n', '\n\n---\n\n', '\u00a0', '\u2028', '中文', 'ไทย'),
  fc
    .tuple(fc.constantFrom('a', 'ab ', '\n', '😀', 'x\n\n', '   ', '\ud800'), fc.nat(900))
    .map(([text, times]) => text.repeat(times)),
);
const text = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(''));
const structure = fc.constantFrom<Structure>('plain', 'markdown');

function flawsOf(of: string, chunks: readonly Chunk[]): string[] {
  const flaws: string[] = [];
  let end = 0;
  for (const [at, chunk] of chunks.entries()) {
    if (chunk.index !== at) flaws.push(`${at} is numbered ${chunk.index}`);
    if (of.slice(chunk.start, chunk.end) !== chunk.text) flaws.push(`${at} is elsewhere`);
    if (chunk.text.trim() === '') flaws.push(`${at} is blank`);
    if (chunk.text.length > 1_000) flaws.push(`${at} has ${chunk.text.length} characters`);
    if (!chunk.text.isWellFormed()) flaws.push(`${at} has half a pair`);
    if (chunk.start > end && of.slice(end, chunk.start).trim() !== '')
      flaws.push(`words between ${at - 1} and ${at}`);
    if (at > 0 && chunk.end <= end) flaws.push(`${at} adds nothing`);
    if (at > 0 && end - chunk.start > 150) flaws.push(`${at} overlaps by ${end - chunk.start}`);
    end = chunk.end;
  }
  if (of.slice(end).trim() !== '') flaws.push('words after the last');
  return flaws;
}

describe('splitting a text', () => {
  it('gives chunks that are where they say, in order, with every word in one of them', async () => {
    await fc.assert(
      fc.asyncProperty(text, structure, async (raw, how) => {
        const normal = normalText(raw);
        expect(flawsOf(normal, await split(normal, how))).toEqual([]);
      }),
      { numRuns: runs(300) },
    );
  });

  it.each([
    ['one letter', 'a'.repeat(50_000)],
    ['one line again and again', 'the same line\n'.repeat(5_000)],
    ['one paragraph again and again', 'the same words here\n\n'.repeat(3_000)],
    ['emoji', '😀'.repeat(20_000)],
    ['blanks', ' \n'.repeat(30_000)],
    ['blanks around one word', `${' '.repeat(930)}word${' '.repeat(1_100)}`],
  ])('of %s finds the places, not the look-alikes', async (_, repeated) => {
    const chunks = await split(repeated, 'plain');
    expect(flawsOf(repeated, chunks)).toEqual([]);
    expect(chunks.length).toBeLessThanOrEqual(repeated.length / 500);
  });

  it('cuts Markdown before its headings where it can', async () => {
    const section = (name: string) => `## ${name}\n\n${`${name} words. `.repeat(60)}`;
    const chunks = await split(['One', 'Two', 'Three'].map(section).join('\n'), 'markdown');
    expect(chunks.map(({ text: found }) => found.slice(0, 6))).toEqual([
      '## One',
      '## Two',
      '## Thr',
    ]);
  });
});

describe('normal text', () => {
  it('ends lines in \\n, and has neither U+0000 nor half pairs; all else stays', () => {
    const e = 'e\u0301';
    expect(normalText(`a\r\nb\rc\0d\ud800${e}\t`)).toBe(`a\nb\ncd\ufffd${e}\t`);
  });
});
