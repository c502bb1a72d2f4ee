import { describe, expect, it } from 'vitest';
import { eventually } from '../support/deadline.ts';
import type { Reply, RestClient } from '../support/rest-client.ts';
import { type Person, useWire } from '../support/wire.ts';

const MODES = ['keyword', 'vector', 'hybrid'];
const STORES = [
  ['memory', 'memory:'],
  ['sqlite', 'sqlite:{dir}/search.db'],
] as const;

const pathOf = (id: string) => `/v1/conversations/${id}/search`;

async function search(rest: RestClient, id: string, query: Readonly<Record<string, string>>) {
  return rest.get(`${pathOf(id)}?${new URLSearchParams(query)}`);
}

function expectRefused({ status, body }: Reply, code: number, reason: string): void {
  expect([status, body.reason]).toEqual([code, reason]);
}

/** The seqs that are found, best first. */
async function found(
  { rest }: Person,
  id: string,
  query: Readonly<Record<string, string>>,
): Promise<number[]> {
  const { status, body, text } = await search(rest, id, query);
  if (status !== 200) throw new Error(text);
  return body.items.map(({ seq }: { seq: number }) => seq);
}

describe.each(STORES)('search in a conversation on %s', (_, store) => {
  const wire = useWire({ store });

  async function said(...contents: readonly string[]) {
    const { id, people } = await wire.room('Ada', 'Bob');
    const [ada, bob] = people;
    if (!ada || !bob) throw new Error('nobody');
    const seqs: number[] = [];
    for (const content of contents) seqs.push((await ada.ws.send(id, content)).seq);
    return { id, ada, bob, seqs, path: `/v1/conversations/${id}` };
  }

  it('answers with seq, score, snippet and the message as it is listed, best first', async () => {
    const { id, ada, bob, seqs, path } = await said(
      'The <gateway> is deployed on Thursday',
      'Lunch at noon',
      'Nothing is deployed on Fridays',
    );
    const { status, body } = await search(bob.rest, id, { q: 'gateway deployed' });
    expect(status).toBe(200);
    const { body: listed } = await bob.rest.get(`${path}/messages`);
    const { items, ...rest } = body;
    expect(rest).toEqual({ next_cursor: null, mode: 'hybrid', degraded: false });
    expect(items[0]).toEqual({
      seq: seqs[0],
      score: expect.any(Number),
      snippet: 'The &lt;<mark>gateway</mark>&gt; is <mark>deployed</mark> on Thursday',
      message: listed.items[0],
    });
    expect(items.map(({ seq }: { seq: number }) => seq).slice(0, 2)).toEqual([seqs[0], seqs[2]]);
    expect(items[0].score).toBeGreaterThan(items[1].score);
    expect(await found(ada, id, { q: 'gateway', limit: '1' })).toEqual([seqs[0]]);
  });

  it.each(MODES)('honours by %s what was sent, edited and deleted just before', async (mode) => {
    const { id, ada, bob, seqs } = await said('a word about turtles', 'and one on the harbour');
    const [turtles = 0, harbour = 0] = seqs;
    expect(await found(bob, id, { q: 'turtles', mode })).toEqual([turtles]);
    const { seq } = await ada.ws.send(id, 'turtles again');
    expect((await found(bob, id, { q: 'turtles', mode })).sort()).toEqual([turtles, seq]);
    await ada.rest.patch(`/v1/conversations/${id}/messages/${turtles}`, { content: 'on gateways' });
    expect(await found(bob, id, { q: 'turtles', mode })).toEqual([seq]);
    expect(await found(bob, id, { q: 'gateways', mode })).toEqual([turtles]);
    await ada.rest.delete(`/v1/conversations/${id}/messages/${seq}`);
    expect(await found(bob, id, { q: 'turtles', mode })).toEqual([]);
    expect(await found(bob, id, { q: 'harbour', mode })).toEqual([harbour]);
    await ada.rest.delete(`/v1/conversations/${id}/messages/${turtles}`);
    for (const q of ['turtles', 'gateways', 'a word about turtles'])
      expect(await found(bob, id, { q, mode })).not.toContain(turtles);
  });

  it('finds words in any script, with accents and without, as they are told apart by people', async () => {
    const { id, ada, seqs } = await said('私は東京に住んでいます', 'Überraschung!', 'Привет 👋🏽');
    for (const mode of MODES) {
      expect((await found(ada, id, { q: '東京', mode }))[0]).toBe(seqs[0]);
      expect((await found(ada, id, { q: 'uberraschung', mode }))[0]).toBe(seqs[1]);
      expect((await found(ada, id, { q: 'ПРИВЕТ', mode }))[0]).toBe(seqs[2]);
    }
  });

  it('takes what other searches read as commands for nothing but text', async () => {
    const { id, ada, seqs } = await said('turtles and harbours', 'something else');
    const queries = ['"', '""', '"turtles', 'turtles*', 'turtles AND NOT harbour', 'NEAR(turtles)'];
    queries.push('content:turtles', "turtles'--", '(turtles', '-turtles', 'turtles\u0000', '!&|:*');
    for (const q of queries) {
      for (const mode of MODES) {
        const seqsFound = await found(ada, id, { q, mode });
        if (q.includes('turtles')) expect([q, seqsFound]).toEqual([q, [seqs[0]]]);
      }
    }
  });

  it.each([
    ['no q', {}],
    ['a blank q', { q: '  ' }],
    ['a q of 501 characters', { q: 'x'.repeat(501) }],
    ['a mode that is none', { q: 'x', mode: 'magic' }],
    ['a limit of 0', { q: 'x', limit: '0' }],
    ['a limit of 101', { q: 'x', limit: '101' }],
    ['a limit that is no number', { q: 'x', limit: 'all' }],
  ])('refuses %s with 400', async (_, query) => {
    const { id, ada } = await said();
    expectRefused(await search(ada.rest, id, query), 400, 'invalid_field');
  });

  it('lets those search who may read, an observer too, and tells others what reading tells them', async () => {
    const { id, ada, bob, path, seqs } = await said('turtles');
    const put = await ada.rest.put(`${path}/participants/${bob.id}`, { role: 'observer' });
    expect(put.status).toBe(200);
    expect(await found(bob, id, { q: 'turtles' })).toEqual(seqs);
    const stranger = await wire.person('Stranger');
    expectRefused(await search(stranger.rest, id, { q: 'turtles' }), 403, 'not_a_participant');
    await ada.rest.patch(path, { visibility: 'invite' });
    for (const where of [id, 'nowhere-at-all'])
      expectRefused(await search(stranger.rest, where, { q: 'x' }), 404, 'conversation_not_found');
    expectRefused(await search(wire.rest(), id, { q: 'turtles' }), 401, 'unauthenticated');
  });

  it('shows nothing of other conversations, nor of one that was deleted', async () => {
    const first = await said('turtles');
    const { id, ada } = await said('harbours');
    for (const mode of MODES) expect(await found(ada, id, { q: 'turtles', mode })).toEqual([]);
    await first.ada.rest.delete(first.path);
    const again = { conversation_id: first.id };
    expect((await first.ada.rest.post('/v1/conversations', again)).status).toBe(201);
    for (const mode of MODES)
      expect(await found(first.ada, first.id, { q: 'turtles', mode })).toEqual([]);
  });

  it('has one search of each participant under way; more are 429', async () => {
    const { id, ada, bob } = await said(...Array.from({ length: 50 }, (_, at) => `turtle ${at}`));
    const replies = await Promise.all(
      Array.from({ length: 20 }, () => search(ada.rest, id, { q: 'turtle' })),
    );
    const statuses = new Set(replies.map(({ status }) => status));
    expect([...statuses].every((status) => status === 200 || status === 429)).toBe(true);
    expect(statuses).toContain(200);
    for (const reply of replies)
      if (reply.status === 429) expectRefused(reply, 429, 'rate_limited');
    expect(await found(bob, id, { q: 'turtle', limit: '100' })).toHaveLength(50);
    expect(await found(ada, id, { q: 'turtle', limit: '100' })).toHaveLength(50);
  });

  it('counts what it answered', async () => {
    const { id, ada } = await said('turtles');
    await found(ada, id, { q: 'turtles', mode: 'keyword' });
    const { text } = await ada.rest.get('/metrics');
    expect(text).toMatch(/colloquy_searches_total\{mode="keyword"\} [1-9]/);
    expect(text).toMatch(/colloquy_search_seconds_total\{mode="keyword"\} \d/);
    expect(text).toContain('colloquy_searches_degraded_total{mode="keyword"} 0');
  });
});

