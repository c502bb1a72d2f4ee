import { describe, expect, it } from 'vitest';
import { NormalisedStream, normalised } from '../../src/pipeline/normalise.ts';
import { cpuMs } from '../support/cpu.ts';
import { Random } from '../support/random.ts';

const ENGLAND = '\u{1F3F4}\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}';

describe('content as it is stored', () => {
  it.each([
    ['plain text', 'Hello, world.'],
    ['tabs, line ends and runs of spaces', 'if x:\n\treturn  1\r\n\r\n'],
    ['letters of every script', 'žluťoučký 漢字 Привет שלום مرحبا नमस्ते'],
    ['a picture of several', '👩‍👩‍👧 🧑🏽‍🚀 ❤️ 🏳️‍🌈'],
    ['a flag that is made of tags', ENGLAND],
    ['a Persian word with a non-joiner', 'می\u200cخواهم'],
    ['a conjunct of Devanagari with a joiner', 'क्\u200dष'],
    ['a variant of an ideograph', '葛\u{E0100}'],
    ['noncharacters and private ones', '\u{10FFFF} \ue000'],
    ['what replace() would expand', "$& $' $` $1"],
  ])('leaves %s alone', (_, text) => {
    expect(normalised(text)).toBe(text);
  });

  it.each([
    ['half a surrogate pair becomes U+FFFD', 'a\ud800b', 'a\ufffdb'],
    ['NUL and escape are taken out', 'a\u0000b\u001b[31mc\u007f\u009b', 'ab[31mc'],
    [
      'marks that turn the direction are taken out',
      'abc\u202egpj.exe\u2066\u2069\u200f',
      'abcgpj.exe',
    ],
    ['zero-width characters are taken out', '\ufeffpass\u200bword\u2060\u00ad', 'password'],
    ['joiners between letters that do not join are taken out', 'pass\u200dword\u200c', 'password'],
    ['tags are taken out', 'hi\u{E0001}\u{E0068}\u{E0069}\u{E007F}', 'hi'],
    ['tags behind a flag that is none are taken out', '\u{1F3F4}\u{E0061}\u{E007F}', '\u{1F3F4}'],
    ['a second selector is taken out', '❤\ufe0f\ufe0e\ufe01', '❤\ufe0f'],
    ['selectors that vary nothing are taken out', '\ufe0fa \ufe0fb\u{E0101}', 'a b'],
    ['fillers that look like nothing are taken out', 'a\u3164\uffa0\u115fb', 'ab'],
    ['a lone CR ends a line', 'real\rfake\r\nnext', 'real\nfake\r\nnext'],
    ['separators end a line', 'a\u2028b\u2029c\u0085d', 'a\nb\nc\nd'],
    ['spaces are one kind', 'a\u00a0b\u2003c\u202fd\u3000e', 'a b c d\u3000e'],
  ])('%s', (_, text, expected) => {
    expect(normalised(text)).toBe(expected);
  });
});

const PIECES = [
  ...['a', ' ', '\n', '\r', 'ш', '👩', '👧', '🏽', '❤', '葛', 'क', '्', 'ی', ENGLAND],
  ...['\u200b', '\u200c', '\u200d', '\u202e', '\ufe0f', '\ufe01', '\u{E0100}', '\u0000'],
  ...['\u{1F3F4}', '\u{E0067}', '\u{E007F}', '\ud83d', '\udc69', '\u00a0', '\u2028'],
];

describe('any text', () => {
  it('is normalised once: again, it stays as it is', () => {
    const random = new Random(7);
    for (let round = 0; round < 4_000; round += 1) {
      const text = Array.from({ length: random.whole(0, 8) }, () => random.pick(PIECES)).join('');
      const once = normalised(text);
      expect(normalised(once), JSON.stringify(text)).toBe(once);
    }
  });

  it('is normalised in pieces as it is as a whole, wherever it is cut', () => {
    const random = new Random(11);
    for (let round = 0; round < 4_000; round += 1) {
      const text = Array.from({ length: random.whole(0, 8) }, () => random.pick(PIECES)).join('');
      const stream = new NormalisedStream();
      let made = '';
      for (let at = 0; at < text.length; ) {
        const size = random.whole(1, 3);
        made += stream.push(text.slice(at, at + size));
        at += size;
      }
      expect(made + stream.end(), JSON.stringify(text)).toBe(normalised(text));
    }
  });

  it('is looked through in linear time', () => {
    const hostile =
      '\u200d'.repeat(200_000) + '\u{E0041}'.repeat(100_000) + '\ud800'.repeat(100_000);
    const before = cpuMs();
    expect(normalised(hostile)).toBe('\ufffd'.repeat(100_000));
    expect(cpuMs() - before).toBeLessThan(1_000);
  });
});
