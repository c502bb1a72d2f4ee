import { describe, expect, it } from 'vitest';
import { expectError } from '../support/failures.ts';
import { everyItem, wholeLog } from '../support/rest-client.ts';
import { useWire } from '../support/wire.ts';

const wire = useWire({ store: 'sqlite:{dir}/colloquy.db' });

async function pair() {
  const { id, people } = await wire.room('Ada', 'Bob');
  const [ada, bob] = people;
  if (!ada || !bob) throw new Error('nobody');
  return { id, ada, bob };
}

describe('an idempotency key', () => {
  it('gives a repeated send the same seq and time, as a duplicate, and stores it once', async () => {
    const { id, ada, bob } = await pair();
    const first = await ada.ws.send(id, 'once', { key: 'k' });
    const again = await ada.ws.send(id, 'once', { key: 'k' });
    const { seq, created_at } = first;
    expect(first).toMatchObject({ key: 'k', duplicate: false });
    expect(again).toMatchObject({ key: 'k', duplicate: true, seq, created_at });
    const last = await ada.ws.send(id, 'the end');
    expect(last.seq).toBe(seq + 1);
    await bob.ws.waitForSeq(id, last.seq);
    expect(bob.ws.contents(id)).toEqual(['once', 'the end']);
  });

  it('stores once what is sent twenty times at once on two connections and over REST', async () => {
    const { id, ada, bob } = await pair();
    const phone = await wire.connect({ token: ada.token });
    await phone.joinLive(id);
    const path = `/v1/conversations/${id}/messages`;
    const sends = Array.from({ length: 20 }, async (_, index) => {
      if (index % 4 === 3) {
        const reply = await ada.rest.post(path, { content: 'once' }, { 'idempotency-key': 'k' });
        expect([200, 201]).toContain(reply.status);
        return { seq: reply.body.seq, duplicate: reply.status === 200 };
      }
      return (index % 2 === 0 ? ada.ws : phone).send(id, 'once', { key: 'k' });
    });
    const acks = await Promise.all(sends);
    expect(new Set(acks.map(({ seq }) => seq)).size).toBe(1);
    expect(acks.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
    const last = await ada.ws.send(id, 'the end');
    await bob.ws.waitForSeq(id, last.seq);
    expect(bob.ws.contents(id)).toEqual(['once', 'the end']);
  });

  it('answers 201 over REST, then 200 with the same seq', async () => {
    const { id, ada } = await pair();
    const post = () =>
      ada.rest.post(
        `/v1/conversations/${id}/messages`,
        { content: 'once' },
        { 'idempotency-key': 'k' },
      );
    const [first, again] = [await post(), await post()];
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.body.seq).toBe(first.body.seq);
  });

  it.each([
    ['content', { content: 'other' }],
    ['reply_to', {}],
    ['metadata', { metadata: { other: true } }],
  ])('answers 409 key_reused when the %s is another, and stores nothing', async (field, other) => {
    const { id, ada, bob } = await pair();
    const { seq } = await ada.ws.send(id, 'zero');
    const change = field === 'reply_to' ? { reply_to: seq } : other;
    const frame = { type: 'send', conversation_id: id, content: 'once', key: 'k' };
    expect(await ada.ws.ask(frame)).toMatchObject({ type: 'ack', seq: seq + 1 });
    expectError(await ada.ws.ask({ ...frame, ...change }), 409, 'key_reused');
    expect(await ada.ws.ask(frame)).toMatchObject({ type: 'ack', duplicate: true, seq: seq + 1 });
    const last = await ada.ws.send(id, 'the end');
    await bob.ws.waitForSeq(id, last.seq);
    expect(bob.ws.contents(id)).toEqual(['zero', 'once', 'the end']);
  });

  it('lets one of two bodies at once win, and answers the other 409 key_reused', async () => {
    const { id, ada } = await pair();
    const answers = await Promise.all(
      ['this', 'that'].map((content) => ada.ws.trySend(id, content, { key: 'k' })),
    );
    expect(answers.map(({ type }) => type).sort()).toEqual(['ack', 'error']);
    expectError(
      answers.find(({ type }) => type === 'error'),
      409,
      'key_reused',
    );
  });

  it('answers 409 key_reused over REST, too', async () => {
    const { id, ada } = await pair();
    const path = `/v1/conversations/${id}/messages`;
    await ada.ws.send(id, 'once', { key: 'k' });
    const { status, body } = await ada.rest.post(
      path,
      { content: 'other' },
      { 'idempotency-key': 'k' },
    );
    expect([status, body.reason]).toEqual([409, 'key_reused']);
  });

  it('is its sender’s alone: another sender’s same key is another message', async () => {
    const { id, ada, bob } = await pair();
    const one = await ada.ws.send(id, 'from Ada', { key: 'k' });
    const two = await bob.ws.send(id, 'from Bob', { key: 'k' });
    expect(two).toMatchObject({ duplicate: false, seq: one.seq + 1 });
  });

  it('is its conversation’s alone: the same key elsewhere is another message', async () => {
    const { id, ada } = await pair();
    const elsewhere = wire.id();
    await ada.ws.joinLive(elsewhere, { create: true });
    await ada.ws.send(id, 'here', { key: 'k' });
    expect(await ada.ws.send(elsewhere, 'there', { key: 'k' })).toMatchObject({ duplicate: false });
  });

  it('makes edits and deletions happen once, and is not shared between kinds of change', async () => {
    const { id, ada } = await pair();
    const { seq } = await ada.ws.send(id, 'draft', { key: 'sent' });
    const edit = { type: 'edit', conversation_id: id, seq, content: 'better', key: 'edited' };
    const [first, again] = [await ada.ws.ask(edit), await ada.ws.ask(edit)];
    expect(first).toMatchObject({ type: 'ack', seq: seq + 1, duplicate: false, key: 'edited' });
    expect(again).toMatchObject({ type: 'ack', seq: seq + 1, duplicate: true });
    expectError(await ada.ws.ask({ ...edit, key: 'sent' }), 409, 'key_reused');
    const remove = { type: 'delete', conversation_id: id, seq, key: 'removed' };
    const [gone, still] = [await ada.ws.ask(remove), await ada.ws.ask(remove)];
    expect(gone).toMatchObject({ type: 'ack', seq: seq + 2, duplicate: false });
    expect(still).toMatchObject({ type: 'ack', seq: seq + 2, duplicate: true });
  });

  it('is not used up by a send that was refused', async () => {
    const { id, ada } = await pair();
    const refused = await ada.ws.trySend(id, 'x'.repeat(10_001), { key: 'k' });
    expectError(refused, 413, 'message_too_long');
    expect(await ada.ws.send(id, 'short', { key: 'k' })).toMatchObject({ duplicate: false });
  });

  it('is shown to its sender on every connection, and to nobody else on any transport', async () => {
    const { id, ada, bob } = await pair();
    const phone = await wire.connect({ token: ada.token });
    await phone.joinLive(id);
    const { seq } = await ada.ws.send(id, 'hello', { key: 'secret-key' });
    for (const own of [ada.ws, phone]) {
      expect(await own.waitForSeq(id, seq)).toMatchObject({ key: 'secret-key' });
    }
    await ada.ws.joinLive(id, { after_seq: seq - 1 });
    expect(ada.ws.events(id).at(-1)).toMatchObject({ seq, key: 'secret-key' });

    await bob.ws.waitForSeq(id, seq);
    await bob.ws.joinLive(id, { after_seq: 0 });
    const stream = await wire.stream(id, '?after_seq=0', { token: bob.token });
    await stream.waitForSeq(seq);
    const seen = [
      bob.ws.frames,
      stream.messages,
      await wholeLog(bob.rest, id),
      (await bob.rest.get(`/v1/conversations/${id}/messages`)).body,
      (await bob.rest.get(`/v1/conversations/${id}/messages/${seq}`)).body,
    ];
    for (const place of seen) expect(JSON.stringify(place)).not.toContain('secret-key');
  });

  it('holds after a restart: same seq for the same body, 409 for another', async () => {
    const { id, ada } = await pair();
    const first = await ada.ws.send(id, 'once', { key: 'k' });
    await wire.server.restart('SIGTERM');

    const again = await wire.connect({ token: ada.token });
    expect(again.participantId).toBe(ada.id);
    await again.joinLive(id, { after_seq: first.seq });
    const { seq, created_at } = first;
    expect(await again.send(id, 'once', { key: 'k' })).toMatchObject({
      duplicate: true,
      seq,
      created_at,
    });
    expectError(await again.trySend(id, 'other', { key: 'k' }), 409, 'key_reused');
    expect(await again.send(id, 'next')).toMatchObject({ seq: first.seq + 1 });
  });

  it('holds for a message that was deleted since', async () => {
    const { id, ada } = await pair();
    const { seq } = await ada.ws.send(id, 'once', { key: 'k' });
    await ada.ws.ask({ type: 'delete', conversation_id: id, seq });
    expect(await ada.ws.send(id, 'once', { key: 'k' })).toMatchObject({ duplicate: true, seq });
    const items = await everyItem(ada.rest, `/v1/conversations/${id}/messages`);
    expect(JSON.stringify(items)).not.toContain('once');
  });
});

describe('Idempotency-Key on POST /v1/conversations', () => {
  it('makes one conversation of the same request sent twice', async () => {
    const { rest } = await wire.person('Ada');
    const post = () => rest.post('/v1/conversations', { title: 'T' }, { 'idempotency-key': 'new' });
    const [first, again] = [await post(), await post()];
    expect(first.status).toBe(201);
    expect(again.status).toBeLessThan(300);
    expect(again.body.conversation_id).toBe(first.body.conversation_id);
    const other = await rest.post(
      '/v1/conversations',
      { title: 'X' },
      { 'idempotency-key': 'new' },
    );
    expect([other.status, other.body.reason]).toEqual([409, 'key_reused']);
  });
});
