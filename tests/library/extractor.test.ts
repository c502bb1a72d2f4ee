import { deflateSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import type { Order } from '../../src/library/extract.ts';
import { Extractor, type ExtractorOptions } from '../../src/library/extractor.ts';
import { bombPdf, rawPdf } from './pdf.ts';

const open: Extractor[] = [];
afterEach(() => Promise.all(open.splice(0).map((extractor) => extractor.close())));

function extractorWith(options: Partial<ExtractorOptions> = {}): Extractor {
  const extractor = new Extractor({ deadlineMs: 20_000, ...options });
  open.push(extractor);
  return extractor;
}

function order(source: Order['source'], content: string | Buffer): Order {
  return { source, bytes: Buffer.from(content), maxChunks: 10_000 };
}

async function reasonOf(extractor: Extractor, ...of: Parameters<typeof order>): Promise<string> {
  const read = await extractor.read(order(...of));
  return read.ok ? 'read' : `${read.failure.reason}: ${read.failure.message}`;
}

/** The longest that this thread could do nothing else while `during` went on, milliseconds. */
async function longestStop(during: Promise<unknown>): Promise<number> {
  let isOver = false;
  let longest = 0;
  void during.finally(() => {
    isOver = true;
  });
  for (let last = performance.now(); !isOver; ) {
    await new Promise(setImmediate);
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }
  return longest;
}

describe('reading documents', () => {
  it('happens in another thread: five megabytes stop nobody', async () => {
    const extractor = extractorWith();
    await extractor.read(order('text/plain', 'warm'));
    const big = order('text/markdown', 'some words and a line\n\n'.repeat(220_000));
    const reading = extractor.read(big);
    // What crosses over is copied here: thousands of chunks. The reading itself takes several times as long.
    const startedAt = performance.now();
    const stopped = await longestStop(reading);
    const took = performance.now() - startedAt;
    const read = await reading;
    expect(read.ok && read.value.chunks.length).toBeGreaterThan(5_000);
    expect(stopped).toBeLessThan(took / 2);
  });

  it.each([
    ['HTML nested a million deep', 'text/html', '<div>'.repeat(1_000_000)],
    ['HTML of open lists', 'text/html', '<ul><li>'.repeat(400_000)],
    ['HTML of open tables', 'text/html', '<table><tr><td>'.repeat(200_000)],
    ['HTML nested as deep as may be', 'text/html', `${'<b>'.repeat(9_000)}x`.repeat(100)],
    ['HTML of a billion columns', 'text/html', '<table><tr><td colspan=999999999>x'],
    ['JSON nested two million deep', 'application/json', '['.repeat(2_000_000)],
    ['a PDF that unpacks to 256 MiB, twice packed', 'application/pdf', bombPdf(2 ** 28)],
  ] as const)('is over in time with %s, and the next document is read', async (...row) => {
    const [, source, content] = row;
    const extractor = extractorWith({ deadlineMs: 1_500, maxMemoryBytes: 192 * 2 ** 20 });
    expect(await reasonOf(extractor, source, content)).toMatch(
      /^(read$|document_unreadable: |body_too_large: )/,
    );
    expect(await reasonOf(extractor, 'text/plain', 'next')).toBe('read');
  });

  it('is given up when it takes too long, and says so', async () => {
    const extractor = extractorWith({ deadlineMs: 100 });
    expect(await reasonOf(extractor, 'application/pdf', bombPdf(2 ** 28))).toBe(
      'document_unreadable: Reading the document takes too long.',
    );
  });

  it('is given up when it takes too much memory, and says so', async () => {
    const extractor = extractorWith({ maxMemoryBytes: 64 * 2 ** 20 });
    const bomb = rawPdf(deflateSync(Buffer.alloc(2 ** 29, ' ')), { entry: '/Filter/FlateDecode' });
    expect(await reasonOf(extractor, 'application/pdf', bomb)).toBe(
      'document_unreadable: Reading the document takes too much memory.',
    );
    expect(await reasonOf(extractor, 'text/plain', 'next')).toBe('read');
  });

  it('goes on beside one that takes long, and refuses with 503 what is more than may wait', async () => {
    const extractor = extractorWith({ threads: 2, deadlineMs: 3_000 });
    const long = reasonOf(extractor, 'application/pdf', bombPdf(2 ** 28));
    const others = Array.from({ length: 80 }, () => reasonOf(extractor, 'text/plain', 'short'));
    const reasons = await Promise.all(others);
    expect(reasons.filter((reason) => reason === 'read').length).toBeGreaterThanOrEqual(60);
    expect(reasons.at(-1)).toMatch(/^overloaded/);
    expect(await long).toMatch(/^document_unreadable/);
  });

  it('ends with 503 for all that wait when it is closed', async () => {
    const extractor = extractorWith({ threads: 1 });
    const waiting = Array.from({ length: 5 }, () => reasonOf(extractor, 'text/plain', 'x'));
    await extractor.close();
    for (const reason of await Promise.all(waiting)) expect(reason).toMatch(/^draining/);
    expect(await reasonOf(extractor, 'text/plain', 'x')).toMatch(/^draining/);
  });
});
