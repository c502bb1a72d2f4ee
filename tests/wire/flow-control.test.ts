import { describe, expect, it } from 'vitest';
import { eventually } from '../support/deadline.ts';
import { expectError } from '../support/failures.ts';
import { wholeLog } from '../support/rest-client.ts';
import { useWire } from '../support/wire.ts';

const CAPACITY = 8;
const wire = useWire({ 'mailbox-capacity': CAPACITY, store: 'sqlite:{dir}/colloquy.db' });

/** Floods a new conversation until some of it is refused. */
async function flood() {
  const { id, people } = await wire.room('Ada', 'Bob');
  const [ada, bob] = people;
  if (!ada || !bob) throw new Error('nobody');
  const sends = await Promise.all(
    Array.from({ length: 1_000 }, async (_, index) => {
      const send = { content: `message ${index}`, key: `key-${index}` };
      return { ...send, answer: await ada.ws.trySend(id, send.content, { key: send.key }) };
    }),
  );
  const acked = sends.filter(({ answer }) => answer.type === 'ack');
  const refused = sends.filter(({ answer }) => answer.type === 'error');
  return { id, ada, bob, acked, refused };
}

describe('a flooded mailbox', () => {
  it('answers 429 mailbox_full with the time to wait, and stores and delivers nothing of that', async () => {
    const { id, ada, bob, acked, refused } = await flood();
    expect(refused.length).toBeGreaterThan(0);
    expect(acked.length).toBeGreaterThanOrEqual(CAPACITY);
    for (const { answer } of refused) {
      expectError(answer, 429, 'mailbox_full');
      expect(answer).toMatchObject({ retryable: true, conversation_id: id });
      const { retry_after_ms: wait } = answer as { retry_after_ms?: number };
      expect(wait).toBeGreaterThanOrEqual(1);
      expect(wait).toBeLessThan(60_000);
    }
    const { seq } = await ada.ws.send(id, 'the end');
    await bob.ws.waitForSeq(id, seq);
    expect(bob.ws.contents(id)).toEqual([...acked.map(({ content }) => content), 'the end']);
    const stored = await wholeLog(bob.rest, id);
    expect(stored.filter(({ kind }) => kind === 'message')).toHaveLength(acked.length + 1);
  });

  it('stores each refused message once when the same key is sent again', async () => {
    const { id, ada, bob, refused } = await flood();
    expect(refused.length).toBeGreaterThan(0);
    for (const { content, key } of refused.slice(0, 30)) {
      const again = await eventually('it is taken', async () => {
        const answer = await ada.ws.trySend(id, content, { key });
        return answer.type === 'ack' ? answer : undefined;
      });
      expect(again).toMatchObject({ duplicate: false, key });
      const third = await ada.ws.send(id, content, { key });
      expect(third).toMatchObject({ duplicate: true, seq: again.seq });
    }
    const { seq } = await ada.ws.send(id, 'the end');
    await bob.ws.waitForSeq(id, seq);
    const contents = bob.ws.contents(id);
    expect(new Set(contents).size).toBe(contents.length);
    for (const { content } of refused.slice(0, 30)) expect(contents).toContain(content);
  });

  it('never gives a key seen before another seq: its old receipt, or 429 and then its old receipt', async () => {
    const { id, ada, acked } = await flood();
    const [known] = acked;
    if (known?.answer.type !== 'ack') return expect.unreachable();
    const { seq } = known.answer;
    const answers = await Promise.all(
      Array.from({ length: 500 }, (_, index) =>
        index % 50 === 49
          ? ada.ws.trySend(id, known.content, { key: known.key })
          : ada.ws.trySend(id, `more ${index}`),
      ),
    );
    for (const answer of answers.filter((_, index) => index % 50 === 49)) {
      if (answer.type === 'error') expectError(answer, 429, 'mailbox_full');
      else expect(answer).toMatchObject({ type: 'ack', duplicate: true, seq });
    }
    const later = await ada.ws.send(id, known.content, { key: known.key });
    expect(later).toMatchObject({ duplicate: true, seq });
  });

  it('refuses no one in another conversation', async () => {
    const other = await wire.room('Cy');
    const cy = other.people[0];
    const { id, people } = await wire.room('Ada');
    const sends = Array.from({ length: 2_000 }, (_, i) => people[0]?.ws.trySend(id, `m ${i}`));
    for (let index = 0; index < 10; index += 1) await cy?.ws.send(other.id, `calm ${index}`);
    const answers = await Promise.all(sends);
    expect(answers.some((answer) => answer?.type === 'error')).toBe(true);
  });

  it('answers the same whatever the order of the fields, and takes nothing else for a send into it', async () => {
    const { id, people } = await wire.room('Ada');
    const other = await wire.room('Cy');
    const [ada, cy] = [people[0], other.people[0]];
    if (!ada || !cy) return expect.unreachable();
    await ada.ws.joinLive(other.id);
    const { refused, alike } = await eventually('all of them meet a full mailbox', async () => {
      const flood = Array.from({ length: 300 }, (_, index) => ada.ws.trySend(id, `m ${index}`));
      const asked = [
        ada.ws.ask({ conversation_id: id, content: 'turned', type: 'send' }),
        ada.ws.trySend(id, '","id":"other","conversation_id":"c","type":"ping'),
        ada.ws.trySend(id, 'n', { metadata: { id: 'other', type: 'send' } }),
      ];
      const elsewhere = ada.ws.ask({ type: 'send', conversation_id: other.id, content: 'm' });
      const empty = ada.ws.ask({ type: 'send', conversation_id: other.id, content: '' });
      const alive = ada.ws.ask({ type: 'ping' });
      const answers = await Promise.all(flood);
      expect(await elsewhere).toMatchObject({ type: 'ack', conversation_id: other.id });
      expectError(await empty, 400, 'invalid_field');
      expect(await alive).toMatchObject({ type: 'pong' });
      const alike = await Promise.all(asked);
      const refused = answers.find(({ type }) => type === 'error');
      const areRefused = alike.every(({ type }) => type === 'error');
      return refused !== undefined && areRefused ? { refused, alike } : undefined;
    });
    for (const answer of [refused, ...alike]) {
      expectError(answer, 429, 'mailbox_full');
      expect(Object.keys(answer)).toEqual(Object.keys(refused));
      expect(answer).toMatchObject({ conversation_id: id, retryable: true });
    }
  });

  it('answers over REST 429 mailbox_full with Retry-After, and takes the same key later, once', async () => {
    const { id, people } = await wire.room('Ada', 'Bob');
    const [ada, bob] = people;
    if (!ada || !bob) return expect.unreachable();
    let round = 0;
    const path = `/v1/conversations/${id}/messages`;
    const post = (key: string) => ada.rest.post(path, { content: key }, { 'idempotency-key': key });
    const refused = await eventually('a POST is refused', async () => {
      round += 1;
      const noise = Array.from({ length: 1_500 }, (_, i) => bob.ws.trySend(id, `n ${round} ${i}`));
      const keys = Array.from({ length: 40 }, (_, i) => `post-${round}-${i}`);
      const replies = await Promise.all(keys.map(async (key) => ({ key, ...(await post(key)) })));
      await Promise.all(noise);
      return replies.find(({ status }) => status === 429);
    });
    expect(refused.body).toMatchObject({ reason: 'mailbox_full', retryable: true });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    const replies = [await post(refused.key), await post(refused.key)];
    expect(replies.map(({ status }) => status)).toEqual([201, 200]);
    const log = await wholeLog(bob.rest, id);
    expect(log.filter(({ content }) => content === refused.key)).toHaveLength(1);
  });
});
