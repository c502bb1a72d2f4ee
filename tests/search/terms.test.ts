import { describe, expect, test } from 'vitest';
import { plainWordsOf, termsOf } from '../../src/text/terms.ts';
import { cpuMs } from '../support/cpu.ts';

describe('the terms of a text', () => {
  test('are the same whether its letters are composed or not, with and without Latin accents', () => {
    for (const written of ['Café', 'Cafe\u0301', 'CAFE', 'ｃａｆｅ'])
      expect(termsOf(written)).toEqual(termsOf('cafe'));
    expect(termsOf('한국어')).toEqual(termsOf('한국어'.normalize('NFD')));
    expect(termsOf('が')).toEqual(termsOf('か\u3099'));
  });

  test('keep the marks that scripts have', () => {
    const pointed = 'בְּרֵאשִׁ֖ית';
    expect(plainWordsOf(pointed)).toEqual([pointed.normalize('NFKD').normalize('NFC')]);
    expect(plainWordsOf('བསྒྲུབས')).toEqual(['བསྒྲུབས']);
  });

  // Putting n marks on one letter into their order takes n² steps: 2 s for 100,000, 8 s for 200,000.
  test.each([
    ['above and beside', '\u0315\u0300'],
    ['of Thai', '\u0e33\u0e48'],
    ['of half width', '\uff9e\u0301'],
  ])('take linear time, also of one letter with 200,000 marks %s', (_, marks) => {
    const before = cpuMs();
    const [first = ''] = plainWordsOf(`a${marks.repeat(100_000)}`);
    expect(first.length).toBeGreaterThan(0);
    expect(cpuMs() - before).toBeLessThan(3_000);
  });
});
