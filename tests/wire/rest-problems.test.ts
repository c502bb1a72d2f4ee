import { describe, expect, it } from 'vitest';
import { useWire } from '../support/wire.ts';

/**
 * That a failure is problem+json with its reason's status, `Retry-After` where it must be and a
 * correlation id is held for every answer of every test by the REST client itself.
 */
const wire = useWire();

async function room() {
  const { id, people } = await wire.room('Ada');
  const ada = people[0];
  if (!ada) throw new Error('nobody');
  const { seq } = await ada.ws.send(id, 'hello');
  return { id, ada, seq, path: `/v1/conversations/${id}` };
}

describe('a failure over REST', () => {
  it.each([
    ['GET', ''],
    ['PATCH', ''],
    ['DELETE', ''],
    ['POST', '/messages'],
    ['GET', '/messages'],
    ['GET', '/messages/1'],
    ['PATCH', '/messages/1'],
    ['DELETE', '/messages/1'],
    ['GET', '/events'],
    ['GET', '/participants'],
    ['PUT', '/participants/p'],
    ['DELETE', '/participants/p'],
  ])('is 401 for %s …%s without a token, and with a bad one', async (method, tail) => {
    const { path } = await room();
    const body = method === 'GET' || method === 'DELETE' ? {} : { body: { content: 'x' } };
    const without = await wire.rest().request(method, path + tail, body);
    expect([without.status, without.body.reason]).toEqual([401, 'unauthenticated']);
    const bad = await wire.rest('nonsense').request(method, path + tail, body);
    expect([bad.status, bad.body.reason]).toEqual([401, 'bad_token']);
  });

  it('is 401 for a scheme that is not Bearer', async () => {
    const { path } = await room();
    expect((await wire.rest().get(path, { authorization: 'Basic YTpi' })).status).toBe(401);
  });

  it.each([
    ['text', 'text/plain'],
    ['a form', 'application/x-www-form-urlencoded'],
    ['XML', 'application/xml'],
  ])('is 415 unsupported_media_type for %s', async (_, type) => {
    const { ada, path } = await room();
    const reply = await ada.rest.request('POST', `${path}/messages`, {
      raw: '{"content":"x"}',
      headers: { 'content-type': type },
    });
    expect([reply.status, reply.body.reason]).toEqual([415, 'unsupported_media_type']);
  });

  it('takes JSON with a charset', async () => {
    const { ada, path } = await room();
    const reply = await ada.rest.request('POST', `${path}/messages`, {
      raw: '{"content":"x"}',
      headers: { 'content-type': 'application/json; charset=utf-8' },
    });
    expect(reply.status).toBe(201);
  });

  it.each([
    ['that is cut off', '{"content":'],
    ['that is no JSON', 'hello'],
    ['that is empty', ''],
    ['that is a list', '[]'],
    ['that is null', 'null'],
    ['nested 20,000 deep', '['.repeat(20_000) + ']'.repeat(20_000)],
    ['of bad UTF-8', Buffer.from('{"content":"\xff\xfe"}', 'latin1')],
  ])('is 400 for a body %s', async (_, raw) => {
    const { ada, path, seq } = await room();
    const headers = { 'content-type': 'application/json' };
    const reply = await ada.rest.request('POST', `${path}/messages`, { raw, headers });
    expect(reply.status).toBe(400);
    expect(['bad_request', 'invalid_field', 'bad_frame']).toContain(reply.body.reason);
    expect((await ada.ws.send(path.slice('/v1/conversations/'.length), 'next')).seq).toBe(seq + 1);
  });

  it('is answered for metadata nested 5,000 deep, and is not the end of the server', async () => {
    const { ada, path } = await room();
    const deep = `{"content":"x","metadata":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}}`;
    for (const [method, where] of [
      ['POST', `${path}/messages`],
      ['PATCH', path],
      ['POST', '/v1/conversations'],
    ] as const) {
      const reply = await ada.rest.request(method, where, { raw: deep });
      expect(reply.status).toBe(400);
    }
  });

  it('is 413 body_too_large for a body that no message can need, however it is sent', async () => {
    const { ada, path } = await room();
    const raw = JSON.stringify({ content: 'x', pad: 'x'.repeat(3_000_000) });
    const reply = await ada.rest.request('POST', `${path}/messages`, { raw });
    expect([reply.status, reply.body.reason]).toEqual([413, 'body_too_large']);
    // In chunks, its length is told by nobody beforehand.
    const chunks = ReadableStream.from(Array.from({ length: 50 }, () => Buffer.alloc(60_000, 'x')));
    const streamed = await fetch(`${wire.server.url}${path}/messages`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'application/json' },
      body: chunks,
      duplex: 'half',
    }).then(
      ({ status }) => status,
      () => 'cut off',
    );
    expect([413, 'cut off']).toContain(streamed);
    expect((await ada.rest.get(path)).status).toBe(200);
  });

  it.each(['/v1/nothing', '/v1/conversations/x/nothing', '/v2/conversations'])(
    'is 404 not_found at %s',
    async (path) => {
      const { ada } = await room();
      const reply = await ada.rest.get(path);
      expect([reply.status, reply.body.reason]).toEqual([404, 'not_found']);
    },
  );

  it.each(['%00', 'a%20b', '%F0%9F%A6%84', '%ff', 'a%2Fb', '<script>', `${'x'.repeat(128)}y`, '%'])(
    'is 400 or 404 for an id of a conversation like %j',
    async (id) => {
      const { ada } = await room();
      const reply = await ada.rest.get(`/v1/conversations/${id}`);
      expect([400, 404]).toContain(reply.status);
    },
  );

  it('is about the request: methods that are not offered are refused', async () => {
    const { ada, path } = await room();
    const reply = await ada.rest.request('PUT', `${path}/messages`, { body: {} });
    expect([reply.status, reply.body.reason]).toEqual([405, 'method_not_allowed']);
    expect(reply.headers.get('allow')).toMatch(/GET.*POST|POST.*GET/);
  });
});

describe('X-Correlation-Id', () => {
  it('is echoed', async () => {
    const { ada, path } = await room();
    const headers = { 'x-correlation-id': 'my-correlation-1' };
    const good = await ada.rest.get(path, headers);
    expect(good.headers.get('x-correlation-id')).toBe('my-correlation-1');
    const bad = await ada.rest.get('/v1/conversations/nowhere', headers);
    expect(bad.headers.get('x-correlation-id')).toBe('my-correlation-1');
    expect(bad.body.correlation_id).toBe('my-correlation-1');
  });

  it('is made where there is none, another for each request', async () => {
    const { ada, path } = await room();
    const ids = [await ada.rest.get(path), await ada.rest.get(path)].map((reply) =>
      reply.headers.get('x-correlation-id'),
    );
    expect(ids.every(Boolean)).toBe(true);
    expect(ids[0]).not.toBe(ids[1]);
  });

  it('is not echoed when it could break a log or a header', async () => {
    const { ada, path } = await room();
    const long = 'x'.repeat(300);
    const reply = await ada.rest.get(path, { 'x-correlation-id': long });
    expect(reply.headers.get('x-correlation-id')).not.toBe(long);
  });
});
