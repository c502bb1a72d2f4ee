import { describe, expect, it } from 'vitest';
import { useWire } from '../support/wire.ts';

const wire = useWire();

/** A room with twenty messages and its two people; `seqs` are those of the messages. */
async function twenty() {
  const { id, people } = await wire.room('Ada', 'Bob');
  const [ada, bob] = people;
  if (!ada || !bob) throw new Error('nobody');
  const acks = await Promise.all(
    Array.from({ length: 20 }, (_, index) => ada.ws.send(id, `message ${index}`)),
  );
  const seqs = acks.map(({ seq }) => seq).sort((a, b) => a - b);
  return { id, ada, bob, seqs, path: `/v1/conversations/${id}/messages` };
}

describe('POST …/messages', () => {
  it('answers 201 with its seq when it is durable, and the people attached get the event', async () => {
    const { id, ada, bob, path } = await twenty();
    const body = { content: 'over REST', metadata: { via: 'curl' } };
    const reply = await bob.rest.post(path, body);
    expect(reply.status).toBe(201);
    const event = await ada.ws.waitForSeq(id, reply.body.seq);
    expect(event).toMatchObject({ kind: 'message', from: { id: bob.id, name: 'Bob' }, ...body });
  });

  it('is 403 not_a_participant for one who never joined, and stores nothing', async () => {
    const { ada, path, seqs } = await twenty();
    const stranger = await wire.person('Stranger');
    const reply = await stranger.rest.post(path, { content: 'hi' });
    expect([reply.status, reply.body.reason]).toEqual([403, 'not_a_participant']);
    const next = await ada.rest.post(path, { content: 'next' });
    expect(next.body.seq).toBe((seqs.at(-1) ?? 0) + 1);
  });

  it.each([
    ['without content', {}],
    ['with content that is a number', { content: 7 }],
    ['with empty content', { content: '' }],
    ['with a reply_to of 0', { content: 'x', reply_to: 0 }],
    ['with metadata that is a string', { content: 'x', metadata: 'm' }],
  ])('is 400 invalid_field %s', async (_, body) => {
    const { ada, path } = await twenty();
    const reply = await ada.rest.post(path, body);
    expect([reply.status, reply.body.reason]).toEqual([400, 'invalid_field']);
  });

  it('is 400 for an Idempotency-Key that is no key', async () => {
    const { ada, path } = await twenty();
    const reply = await ada.rest.post(path, { content: 'x' }, { 'idempotency-key': 'a b' });
    expect(reply.status).toBe(400);
  });
});

describe('GET …/messages', () => {
  it('shows a message as it stands, with its author and its time', async () => {
    const { bob, ada, path, seqs } = await twenty();
    const { status, body } = await bob.rest.get(`${path}/${seqs[4]}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      seq: seqs[4],
      kind: 'message',
      content: 'message 4',
      from: { id: ada.id, name: 'Ada', kind: 'human' },
    });
    expect(body.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it('lists messages only, and by after_seq every one once, in order', async () => {
    const { bob, path, seqs } = await twenty();
    const seen: number[] = [];
    for (let after = 0; ; after = seen.at(-1) ?? 0) {
      const { status, body } = await bob.rest.get(`${path}?after_seq=${after}&limit=7`);
      expect(status).toBe(200);
      expect(body.items.length).toBeLessThanOrEqual(7);
      if (body.items.length === 0) break;
      for (const item of body.items) expect(item.kind).toBe('message');
      seen.push(...body.items.map((item: { seq: number }) => item.seq));
    }
    expect(seen).toEqual(seqs);
  });

  it('gives by before_seq those that come just before it, and by both those between', async () => {
    const { bob, path, seqs } = await twenty();
    const list = async (query: string) => {
      const { body } = await bob.rest.get(`${path}?${query}`);
      return body.items
        .map((item: { seq: number }) => item.seq)
        .sort((a: number, b: number) => a - b);
    };
    expect(await list(`before_seq=${seqs[10]}&limit=4`)).toEqual(seqs.slice(6, 10));
    expect(await list(`before_seq=${seqs[2]}&limit=4`)).toEqual(seqs.slice(0, 2));
    expect(await list(`after_seq=${seqs[3]}&before_seq=${seqs[8]}&limit=100`)).toEqual(
      seqs.slice(4, 8),
    );
  });

  it.each(['limit=0', 'limit=x', 'after_seq=-1', 'after_seq=x', 'before_seq=1.5'])(
    'answers 400 for ?%s',
    async (query) => {
      const { bob, path } = await twenty();
      expect((await bob.rest.get(`${path}?${query}`)).status).toBe(400);
    },
  );

  it('never gives more than a bounded page, whatever is asked for', async () => {
    const { bob, path } = await twenty();
    const { status, body } = await bob.rest.get(`${path}?limit=1000000`);
    expect([200, 400]).toContain(status);
    if (status === 200) expect(body.items).toHaveLength(20);
  });

  it.each(['0', '999', 'x', '-1', '1e3'])('answers 404 or 400 for …/messages/%s', async (seq) => {
    const { bob, path } = await twenty();
    const { status, body } = await bob.rest.get(`${path}/${seq}`);
    expect([400, 404]).toContain(status);
    if (seq === '999') expect(body.reason).toBe('message_not_found');
  });

  it('answers 404 message_not_found for an event that is no message', async () => {
    const { bob, path } = await twenty();
    const joined = bob.ws.framesOf('event').find(({ kind }) => kind === 'participant.joined');
    const { status, body } = await bob.rest.get(`${path}/${joined?.seq}`);
    expect([status, body.reason]).toEqual([404, 'message_not_found']);
  });
});
