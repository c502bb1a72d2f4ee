import { request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { bombPdf, encryptedPdf } from '../library/pdf.ts';
import { type Reply, RestClient } from '../support/rest-client.ts';
import { DOCUMENTS, type Guest, type StorePlace, useDocuments } from './documents-scene.ts';
import { useServed } from './served.ts';

const memory: StorePlace = async () => ({ url: 'memory:', drop: async () => {} });

const said = ({ status, body }: Reply) => [status, body.reason];

function upload(
  { rest }: Guest,
  [type, raw]: readonly [string, string | Buffer],
  query = 'title=T',
) {
  return rest.request('POST', `${DOCUMENTS}?${query}`, { raw, headers: { 'content-type': type } });
}

describe('a document is refused', () => {
  const scene = useDocuments(memory, { 'max-document-bytes': 2 ** 20, 'extract-ms': 2_000 });

  it.each([
    ['GET', ''],
    ['POST', ''],
    ['POST', '/search'],
    ['GET', '/x'],
    ['DELETE', '/x'],
    ['GET', '/x/chunks'],
  ])('with 401 for %s %s without a token', async (method, tail) => {
    const rest = new RestClient(scene.server.url);
    const body = method === 'POST' ? { body: { title: 'T', content: 'x', query: 'x' } } : {};
    expect(said(await rest.request(method, DOCUMENTS + tail, body))).toEqual([
      401,
      'unauthenticated',
    ]);
  });

  it.each([
    'text/csv',
    'application/xml',
    'multipart/form-data; boundary=x',
    'text/plain; charset=latin1',
    'nonsense',
  ])('with 415 as %s', async (type) => {
    const ada = await scene.guest('Ada');
    expect(said(await upload(ada, [type, 'x']))).toEqual([415, 'unsupported_media_type']);
  });

  it.each([
    ['no title', {}],
    ['a blank title', { title: '  ' }],
    ['a long title', { title: 'x'.repeat(301) }],
    ['a title with a line end', { title: 'a\nb' }],
    ['no content', { title: 'T', content: undefined }],
    ['content that is no text', { title: 'T', content: 7 }],
    ['another media type', { title: 'T', media_type: 'text/csv' }],
    ['metadata that is a list', { title: 'T', metadata: [] }],
    ['metadata of 5 KB', { title: 'T', metadata: { a: 'x'.repeat(5_000) } }],
    ['a bad id of a conversation', { title: 'T', conversations: ['a b'] }],
    [
      '33 conversations',
      { title: 'T', conversations: Array.from({ length: 33 }, (_, i) => `c${i}`) },
    ],
  ])('with 400 invalid_field for JSON with %s', async (_, body) => {
    const ada = await scene.guest('Ada');
    const reply = await ada.rest.post(DOCUMENTS, { content: 'x', ...body });
    expect(said(reply)).toEqual([400, 'invalid_field']);
  });

  it.each([
    ['no title', ''],
    ['metadata that is no JSON', 'title=T&metadata=x'],
    ['metadata that is no object', 'title=T&metadata=1'],
    ['a bad id of a conversation', 'title=T&conversations=a%20b'],
  ])('with 400 invalid_field for a query with %s', async (_, query) => {
    const ada = await scene.guest('Ada');
    expect(said(await upload(ada, ['text/plain', 'x'], query))).toEqual([400, 'invalid_field']);
  });

  it.each([
    ['text/plain', '', 422],
    ['text/plain', Buffer.from([0x61, 0xff]), 400],
    ['application/json', '{"title":"T","content":', 400],
    ['application/json', '', 400],
    ['application/json', '['.repeat(500_000), 400],
    [
      'application/json',
      `{"title":"T","content":"x","metadata":${'{"a":'.repeat(9_000)}1${'}'.repeat(9_000)}}`,
      400,
    ],
    ['application/pdf', '%PDF-1.7 and then nothing', 422],
    ['application/pdf', encryptedPdf(), 422],
    ['application/pdf', bombPdf(2 ** 28), 422],
    ['text/html', '<div>'.repeat(200_000), 422],
  ])('with a reason when it cannot be read: %s %#', async (type, raw, status) => {
    const ada = await scene.guest('Ada');
    expect((await upload(ada, [type, raw])).status).toBe(status);
    expect((await ada.rest.get(DOCUMENTS)).body.items).toEqual([]);
    // The server and its threads are there for the next one.
    expect((await upload(ada, ['text/plain', 'next'])).status).toBe(201);
  });

  it('with 413 when it is too large, in any form, and one that is just small enough is not', async () => {
    const ada = await scene.guest('Ada');
    const most = 'word '.repeat(2 ** 20 / 5);
    expect((await upload(ada, ['text/plain', most])).status).toBe(201);
    expect(said(await upload(ada, ['text/plain', `${most}more`]))).toEqual([413, 'body_too_large']);
    const form = await ada.rest.post(DOCUMENTS, { title: 'T', content: most });
    expect(said(form)).toEqual([413, 'body_too_large']);
  });

  it.each([
    ['an empty query', { query: ' ' }],
    ['no query', {}],
    ['a query that is too long', { query: 'x'.repeat(2_001) }],
    ['another mode', { query: 'x', mode: 'magic' }],
    ['no limit to speak of', { query: 'x', limit: 0 }],
    ['too high a limit', { query: 'x', limit: 51 }],
    ['a bad id of a conversation', { query: 'x', conversation_id: '' }],
  ])('search: with 400 for %s', async (_, body) => {
    const ada = await scene.guest('Ada');
    expect(said(await ada.rest.post(`${DOCUMENTS}/search`, body))).toEqual([400, 'invalid_field']);
  });

  it('at pages: with 400 for what is no cursor', async () => {
    const ada = await scene.guest('Ada');
    const { document_id: id } = await scene.add(ada, { content: 'x' });
    for (const tail of ['?cursor=a%20b', '?limit=0', '?limit=501', `/${id}/chunks?cursor=x`])
      expect(said(await ada.rest.get(DOCUMENTS + tail))).toEqual([400, 'invalid_field']);
    expect((await ada.rest.request('PUT', `${DOCUMENTS}/${id}`, { body: {} })).status).toBe(405);
    expect((await ada.rest.get(`${DOCUMENTS}/search`)).status).toBe(405);
  });

  it('with 429 beyond four uploads of one participant at once; others go on', async () => {
    const [ada, bob] = [await scene.guest('Ada'), await scene.guest('Bob')];
    const slow = await Promise.all(
      Array.from({ length: 4 }, () => beginUpload(scene.server.port, ada)),
    );
    expect(said(await upload(ada, ['text/plain', 'fifth']))).toEqual([429, 'rate_limited']);
    expect((await upload(bob, ['text/plain', 'other'])).status).toBe(201);
    expect(await Promise.all(slow.map((end) => end()))).toEqual([201, 201, 201, 201]);
    expect((await upload(ada, ['text/plain', 'fifth'])).status).toBe(201);
  });
});

describe('a server with as many uploads as it may have', () => {
  const scene = useDocuments(memory);

  it('answers 503 to one more, after its body, and takes it when another has ended', async () => {
    const guests = await scene.guests(...Array.from({ length: 8 }, (_, i) => `Guest ${i}`));
    const slow = await Promise.all(
      guests.flatMap((guest) =>
        Array.from({ length: 4 }, () => beginUpload(scene.server.port, guest)),
      ),
    );
    const late = await scene.guest('Late');
    const one = ['text/plain', 'x'.repeat(1_000_000)] as const;
    expect(said(await upload(late, one))).toEqual([503, 'overloaded']);
    expect(await slow.pop()?.()).toBe(201);
    expect((await upload(late, one)).status).toBe(201);
    for (const end of slow) expect(await end()).toBe(201);
  });
});

describe('while the store is away', () => {
  const start = useServed();

  it('every request about documents is 503, and none is half done', async () => {
    const served = await start();
    const { rest } = await served.person('ada');
    const { body } = await rest.post(DOCUMENTS, { title: 'T', content: 'x' });
    await served.store.inner.close();
    for (const reply of [
      await rest.post(DOCUMENTS, { title: 'T', content: 'y' }),
      await rest.post(DOCUMENTS, { title: 'T', content: 'y' }, { 'idempotency-key': 'k' }),
      await rest.get(DOCUMENTS),
      await rest.get(`${DOCUMENTS}/${body.document_id}`),
      await rest.get(`${DOCUMENTS}/${body.document_id}/chunks`),
      await rest.delete(`${DOCUMENTS}/${body.document_id}`),
      await rest.post(`${DOCUMENTS}/search`, { query: 'x' }),
    ])
      expect(said(reply)).toEqual([503, 'storage_unavailable']);
  });
});

describe('a participant', () => {
  const scene = useDocuments(memory, { 'max-documents': 2, 'max-document-chunks': 3 });

  it('owns so many documents at most: 429, until one is deleted; those of others do not count', async () => {
    const [ada, bob] = [await scene.guest('Ada'), await scene.guest('Bob')];
    const room = await scene.room(ada, [[bob, 'member']]);
    const key = { 'idempotency-key': 'k' };
    const first = await ada.rest.post(DOCUMENTS, { title: 'T', content: '1' }, key);
    await scene.add(ada, { content: '2', conversations: [room] });
    const third = { title: 'T', content: '3' };
    expect(said(await ada.rest.post(DOCUMENTS, third))).toEqual([429, 'too_many_documents']);
    const keyed = await ada.rest.post(DOCUMENTS, third, { 'idempotency-key': 'k3' });
    expect(said(keyed)).toEqual([429, 'too_many_documents']);
    expect((await ada.rest.get(DOCUMENTS)).body.items).toHaveLength(2);
    // A repeated request stores nothing.
    const again = await ada.rest.post(DOCUMENTS, { title: 'T', content: '1' }, key);
    expect([again.status, again.body.document_id]).toEqual([200, first.body.document_id]);
    for (const content of ['a', 'b']) await scene.add(bob, { content });
    await ada.rest.delete(`${DOCUMENTS}/${first.body.document_id}`);
    expect((await ada.rest.post(DOCUMENTS, third)).status).toBe(201);
  });

  it('keeps no document of more chunks than there may be: 413', async () => {
    const ada = await scene.guest('Ada');
    const reply = await upload(ada, ['text/plain', 'word '.repeat(1_000)]);
    expect(said(reply)).toEqual([413, 'body_too_large']);
  });
});

/** An upload whose last byte is sent when told; then its status. */
async function beginUpload(port: number, { rest }: Guest): Promise<() => Promise<number>> {
  const call = request({
    port,
    method: 'POST',
    path: `${DOCUMENTS}?title=slow`,
    headers: {
      authorization: `Bearer ${rest.token}`,
      'content-type': 'text/plain',
      'content-length': 9,
    },
  });
  const answered = new Promise<number>((resolve, reject) => {
    call.on('error', reject);
    call.on('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
  });
  await new Promise<void>((resolve) => call.write('begun an', () => resolve()));
  // It is on its way; that the server has it is known by an answer on another connection.
  await rest.get(DOCUMENTS);
  return () => {
    call.end('d');
    return answered;
  };
}
