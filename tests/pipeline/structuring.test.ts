import { describe, expect, test } from 'vitest';
import type { Agent, AgentChunk } from '../../actors/agent-port.ts';
import { participantId } from '../../src/domain/ids.ts';
import { Meters } from '../../src/observability/meters.ts';
import { SafeMarkdown } from '../../src/pipeline/safe-markdown.ts';
import { StageMeter } from '../../src/pipeline/stages.ts';
import { AnswerStructuring, structured } from '../../src/pipeline/structuring.ts';
import { chunksOf, said, textOf, turnOf } from '../agent/turns.ts';
import { cpuMs } from '../support/cpu.ts';
import { Random } from '../support/random.ts';

function safe(text: string): string {
  const markdown = new SafeMarkdown();
  return markdown.push(text) + markdown.end();
}

describe('Markdown of an answer', () => {
  test.each([
    ['headings, lists and tables', '# One\n\n* two\n- three\n\n| a | b |\n|---|---|\n'],
    ['comparisons and arrows', 'a < b, 3<4, x <- y, i <= 5 && j >> 2'],
    ['inline code with HTML in it', 'use `<div onclick="x">` or ``a ` <b x>`` here'],
    ['a block of code', '```html\n<script>alert(1)</script>\n```\nthen'],
    ['a block of code with backticks in it', '~~~\n```\n<script>\n~~~\nthen'],
    ['a block of code that is never closed', '```js\nif (a<b) { <script> }'],
    [
      'tags that cannot do anything',
      '<b>bold</b><br/>H<sub>2</sub>O <details>\n<summary>x</summary>',
    ],
    [
      'addresses and links',
      '<https://a.b/c?d=e> [x](https://a.b "t") [y](/docs) [z](#top) [w](mailto:a@b.c)',
    ],
    ['a defined link', '[a]: https://a.b/c\n[not a link] (x) [x]'],
    ['entities and quotes', 'a &amp; b &lt; c "d" $& $1'],
  ])('%s: stays as it is', (_, text) => {
    expect(safe(text)).toBe(text);
  });

  test.each([
    ['a script', 'a <script>alert(1)</script>', 'a &lt;script>alert(1)&lt;/script>'],
    ['an attribute', '<b onmouseover="x">', '&lt;b onmouseover="x">'],
    ['a tag over lines', '<img\nsrc=x onerror=y>', '&lt;img\nsrc=x onerror=y>'],
    ['a comment, a declaration', '<!-- x --><?php <!DOCTYPE', '&lt;!-- x -->&lt;?php &lt;!DOCTYPE'],
    ['a tag that is never closed', 'x <iframe src=', 'x &lt;iframe src='],
    ['HTML behind a backtick that opens nothing', '` <script>', '` &lt;script>'],
    ['HTML in the next paragraph of a backtick', '`a\n\n<script>`', '`a\n\n&lt;script>`'],
    ['HTML behind a block of code', '```\nx\n```\n<script>', '```\nx\n```\n&lt;script>'],
    ['HTML behind too short a fence', '````\n```\n````\n<script>', '````\n```\n````\n&lt;script>'],
    ['a script in an address', '<javascript:alert(1)>', '&lt;javascript:alert(1)>'],
    ['a script in a link', '[x](javascript:alert(1))', '[x]\\(javascript:alert(1))'],
    ['one that hides', '[x]( <JaVa&#115;cript:a>)', '[x]\\( <JaVa&#115;cript:a>)'],
    ['one behind an escape', '[x](java\\script:a)', '[x]\\(java\\script:a)'],
    ['data in a picture', '![x](data:text/html,y)', '![x]\\(data:text/html,y)'],
    ['a script in a definition', '[x]: javascript:a', '[x]\\: javascript:a'],
  ])('%s: is text', (_, text, expected) => {
    expect(safe(text)).toBe(expected);
  });

  const PIECES = [
    ...['`', '``', '```', '\n', '\n\n', '<', '<b>', '<script>', '</', '>', ' ', 'a', '~~~', '   '],
    ...['[x]', '](', ']:', 'javascript:', 'https://', ')', '&', '\\', '<https://a.b', 'on=1', '-'],
  ];

  test('any of it is the same, wherever it is cut; nothing but escapes is added', () => {
    const random = new Random(3);
    for (let round = 0; round < 6_000; round += 1) {
      const text = Array.from({ length: random.whole(0, 12) }, () => random.pick(PIECES)).join('');
      const markdown = new SafeMarkdown();
      let made = '';
      for (let at = 0; at < text.length; ) {
        const size = random.whole(1, 4);
        made += markdown.push(text.slice(at, at + size));
        at += size;
      }
      made += markdown.end();
      expect(made, JSON.stringify(text)).toBe(safe(text));
      const bare = (one: string) => one.replaceAll('&lt;', '<').replaceAll('\\', '');
      expect(bare(made), JSON.stringify(text)).toBe(bare(text));
    }
  });

  test('hostile text holds back little, and takes little time', () => {
    const before = cpuMs();
    for (const unit of ['`', '<a', '](', '``` ', '<', '`a\n', '[x](a:']) {
      const markdown = new SafeMarkdown();
      let held = 0;
      let shown = 0;
      for (let at = 0; at < 2_000; at += 1) {
        shown += markdown
          .push(unit.repeat(10))
          .replaceAll('&lt;', '<')
          .replaceAll(']\\', ']').length;
        held = Math.max(held, (at + 1) * 10 * unit.length - shown);
      }
      expect(held, unit).toBeLessThan(2_200);
    }
    expect(cpuMs() - before).toBeLessThan(5_000);
  });
});

