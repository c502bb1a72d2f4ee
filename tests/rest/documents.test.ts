import { describe, expect, it } from 'vitest';
import { pdfOf } from '../library/pdf.ts';
import { everyItem } from '../support/rest-client.ts';
import { DOCUMENTS, STORES, useDocuments } from './documents-scene.ts';

describe.each(STORES)('documents on %s', (_, place) => {
  const scene = useDocuments(place);

  it('are uploaded as JSON, found by words at once and by vectors soon, shown, listed, and removed', async () => {
    const ada = await scene.guest('Ada');
    const content =
      '# Whales\n\nThe blue whale is the largest animal.\n\n# Ants\n\nAnts are small.';
    const made = await ada.rest.post(DOCUMENTS, {
      title: '  Animals ',
      content,
      media_type: 'text/markdown',
      metadata: { shelf: 3 },
    });
    expect(made.status).toBe(201);
    const { document_id: id } = made.body;
    expect(made.headers.get('location')).toBe(`${DOCUMENTS}/${id}`);
    expect(made.body).toMatchObject({
      title: 'Animals',
      media_type: 'text/markdown',
      owner: ada.id,
      conversations: [],
      metadata: { shelf: 3 },
      chars: content.length,
      chunks: 1,
      created_at: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect(['embedding', 'ready']).toContain(made.body.state);
    expect(made.body.progress).toBeGreaterThanOrEqual(0);
    const words = await ada.rest.post(`${DOCUMENTS}/search`, { query: 'whales', mode: 'keyword' });
    expect(words.body).toMatchObject({ next_cursor: null, mode: 'keyword', degraded: false });
    expect(words.body.items).toEqual([
      {
        document_id: id,
        chunk_id: `${id}.0`,
        title: 'Animals',
        score: expect.any(Number),
        snippet: expect.stringContaining('<mark>'),
        index: 0,
        start: 0,
        end: content.length,
        text: content,
        metadata: { shelf: 3 },
      },
    ]);
    expect(await scene.ready(ada, id)).toMatchObject({ state: 'ready', progress: 1 });
    for (const mode of ['vector', 'hybrid', undefined]) {
      const near = await ada.rest.post(`${DOCUMENTS}/search`, { query: 'blue whales', mode });
      expect(near.body).toMatchObject({ mode: mode ?? 'hybrid', degraded: false });
      expect(near.body.items[0].document_id).toBe(id);
    }
    expect((await ada.rest.get(DOCUMENTS)).body.items.map(idOf)).toEqual([id]);
    expect((await ada.rest.delete(`${DOCUMENTS}/${id}`)).status).toBe(204);
    for (const mode of ['keyword', 'vector', 'hybrid'])
      expect(await scene.found(ada, { query: 'whale', mode })).toEqual([]);
    for (const path of [`${DOCUMENTS}/${id}`, `${DOCUMENTS}/${id}/chunks`]) {
      const gone = await ada.rest.get(path);
      expect([gone.status, gone.body.reason]).toEqual([404, 'document_not_found']);
    }
    expect((await ada.rest.get(DOCUMENTS)).body).toEqual({ items: [], next_cursor: null });
    expect((await ada.rest.delete(`${DOCUMENTS}/${id}`)).status).toBe(404);
  });

  it.each([
    ['text/plain', 'plain zebra words'],
    ['text/markdown; charset=utf-8', '# zebra'],
    ['text/html', '<p>a <b>zebra</b></p>'],
  ])('are uploaded as they are: %s, with what is said of them in the query', async (type, raw) => {
    const [ada] = [await scene.guest('Ada')];
    const rooms = [await scene.room(ada), await scene.room(ada)];
    const query = new URLSearchParams([
      ['title', 'Zoo & Co'],
      ['metadata', '{"a":[1]}'],
      ...rooms.map((id): [string, string] => ['conversations', id]),
    ]);
    const made = await ada.rest.request('POST', `${DOCUMENTS}?${query}`, {
      raw,
      headers: { 'content-type': type },
    });
    expect([made.status, made.body.title, made.body.metadata]).toEqual([
      201,
      'Zoo & Co',
      { a: [1] },
    ]);
    expect(made.body).toMatchObject({ media_type: type.split(';')[0], conversations: rooms });
    expect(await scene.found(ada, { query: 'zebras' })).toEqual([made.body.document_id]);
  });

  it('are uploaded as PDF', async () => {
    const ada = await scene.guest('Ada');
    const made = await ada.rest.request('POST', `${DOCUMENTS}?title=Paper`, {
      raw: await pdfOf('On the giraffe', 'Its neck'),
      headers: { 'content-type': 'application/pdf' },
    });
    expect([made.status, made.body.media_type]).toEqual([201, 'application/pdf']);
    expect(await scene.found(ada, { query: 'giraffes' })).toEqual([made.body.document_id]);
  });

  it('have their chunks, page by page, with the places they are at', async () => {
    const ada = await scene.guest('Ada');
    const content = Array.from({ length: 400 }, (_unused, i) => `Line ${i} of it.\n`).join('');
    const { document_id: id, chunks } = await scene.add(ada, { content });
    const items = await everyItem(ada.rest, `${DOCUMENTS}/${id}/chunks?limit=2`);
    expect(items).toHaveLength(chunks);
    expect(chunks).toBeGreaterThan(5);
    for (const [index, item] of items.entries()) {
      expect(item).toMatchObject({ chunk_id: `${id}.${index}`, index });
      expect(content.slice(item.start, item.end)).toBe(item.text);
    }
  });

  it('are listed page by page, all or those of one conversation', async () => {
    const ada = await scene.guest('Ada');
    const room = await scene.room(ada);
    const ids: string[] = [];
    for (let i = 0; i < 5; i += 1) {
      const conversations = i < 2 ? [room] : [];
      ids.push((await scene.add(ada, { content: `n ${i}`, conversations })).document_id);
    }
    expect((await everyItem(ada.rest, `${DOCUMENTS}?limit=2`)).map(idOf)).toEqual(ids.toSorted());
    const path = `${DOCUMENTS}?conversation_id=${room}&limit=1`;
    expect((await everyItem(ada.rest, path)).map(idOf)).toEqual(ids.slice(0, 2).toSorted());
  });

  it('are searched within one conversation, with a limit', async () => {
    const ada = await scene.guest('Ada');
    const room = await scene.room(ada);
    const inside = await scene.add(ada, { content: 'okapi inside', conversations: [room] });
    await scene.add(ada, { content: 'okapi outside' });
    const within = { query: 'okapi', conversation_id: room };
    expect(await scene.found(ada, within)).toEqual([inside.document_id]);
    expect(await scene.found(ada, { query: 'okapi' })).toHaveLength(2);
    expect(await scene.found(ada, { query: 'okapi', limit: 1 })).toHaveLength(1);
  });

  it('are found by the last word of a query that says another one many times', async () => {
    const { rest } = await scene.guest('Ada');
    await rest.post(DOCUMENTS, { title: 'Okapis', content: 'An okapi eats leaves.' });
    const query = `${'nowhere '.repeat(64)} okapi`;
    const { body } = await rest.post(`${DOCUMENTS}/search`, { query, mode: 'keyword' });
    expect(body.items).toMatchObject([{ title: 'Okapis' }]);
  });

  it('have markup in a snippet that is theirs as text only', async () => {
    const ada = await scene.guest('Ada');
    await scene.add(ada, { content: '<script>alert(1)</script> the tapir & <b>co</b>' });
    const { body } = await ada.rest.post(`${DOCUMENTS}/search`, { query: 'tapir' });
    expect(body.items[0].snippet).toBe(
      '&lt;script&gt;alert(1)&lt;/script&gt; the <mark>tapir</mark> &amp; &lt;b&gt;co&lt;/b&gt;',
    );
  });
});

describe.each(STORES)('an Idempotency-Key of a document on %s', (_, place) => {
  const scene = useDocuments(place);
  const key = { 'idempotency-key': 'k1' };

  it('stores once: the same request is answered with the same document', async () => {
    const ada = await scene.guest('Ada');
    const request = { title: 'T', content: 'once', metadata: { a: 1 } };
    const first = await ada.rest.post(DOCUMENTS, request, key);
    const again = await ada.rest.post(DOCUMENTS, request, key);
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.body.document_id).toBe(first.body.document_id);
    expect((await ada.rest.get(DOCUMENTS)).body.items).toHaveLength(1);
    // It is each participant's own.
    const bob = await scene.guest('Bob');
    expect((await bob.rest.post(DOCUMENTS, request, key)).status).toBe(201);
  });

  it('is 409 key_reused for any other request', async () => {
    const ada = await scene.guest('Ada');
    const room = await scene.room(ada);
    const request = { title: 'T', content: 'x' };
    await ada.rest.post(DOCUMENTS, request, key);
    for (const other of [
      { content: 'y' },
      { title: 'U' },
      { metadata: { a: 1 } },
      { conversations: [room] },
      { media_type: 'text/markdown' },
    ]) {
      const { status, body } = await ada.rest.post(DOCUMENTS, { ...request, ...other }, key);
      expect([status, body.reason]).toEqual([409, 'key_reused']);
    }
  });

  it('is free again when the document is deleted', async () => {
    const ada = await scene.guest('Ada');
    const first = await ada.rest.post(DOCUMENTS, { title: 'T', content: 'x' }, key);
    await ada.rest.delete(`${DOCUMENTS}/${first.body.document_id}`);
    const next = await ada.rest.post(DOCUMENTS, { title: 'T', content: 'y' }, key);
    expect(next.status).toBe(201);
    expect(next.body.document_id).not.toBe(first.body.document_id);
  });

  it('stores once, however many send it at once', async () => {
    const ada = await scene.guest('Ada');
    const replies = await Promise.all(
      Array.from({ length: 4 }, () => ada.rest.post(DOCUMENTS, { title: 'T', content: 'x' }, key)),
    );
    expect(replies.map(({ status }) => status).toSorted()).toEqual([200, 200, 200, 201]);
    expect(new Set(replies.map(({ body }) => body.document_id)).size).toBe(1);
  });
});

function idOf(item: { document_id: string }): string {
  return item.document_id;
}
