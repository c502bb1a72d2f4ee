import { describe, expect, it } from 'vitest';
import { useWire } from '../support/wire.ts';

/** Without a cache: what is read again is read from the file. */
const wire = useWire({ store: 'sqlite:{dir}/colloquy.db', 'cache-bytes': 0 });

async function pair() {
  const { id, people } = await wire.room('Ada', 'Bob');
  const [ada, bob] = people;
  if (!ada || !bob) throw new Error('nobody');
  return { id, ada, bob };
}

describe('send', () => {
  it.each([
    ['markup', '<script>alert(1)</script> & "quotes" \\ back'],
    ['every plane of Unicode', 'žluťoučký 漢字 🧑‍🚀 \u{10FFFF} e\u0301'],
    ['line ends and tabs', 'one\ntwo\r\n\tthree'],
    ['what looks like JSON', '{"type":"event","seq":1}'],
    ['a dollar that means something to replace()', "$& $' $` $1"],
  ])('delivers %s as it was written, live and from the log', async (_, content) => {
    const { id, ada, bob } = await pair();
    const { seq } = await ada.ws.send(id, content);
    expect(await bob.ws.waitForSeq(id, seq)).toMatchObject({ kind: 'message', content });
    const { body } = await bob.rest.get(`/v1/conversations/${id}/messages/${seq}`);
    expect(body.content).toBe(content);
  });

  it.each([
    ['half a surrogate pair', 'a\ud800b'],
    ['a NUL', 'a\u0000b'],
    ['line and paragraph separators', 'a\u2028b\u2029c'],
    ['a byte order mark', '\ufeffa'],
  ])('shows %s alike live, in a replay and over REST, or refuses it', async (_, content) => {
    const { id, ada, bob } = await pair();
    const answer = await ada.ws.trySend(id, content, { key: 'k' });
    if (answer.type !== 'ack') return expect(answer).toMatchObject({ type: 'error', code: 400 });
    const { seq } = answer;
    const live = await bob.ws.waitForSeq(id, seq);
    const again = await wire.connect({ token: bob.token });
    await again.joinLive(id, { after_seq: seq - 1 });
    expect(await again.waitForSeq(id, seq)).toEqual(live);
    const { body } = await bob.rest.get(`/v1/conversations/${id}/messages/${seq}`);
    expect(body.content).toBe(live.kind === 'message' ? live.content : '');
    expect(await ada.ws.send(id, content, { key: 'k' })).toMatchObject({ seq, duplicate: true });
  });

  it('takes a message of exactly 10,000 characters', async () => {
    const { id, ada, bob } = await pair();
    const content = 'x'.repeat(10_000);
    const { seq } = await ada.ws.send(id, content);
    expect(await bob.ws.waitForSeq(id, seq)).toMatchObject({ content });
  });

  it('counts characters as people do, not as UTF-16 does', async () => {
    const { id, ada, bob } = await pair();
    const content = '🦄'.repeat(10_000);
    const { seq } = await ada.ws.send(id, content);
    expect(await bob.ws.waitForSeq(id, seq)).toMatchObject({ content });
    const refused = await ada.ws.trySend(id, `${content}!`);
    expect(refused).toMatchObject({ type: 'error', code: 413, reason: 'message_too_long' });
  });

  it('carries reply_to', async () => {
    const { id, ada, bob } = await pair();
    const question = await ada.ws.send(id, 'why?');
    const { seq } = await bob.ws.send(id, 'because', { reply_to: question.seq });
    expect(await ada.ws.waitForSeq(id, seq)).toMatchObject({ reply_to: question.seq });
    const { body } = await ada.rest.get(`/v1/conversations/${id}/messages/${seq}`);
    expect(body.reply_to).toBe(question.seq);
  });

  it('refuses a reply to what is not there, and stores nothing', async () => {
    const { id, ada } = await pair();
    const { seq } = await ada.ws.send(id, 'one');
    const answer = await ada.ws.trySend(id, 'two', { reply_to: seq + 50 });
    expect(answer).toMatchObject({ type: 'error' });
    expect(answer.type === 'error' && [400, 404]).toContain(answer.type === 'error' && answer.code);
    expect((await ada.ws.send(id, 'three')).seq).toBe(seq + 1);
  });

  it('carries metadata', async () => {
    const { id, ada, bob } = await pair();
    const metadata = { mood: 'fine', nested: { list: [1, 2, { three: null }] }, n: 1.5 };
    const { seq } = await ada.ws.send(id, 'hello', { metadata });
    expect(await bob.ws.waitForSeq(id, seq)).toMatchObject({ metadata });
    const { body } = await bob.rest.get(`/v1/conversations/${id}/messages/${seq}`);
    expect(body.metadata).toEqual(metadata);
  });

  it('takes metadata 16 levels deep, and refuses 17', async () => {
    const { id, ada } = await pair();
    const nested = (levels: number): Record<string, unknown> =>
      levels === 1 ? { end: true } : { a: nested(levels - 1) };
    await ada.ws.send(id, 'fits', { metadata: nested(16) });
    const answer = await ada.ws.trySend(id, 'too deep', { metadata: nested(17) });
    expect(answer).toMatchObject({ type: 'error', code: 400, reason: 'invalid_field' });
  });

  it('takes metadata of 4,096 bytes, and refuses more, storing nothing', async () => {
    const { id, ada } = await pair();
    const sized = (bytes: number) => ({ pad: 'x'.repeat(bytes - '{"pad":""}'.length) });
    const { seq } = await ada.ws.send(id, 'fits', { metadata: sized(4_096) });
    const answer = await ada.ws.trySend(id, 'too much', { metadata: sized(4_097) });
    expect(answer).toMatchObject({ type: 'error' });
    expect(answer.type === 'error' && [400, 413]).toContain(answer.type === 'error' && answer.code);
    expect((await ada.ws.send(id, 'next')).seq).toBe(seq + 1);
  });

  it('ignores fields it does not know', async () => {
    const { id, ada, bob } = await pair();
    const answer = await ada.ws.ask({
      type: 'send',
      conversation_id: id,
      content: 'hello',
      seq: 77,
      from: { id: bob.id },
      invented: true,
    });
    expect(answer.type).toBe('ack');
    const seq = answer.type === 'ack' ? answer.seq : 0;
    const event = await bob.ws.waitForSeq(id, seq);
    expect(event).toMatchObject({ from: { id: ada.id } });
    expect(event).not.toHaveProperty('invented');
  });
});