describe('an answer', () => {
  const [ANA, BEN] = [participantId('ana'), participantId('ben')];
  const turn = { ...turnOf([said('?')]), askedBy: [ANA, BEN] };
  const citation = (document_id: string, chunk_id: string, score = 0.5) => ({
    document_id,
    chunk_id,
    title: 't',
    score,
  });

  function structuringOf(mayRead: (document: string, who: string) => boolean) {
    const read = (async (id: string, who: string) => ({
      ok: true,
      value: mayRead(id, who) ? {} : undefined,
    })) as unknown as ConstructorParameters<typeof AnswerStructuring>[0]['documents']['read'];
    const meter = new StageMeter(new Meters(), 'structuring');
    return new AnswerStructuring({ documents: { read }, meter });
  }

  function speaking(...chunks: readonly AgentChunk[]): Agent {
    return {
      label: 'm',
      answer: async function* () {
        yield* chunks;
      },
    };
  }

  test('streams on while it is safe; a new attempt begins outside of any code', async () => {
    const agent = speaking(
      ...['```\n<a', ' b>'].map((text): AgentChunk => ({ type: 'delta', text })),
      { type: 'restarted' },
      ...['Hi ', '<i', 'mg src=x>', '!'].map((text): AgentChunk => ({ type: 'delta', text })),
      { type: 'done' },
    );
    const chunks = await chunksOf(
      structured(
        agent,
        structuringOf(() => true),
      ),
      turn,
    );
    expect(textOf(chunks)).toBe('Hi &lt;img src=x>!');
    expect(chunks[0]).toEqual({ type: 'delta', text: '```\n<a' });
  });

  test('cites what everybody who asked may see now, each chunk once', async () => {
    const given = [
      citation('d_all', 'a'),
      citation('d_all', 'a', 0.4),
      citation('d_gone', 'b'),
      citation('d_bens', 'c'),
      citation('d_all', 'd', Number.NaN),
      citation('d_all', 'e'),
    ];
    const structuring = structuringOf(
      (id, who) => id === 'd_all' || (id === 'd_bens' && who === BEN),
    );
    const agent = speaking({ type: 'delta', text: 'x' }, { type: 'done', citations: given });
    const done = (await chunksOf(structured(agent, structuring), turn)).at(-1);
    expect(done).toEqual({ type: 'done', citations: [given[0], given[5]] });
    const nobody = await chunksOf(structured(agent, structuring), { ...turn, askedBy: [] });
    expect(nobody.at(-1)).toEqual({ type: 'done' });
  });
});
