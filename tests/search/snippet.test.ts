import { describe, expect, it } from 'vitest';
import { snippetOf } from '../../src/search/snippet.ts';
import { termsOf } from '../../src/text/terms.ts';
import { cpuMs } from '../support/cpu.ts';
import { Random } from '../support/random.ts';

const snippet = (text: string, query: string) => snippetOf(text, new Set(termsOf(query)));

/** What people see of it. */
function shown(html: string): string {
  return html
    .replace(/<\/?mark>/g, '')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&amp;/g, '&');
}

describe('marks', () => {
  it.each([
    ['He resumes his work', 'resume', 'He <mark>resumes</mark> his work'],
    ['the RÉSUMÉS of all', 'resume', 'the <mark>RÉSUMÉS</mark> of all'],
    ['Straßen und Straße', 'straße', 'Straßen und <mark>Straße</mark>'],
    ['naïve ｗｉｄｅ letters', 'naive wide', '<mark>naïve</mark> <mark>ｗｉｄｅ</mark> letters'],
    ['私は東京に住む', '東京', '私は<mark>東京</mark>に住む'],
    ['東京都庁', '東京都', '<mark>東京都</mark>庁'],
    ['Привет, мир', 'МИР', 'Привет, <mark>мир</mark>'],
    ['nothing of it', 'else', 'nothing of it'],
    ['of the', 'of the', 'of the'],
  ])('in "%s" what "%s" asks for', (text, query, html) => {
    expect(snippet(text, query)).toBe(html);
  });

  it('words only, not the letters of others', () => {
    expect(snippet('cat concatenates', 'cat')).toBe('<mark>cat</mark> concatenates');
  });
});

describe('hostile text', () => {
  it('can never become markup', () => {
    const html = snippet(`<script>alert("hit")</script> & <mark> 'hit'`, 'hit');
    expect(html).toBe(
      '&lt;script&gt;alert(&quot;<mark>hit</mark>&quot;)&lt;/script&gt; &amp; &lt;mark&gt; &#39;<mark>hit</mark>&#39;',
    );
  });

  it('cannot turn the direction of what stands around it, or break the line', () => {
    expect(snippet('a\u202egnp.hit\u2066\r\n\u0000b\u2028c', 'hit')).toBe(
      'agnp.<mark>hit</mark> b c',
    );
  });

  it('costs no more than its length', () => {
    const pieces = ['hit ', 'a', '漢', 'e\u0301', '<', 'ﷺ', '👨‍👩‍👧', ' ', '\u0301', 'a\u200d'];
    const before = cpuMs();
    for (const piece of pieces) {
      const html = snippet(piece.repeat(1_000_000), 'hit 漢漢 a');
      expect(html.length).toBeLessThan(20_000);
    }
    expect(cpuMs() - before).toBeLessThan(5_000);
  });
});

describe('the part that is shown', () => {
  const filler = 'lorem ipsum dolor sit amet consectetur adipiscing elit '.repeat(20);

  it('is all of a short text', () => {
    expect(snippet('short', 'x')).toBe('short');
  });

  it('is the beginning when there is no hit, and says that there is more', () => {
    const html = snippet(filler, 'x');
    expect(filler.startsWith(html.slice(0, -1))).toBe(true);
    expect(html).toMatch(/\S…$/);
    expect(html.length).toBeGreaterThan(200);
    expect(html.length).toBeLessThanOrEqual(241);
  });

  it('has the most different words of the query, not the most hits', () => {
    const html = snippet(`hit hit hit hit ${filler} hit the target ${filler}`, 'hit target');
    expect(html).toContain('<mark>hit</mark> the <mark>target</mark>');
    expect(html).toMatch(/^….*…$/);
  });

  it('is cut between words', () => {
    const inside = shown(snippet(`${filler} target ${filler}`, 'target')).slice(1, -1);
    expect(`${filler} target ${filler}`.replace(/ +/g, ' ')).toContain(` ${inside} `);
  });

  it('is never longer than 240 characters, never half a character, and always of the text', () => {
    const random = new Random();
    const pieces = [
      'hit ',
      'word ',
      '👨‍👩‍👧‍👦',
      '🇩🇪',
      'é',
      'नमस्ते ',
      '漢字',
      ' ',
      'e\u0301',
      '<b>',
      '&amp;',
      '\u{1F469}\u{1F3FD}',
    ];
    const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });
    for (let round = 0; round < 300; round++) {
      const text = Array.from({ length: random.whole(40, 200) }, () => random.pick(pieces)).join(
        '',
      );
      const line = text.replace(/\s+/g, ' ').trim();
      const visible = shown(snippet(text, 'hit'));
      const inside = visible.replace(/^…/, '').replace(/…$/, '');
      expect(inside.length).toBeLessThanOrEqual(240);
      expect(inside.isWellFormed()).toBe(true);
      expect(line).toContain(inside);
      // In `éhit` it is a part of another word.
      if (termsOf(text).includes('hit')) expect(visible).toContain('hit');
      const start = line.indexOf(inside);
      const starts = new Set([...segmenter.segment(line)].map(({ index }) => index));
      // A stretch may stand in the line more than once: one of them begins and ends between characters.
      const places = [...line].length === 0 ? [] : placesOf(line, inside, start);
      expect(
        places.some(
          (at) =>
            starts.has(at) &&
            (at + inside.length === line.length || starts.has(at + inside.length)),
        ),
      ).toBe(true);
    }
  });
});

function placesOf(line: string, inside: string, first: number): readonly number[] {
  const places: number[] = [];
  for (let at = first; at >= 0; at = line.indexOf(inside, at + 1)) places.push(at);
  return places;
}
