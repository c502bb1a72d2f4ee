import { describe, expect, it } from 'vitest';
import { extract, type Order } from '../../src/library/extract.ts';
import { mediaTypeOf } from '../../src/library/media-types.ts';
import { cpuMs } from '../support/cpu.ts';
import { encryptedPdf, pdfOf, rawPdf } from './pdf.ts';

const MAX_CHUNKS = 100;

async function textOf(source: Order['source'], content: string | Buffer): Promise<string> {
  const read = await extract({ bytes: Buffer.from(content), source, maxChunks: MAX_CHUNKS });
  if (!read.ok) throw new Error(`${read.failure.reason}: ${read.failure.message}`);
  return read.value.chunks.map(({ text }) => text).join('|');
}

async function refusal(source: Order['source'], content: string | Buffer, maxChunks = MAX_CHUNKS) {
  const read = await extract({ bytes: Buffer.from(content), source, maxChunks });
  return read.ok ? undefined : [read.failure.reason, read.failure.message];
}

describe('a document becomes text', () => {
  it('as it is when it is text or Markdown, but for its line ends and its byte order mark', async () => {
    expect(await textOf('text/plain', '\ufeffone\r\ntwo')).toBe('one\ntwo');
    expect(await textOf('text/markdown', '# One\n\n*two* [three](http://x)')).toBe(
      '# One\n\n*two* [three](http://x)',
    );
  });

  it('from HTML: headings on lines of their own, links as text, nothing of scripts and styles', async () => {
    const html = `<!doctype html><html><head><title>no</title><style>no{}</style></head><body>
      <h1>Ada &amp; Bob</h1><p>See <a href="http://no">the  link</a>.</p><script>no()</script>
      <ul><li>one</li><li>two</li></ul><table><tr><th>Name</th><td>Ada</td></tr></table>
      <noscript>no</noscript><img alt="no"><!-- no --></body></html>`;
    const text = await textOf('text/html', html);
    expect(text).toBe('Ada & Bob\n\nSee the link.\n\n * one\n * two\n\nName | Ada');
  });

  it('from HTML in linear time, also where much stands before the first of many cells', async () => {
    const count = 40_000;
    const html = `<table><tr>${'<b></b>'.repeat(count)}${'<td>a</td>'.repeat(count)}</tr></table>`;
    const before = cpuMs();
    const read = await extract({
      bytes: Buffer.from(html),
      source: 'text/html',
      maxChunks: 10_000,
    });
    expect(read.ok && read.value.chunks[0]?.text).toMatch(/^a \| a \| a/);
    // Looking for the first cell from each of them took 7 s.
    expect(cpuMs() - before).toBeLessThan(4_000);
  });

  it('from JSON: a line for each value with its path, in the order of the file', async () => {
    const json = {
      team: { name: 'A', people: [{ name: 'Ada' }, 'Bob'] },
      on: true,
      no: null,
      e: [],
    };
    expect(await textOf('application/json', JSON.stringify(json))).toBe(
      'team.name: A\nteam.people[0].name: Ada\nteam.people[1]: Bob\non: true',
    );
    expect(await textOf('application/json', '"only text"')).toBe('only text');
  });

  it('from PDF: page after page', async () => {
    expect(await textOf('application/pdf', await pdfOf('page one\nline two', 'page two'))).toBe(
      'page one\nline two\n\npage two',
    );
  });

  it('from a form: its content as what it says it is', async () => {
    const form = { title: 'T', content: '<b>x</b>', media_type: 'text/html', more: 1 };
    const read = await extract({
      bytes: Buffer.from(JSON.stringify(form)),
      source: 'form',
      maxChunks: 1,
    });
    expect(read).toMatchObject({
      ok: true,
      value: { mediaType: 'text/html', fields: '{"title":"T"}' },
    });
    expect(await textOf('form', JSON.stringify({ content: 'plain' }))).toBe('plain');
    const json = { content: { a: 1 }, media_type: 'application/json' };
    expect(await textOf('form', JSON.stringify(json))).toBe('a: 1');
  });
});

describe('a document that cannot be read', () => {
  it.each([
    ['text/plain', Buffer.from([0xff, 0xfe]), 'bad_request', /UTF-8/],
    ['text/html', Buffer.from('<p>\xff', 'latin1'), 'bad_request', /UTF-8/],
    ['text/plain', '', 'document_unreadable', /no text/],
    ['text/plain', ' \n\0\t', 'document_unreadable', /no text/],
    ['text/html', '<script>x</script>', 'document_unreadable', /no text/],
    ['text/html', '<div>'.repeat(500_000), 'document_unreadable', /deep/],
    ['application/json', '{}', 'document_unreadable', /no text/],
    ['application/json', '{"a":', 'document_unreadable', /not JSON/],
    ['application/json', `${'['.repeat(200)}1${']'.repeat(200)}`, 'document_unreadable', /levels/],
    ['application/pdf', 'hello', 'document_unreadable', /no PDF/],
    ['application/pdf', '', 'document_unreadable', /no PDF/],
    ['application/pdf', rawPdf(Buffer.from('BT ET')), 'document_unreadable', /pictures/],
    ['application/pdf', encryptedPdf(), 'document_unreadable', /encrypted/],
    ['form', '', 'invalid_field', /content/],
    ['form', '{"content":', 'bad_request', /not JSON/],
    ['form', '[]', 'invalid_field', /object/],
    ['form', '{"content":1}', 'invalid_field', /content/],
    ['form', '{"content":"x","media_type":"application/pdf"}', 'invalid_field', /media_type/],
    [
      'form',
      `{"content":"x","title":${'['.repeat(9_000)}${']'.repeat(9_000)}}`,
      'invalid_field',
      /title/,
    ],
    [
      'form',
      JSON.stringify({ content: 'x', metadata: 'x'.repeat(40_000) }),
      'invalid_field',
      /title/,
    ],
  ] as const)('of %s says why: %j', async (...[source, content, reason, message]) => {
    const [found, said] = (await refusal(source, content)) ?? [];
    expect(found).toBe(reason);
    expect(said).toMatch(message);
  });

  it('is refused when it has more chunks than may be kept', async () => {
    expect(await refusal('text/plain', 'word '.repeat(2_000), 3)).toMatchObject([
      'body_too_large',
      {},
    ]);
    expect(await refusal('text/plain', 'word '.repeat(500), 3)).toBeUndefined();
  });

  it('is refused when its names, repeated for every value, would be gigabytes', async () => {
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`k${i}`, 1]));
    const json = JSON.stringify({ ['k'.repeat(100_000)]: many });
    expect((await refusal('application/json', json))?.[0]).toBe('body_too_large');
  });
});

describe('a Content-Type', () => {
  it.each([
    ['text/plain', 'text/plain'],
    ['Text/Markdown; charset=UTF-8', 'text/markdown'],
    ['application/json;charset="utf-8"', 'application/json'],
    ['text/html; charset=us-ascii', 'text/html'],
    ['text/plain; charset=iso-8859-1', undefined],
    ['application/xml', undefined],
    ['', undefined],
    ['text/plain, text/html', undefined],
  ])('%j is %s', (header, expected) => {
    expect(mediaTypeOf(header)).toBe(expected);
  });
});
