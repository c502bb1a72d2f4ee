import { describe, expect, it } from 'vitest';
import { useWire } from '../support/wire.ts';

const wire = useWire({ store: 'sqlite:{dir}/colloquy.db', 'cache-bytes': 0 });

const RAW = 'in\u200bvoice\u202e\u{E0041}\u0000 no.\u00a07\rpaid 👩‍👧';
const STORED = 'invoice no. 7\npaid 👩‍👧';

async function pair() {
  const { id, people } = await wire.room('Ada', 'Bob');
  const [ada, bob] = people;
  if (!ada || !bob) throw new Error('nobody');
  return { id, ada, bob };
}

describe('what a person says', () => {
  it('is stored and shown as it was normalised; the same key with the same raw content is a duplicate', async () => {
    const { id, ada, bob } = await pair();
    const { seq } = await ada.ws.send(id, RAW, { key: 'k' });
    expect(await bob.ws.waitForSeq(id, seq)).toMatchObject({ content: STORED });
    expect(await ada.ws.send(id, RAW, { key: 'k' })).toMatchObject({ seq, duplicate: true });
    expect(await ada.ws.send(id, STORED, { key: 'k' })).toMatchObject({ seq, duplicate: true });
    const other = await ada.ws.trySend(id, `${RAW}!`, { key: 'k' });
    expect(other).toMatchObject({ type: 'error', reason: 'key_reused' });
  });

  it('is the same over REST, in the answer, in the list, and when it is edited', async () => {
    const { id, ada, bob } = await pair();
    const path = `/v1/conversations/${id}/messages`;
    const sent = await ada.rest.post(path, { content: RAW }, { 'idempotency-key': 'k' });
    expect(sent).toMatchObject({ status: 201, body: { content: STORED } });
    const again = await ada.rest.post(path, { content: RAW }, { 'idempotency-key': 'k' });
    expect(again).toMatchObject({ status: 200, body: { content: STORED, duplicate: true } });
    const { seq } = sent.body;
    const edited = await ada.rest.patch(`${path}/${seq}`, { content: `${RAW}!` });
    expect(edited).toMatchObject({ status: 200, body: { content: `${STORED}!` } });
    await ada.ws.ask({ type: 'edit', conversation_id: id, seq, content: `${RAW}?` });
    const { body } = await bob.rest.get(`${path}/${seq}`);
    expect(body.content).toBe(`${STORED}?`);
  });

  it('is refused when there is nothing left to read, and nothing is stored', async () => {
    const { id, ada } = await pair();
    const { seq } = await ada.ws.send(id, 'one');
    const refused = await ada.ws.trySend(id, '\u200b\u202e\u{E0041}');
    expect(refused).toMatchObject({ type: 'error', code: 400, reason: 'invalid_field' });
    expect((await ada.ws.send(id, 'two')).seq).toBe(seq + 1);
  });

  it('is counted in the metrics as what passed, and what was refused', async () => {
    const { text } = await wire.rest().get('/metrics');
    expect(text).toMatch(/colloquy_pipeline_total\{stage="moderation",outcome="passed"\} \d+/);
    expect(text).toMatch(/colloquy_pipeline_total\{stage="moderation",outcome="refused"\} 1\b/);
  });
});
