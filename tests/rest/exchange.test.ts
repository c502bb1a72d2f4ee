import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { eventually, within } from '../support/deadline.ts';
import { useServed } from './served.ts';

const start = useServed();

/** What a server answers to bytes on a socket; `end` says when that is enough. */
function raw(url: string, bytes: string | Buffer, end: RegExp): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  const answer = new Promise<string>((resolve, reject) => {
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (end.test(text)) resolve(text);
    });
    socket.on('error', reject).on('close', () => resolve(text));
  });
  socket.write(bytes);
  return within(answer, `an answer like ${end}`).finally(() => socket.destroy());
}

describe('an exchange', () => {
  it('says with 405 which methods there are, and to OPTIONS without a body', async () => {
    const { rest } = await (await start()).person('ada');
    const refused = await rest.request('PUT', '/v1/conversations/c');
    expect([refused.status, refused.body.reason]).toEqual([405, 'method_not_allowed']);
    const allow = 'GET, PATCH, DELETE, HEAD, OPTIONS';
    expect(refused.headers.get('allow')).toBe(allow);
    const asked = await rest.request('OPTIONS', '/v1/conversations/c');
    expect([asked.status, asked.text]).toEqual([204, '']);
    expect(asked.headers.get('allow')).toBe(allow);
    expect(asked.headers.has('content-length')).toBe(false);
  });

  it('answers HEAD with the headers of GET, and no body', async () => {
    const { url } = await start();
    const [head, get] = [
      await fetch(`${url}/health`, { method: 'HEAD' }),
      await fetch(`${url}/health`),
    ];
    expect(head.status).toBe(200);
    expect(await head.text()).toBe('');
    for (const name of ['content-type', 'content-length', 'cache-control']) {
      expect(head.headers.get(name)).toBe(get.headers.get(name));
    }
  });

  it('lets no browser guess, share or keep what it answers', async () => {
    const { headers } = await (await start()).rest().get('/health');
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-store',
    });
    expect(headers.has('access-control-allow-origin')).toBe(false);
  });

  it('names the scheme where a token is missing', async () => {
    const { headers } = await (await start()).rest().get('/v1/conversations');
    expect(headers.get('www-authenticate')).toBe('Bearer');
  });

  it('is 415 for JSON in another charset, and takes no body at all for an empty object', async () => {
    const served = await start();
    const headers = { 'content-type': 'application/json; charset=latin1' };
    const other = await served.rest().request('POST', '/v1/guests', { raw: '{}', headers });
    expect(other.status).toBe(415);
    expect((await served.rest().request('POST', '/v1/guests')).status).toBe(201);
  });

  it('is 413 after the whole of a body that is too large, in pieces or at once', async () => {
    const { url } = await start({ maxBodyBytes: 1_024 });
    const piece = `${(1_000).toString(16)}\r\n${'x'.repeat(1_000)}\r\n`;
    const head = 'POST /v1/guests HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';
    const chunked = `${head}transfer-encoding: chunked\r\n\r\n${piece.repeat(200)}0\r\n\r\n`;
    expect(await raw(url, chunked, /}$/)).toMatch(/^HTTP\/1.1 413 .*"reason":"body_too_large"/s);
    const sized = `${head}content-length: 200000\r\n\r\n${'x'.repeat(200_000)}`;
    expect(await raw(url, sized, /}$/)).toMatch(/^HTTP\/1.1 413 .*"reason":"body_too_large"/s);
  });

  it('is cut off when its body has no end', async () => {
    const { url } = await start({ maxBodyBytes: 1_024 });
    const head = 'POST /v1/guests HTTP/1.1\r\nhost: x\r\ncontent-length: 999999999\r\n\r\n';
    const answer = await raw(url, head + 'x'.repeat(1_024 * 300), /}$/);
    expect(answer).toContain('body_too_large');
  });

  it('does no harm when its client goes away in the middle of the body, or before the answer', async () => {
    const served = await start();
    const ada = await served.person('ada');
    await served.room(ada, 'c');
    const socket = connect(Number(new URL(served.url).port), '127.0.0.1');
    const head = `POST /v1/conversations/c/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${ada.token}\r\n`;
    socket.write(`${head}content-length: 100\r\n\r\n{"con`);
    await new Promise((resolve) => socket.on('connect', resolve));
    socket.destroy();

    served.store.hold('append');
    const abort = new AbortController();
    const posting = fetch(`${served.url}/v1/conversations/c/messages`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'application/json' },
      body: '{"content":"still stored"}',
      signal: abort.signal,
    });
    await eventually('the append is under way', async () => served.store.held.length === 1);
    abort.abort();
    await expect(posting).rejects.toThrow();
    served.store.letGo();
    const last = async () => (await ada.rest.get('/v1/conversations/c/messages')).body.items.at(-1);
    await eventually('it is stored', async () => (await last())?.content === 'still stored');
  });

  it('is 500 with an id to find it in the log, and nothing else, when a route breaks', async () => {
    const served = await start();
    const ada = await served.person('ada');
    await served.room(ada, 'c');
    served.store.doom('readMessages', 'throws');
    const { status, body, text } = await ada.rest.get('/v1/conversations/c/messages');
    expect([status, body.reason]).toEqual([500, 'internal']);
    expect(text).not.toMatch(/broken|at .*\.ts/);
    const line = served.lines.find(({ level }) => level === 'error');
    expect(line?.about).toMatchObject({
      correlation_id: body.correlation_id,
      route: '/v1/conversations/{id}/messages',
      cause: new Error('the store is broken'),
    });
  });

  it('is counted once by its reason when it is refused, and logged by its pattern', async () => {
    const served = await start();
    await served.rest().get('/v1/conversations/some-id');
    await served.rest().get('/some/path');
    const { refusals } = served.runtime.edge.meters;
    expect(Object.fromEntries(refusals)).toEqual({ unauthenticated: 1, not_found: 1 });
    expect(JSON.stringify(served.lines)).not.toMatch(/some-id|some\/path/);
  });

  it('is 503 with when to try again, while the store is away or the server stops', async () => {
    const served = await start();
    const ada = await served.person('ada');
    await served.room(ada, 'c');
    served.store.down();
    const path = '/v1/conversations/c/messages';
    const away = await ada.rest.post(path, { content: 'x' });
    expect([away.status, away.body.reason]).toEqual([503, 'storage_unavailable']);
    expect(away.headers.get('retry-after')).toBe(
      String(Math.ceil(away.body.retry_after_ms / 1000)),
    );
    served.store.up();
    await served.clock.pass(1_000);
    expect((await ada.rest.post(path, { content: 'x' })).status).toBe(201);
    await served.runtime.drain();
    const stopping = await ada.rest.post(path, { content: 'y' });
    expect([stopping.status, stopping.body.reason]).toEqual([503, 'draining']);
    expect(stopping.headers.get('connection')).toBe('close');
    expect((await served.rest().get('/health/ready')).body.reason).toBe('draining');
    expect((await served.rest().get('/health/live')).status).toBe(200);
  });

  it('is not 503 when an edit is stored, and cannot be read', async () => {
    const served = await start();
    const ada = await served.person('ada');
    await served.room(ada, 'c');
    const { rest } = ada;
    const room = '/v1/conversations/c';
    const { seq } = (await rest.post(`${room}/messages`, { content: 'a' })).body;
    served.store.doom('readMessages', 'ok', 'none');
    const edited = await rest.request('PATCH', `${room}/messages/${seq}`, {
      body: { content: 'b' },
    });
    expect([edited.status, edited.body.reason]).toEqual([500, 'internal']);
    expect((await rest.get(`${room}/messages/${seq}`)).body.content).toBe('b');
  });

  it('is answered before the server goes, when what it asked for was taken', async () => {
    const served = await start();
    const ada = await served.person('ada');
    await served.room(ada, 'c');
    served.store.hold('append');
    const posting = ada.rest.post('/v1/conversations/c/messages', { content: 'x' });
    await eventually('the append is under way', async () => served.store.held.length === 1);
    const gone = served.runtime.drain().then(() => served.close());
    served.store.letGo();
    expect((await posting).status).toBe(201);
    await gone;
  });

  it('is 429 with when to try again, in whole seconds rounded up, when the mailbox is full', async () => {
    const served = await start({ mailboxCapacity: 2 });
    const ada = await served.person('ada');
    await served.room(ada, 'c');
    const path = '/v1/conversations/c/messages';
    served.store.hold('append');
    const first = ada.rest.post(path, { content: '0' });
    await eventually('a batch is under way', async () => served.store.held.length === 1);
    const replies = Promise.all(
      Array.from({ length: 5 }, (_, at) => ada.rest.post(path, { content: `${at}` })),
    );
    await eventually('some are refused', async () => served.runtime.edge.meters.refusals.size > 0);
    served.store.letGo();
    expect((await first).status).toBe(201);
    const statuses = (await replies).map(({ status }) => status).sort();
    expect(statuses).toEqual([201, 201, 429, 429, 429]);
    for (const { status, headers, body } of await replies) {
      if (status !== 429) continue;
      expect(body).toMatchObject({ reason: 'mailbox_full', retryable: true });
      expect(headers.get('retry-after')).toBe(
        `${Math.max(1, Math.ceil(body.retry_after_ms / 1000))}`,
      );
    }
    const { items } = (await ada.rest.get(path)).body;
    expect(items).toHaveLength(3);
    expect(served.runtime.edge.meters.refusals.get('mailbox_full')).toBe(3);
  });
});