describe('search with an embedder that is unplugged', () => {
  const wire = useWire({
    embedder: 'openai',
    'embedding-base-url': 'http://127.0.0.1:9/v1',
    'embedding-model': 'nobody',
    'embedding-dimensions': 64,
    'log-level': 'error',
  });

  it('answers by words, and says that it is degraded', async () => {
    const { id, people } = await wire.room('Ada');
    const ada = people[0]!;
    const { seq } = await ada.ws.send(id, 'a word about turtles');
    for (const mode of ['vector', 'hybrid']) {
      const { status, body } = await search(ada.rest, id, { q: 'turtles', mode });
      expect([status, body.degraded, body.mode]).toEqual([200, true, mode]);
      expect(body.items.map((item: { seq: number }) => item.seq)).toEqual([seq]);
    }
    const { body } = await search(ada.rest, id, { q: 'turtles', mode: 'keyword' });
    expect(body.degraded).toBe(false);
  });
});

describe('search after a start with another embedder', () => {
  const wire = useWire({ store: 'sqlite:{dir}/moved.db' });

  it('goes on where it was', async () => {
    const { id, people } = await wire.room('Ada');
    const ada = people[0]!;
    const { seq } = await ada.ws.send(id, 'a word about turtles');
    expect(await found(ada, id, { q: 'turtles', mode: 'vector' })).toEqual([seq]);
    await wire.close();
    await wire.server.kill('SIGTERM');
    await wire.server.start({ 'embedding-dimensions': 64 });
    await eventually('a vector search', async () => {
      const { body } = await search(wire.rest(ada.token), id, { q: 'turtles', mode: 'vector' });
      return body.degraded === false && body.items[0]?.seq === seq;
    });
  });
});
