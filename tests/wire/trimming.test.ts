import { describe, expect, it } from 'vitest';
import { eventually } from '../support/deadline.ts';
import { expectError } from '../support/failures.ts';
import type { Reply } from '../support/rest-client.ts';
import { type Person, useWire } from '../support/wire.ts';

const CHARS = 60_000;
const wire = useWire({
  'retention-events': 5,
  'retention-sweep-ms': 30,
  'max-message-chars': CHARS,
  'max-frame-bytes': CHARS + 2_000,
});

function expectTrimmed({ status, body }: Reply): void {
  expect([status, body.reason]).toEqual([410, 'trimmed']);
}

/** Resolves when the log has been trimmed so far. */
async function beginsAt({ rest }: Person, id: string, firstSeq: number): Promise<void> {
  await eventually('it is trimmed', async () => {
    const { body } = await rest.get(`/v1/conversations/${id}`);
    return body.first_seq === firstSeq;
  });
}

/** A conversation of which only the newest five events of thirteen are left, and its owner, who is attached. */
async function trimmedRoom() {
  const { id, people } = await wire.room('Ada');
  const [ada] = people;
  if (!ada) throw new Error('nobody');
  for (let at = 2; at <= 13; at += 1) {
    const sent = await ada.ws.send(id, `m${at}`, { key: `k${at}` });
    expect(sent.seq).toBe(at);
  }
  await beginsAt(ada, id, 9);
  return { id, ada, path: `/v1/conversations/${id}` };
}

describe('a conversation that is trimmed', () => {
  it('goes on for who is attached, as if nothing had happened', async () => {
    const { id, ada } = await trimmedRoom();
    await ada.ws.send(id, 'next');
    await ada.ws.waitForSeq(id, 14);
    expect(ada.ws.events(id).map(({ seq }) => seq)).toEqual(
      Array.from({ length: 14 }, (_, at) => at + 1),
    );
    expect(ada.ws.framesOf('reset')).toEqual([]);
  });

  it('answers a join below its beginning with reset, and one at first_seq - 1 with what there is', async () => {
    const { id, ada } = await trimmedRoom();
    const bob = await wire.person('Bob');
    // His coming is one event more, and lets another one go.
    await bob.ws.joinLive(id);
    await beginsAt(ada, id, 10);
    const again = await wire.connect({ token: bob.token });
    const reset = await again.ask({ type: 'join', conversation_id: id, after_seq: 8 });
    expect(reset).toMatchObject({ type: 'reset', reason: 'trimmed', first_seq: 10 });
    await again.settle();
    expect(again.events(id)).toEqual([]);
    const joined = await again.joinLive(id, { after_seq: 9 });
    expect(joined.first_seq).toBe(10);
    expect(again.events(id).map(({ seq }) => seq)).toEqual([10, 11, 12, 13, 14]);
  });

  it('shows over REST what there is, and 410 trimmed below it', async () => {
    const { ada, path } = await trimmedRoom();
    const seqsOf = async (query: string) => {
      const { body } = await ada.rest.get(`${path}/${query}`);
      return body.items.map(({ seq }: { seq: number }) => seq);
    };
    expect(await seqsOf('events')).toEqual([9, 10, 11, 12, 13]);
    expect(await seqsOf('events?after_seq=8')).toEqual([9, 10, 11, 12, 13]);
    expect(await seqsOf('messages')).toEqual([9, 10, 11, 12, 13]);
    expect(await seqsOf('messages?before_seq=9')).toEqual([]);
    expect(await seqsOf('messages?after_seq=2&limit=1')).toEqual([9]);
    expectTrimmed(await ada.rest.get(`${path}/events?after_seq=7`));
    expectTrimmed(await ada.rest.get(`${path}/messages/8`));
    expectTrimmed(await ada.rest.patch(`${path}/messages/8`, { content: 'x' }));
    expectTrimmed(await ada.rest.delete(`${path}/messages/8`));
    const reply = { content: 're', reply_to: 8 };
    expectTrimmed(await ada.rest.post(`${path}/messages`, reply));
    expect((await ada.rest.get(`${path}/messages/9`)).status).toBe(200);
  });

  it('refuses over WebSocket what refers to a trimmed message', async () => {
    const { id, ada } = await trimmedRoom();
    const at = { conversation_id: id, seq: 8 };
    expectError(await ada.ws.ask({ type: 'edit', ...at, content: 'x' }), 410, 'trimmed');
    expectError(await ada.ws.ask({ type: 'delete', ...at }), 410, 'trimmed');
    expectError(await ada.ws.trySend(id, 're', { reply_to: 8 }), 410, 'trimmed');
  });

  it('gives a retried send its old seq for ever, and a time that is none of 1970', async () => {
    const { id, ada, path } = await trimmedRoom();
    const { body: conversation } = await ada.rest.get(path);
    const again = await ada.ws.send(id, 'm3', { key: 'k3' });
    expect(again).toMatchObject({ seq: 3, duplicate: true, created_at: conversation.created_at });
    const posted = await ada.rest.post(
      `${path}/messages`,
      { content: 'm3' },
      { 'idempotency-key': 'k3' },
    );
    expect(posted.status).toBe(200);
    expect(posted.body).toMatchObject({ seq: 3, kind: 'message', duplicate: true, key: 'k3' });
    expect(posted.body).not.toHaveProperty('content');
  });

  it('tells an event stream that resumes below its beginning so, and streams what there is', async () => {
    const { id, ada } = await trimmedRoom();
    const stream = await wire.stream(id, '', { token: ada.token, lastEventId: '4' });
    const reset = await stream.waitFor((data) => data['type'] === 'reset');
    expect(reset.data).toMatchObject({ reason: 'trimmed', first_seq: 9 });
    await stream.waitForSeq(13);
    expect(stream.seqs).toEqual([9, 10, 11, 12, 13]);
  });

  it('resets readers that were too slow for it, who find what there is after that', async () => {
    const { id, people } = await wire.room('Ada', 'Bob');
    const [ada, bob] = people;
    if (!ada || !bob) return expect.unreachable();
    const stream = await wire.stream(id, '', { token: ada.token });
    await stream.waitFor((data) => data.type === 'live');
    bob.ws.pause();
    stream.pause();
    let head = 0;
    for (let at = 0; at < 120; at += 1) {
      head = (await ada.ws.send(id, `${at} `.padEnd(CHARS, 'x'))).seq;
    }
    await beginsAt(ada, id, head - 4);
    bob.ws.resume();
    stream.resume();
    const reset = await bob.ws.waitFor('reset');
    expect(reset).toMatchObject({ conversation_id: id, reason: 'trimmed', first_seq: head - 4 });
    expect(bob.ws.events(id).at(-1)?.seq).toBeLessThan(head - 5);
    await bob.ws.joinLive(id, { after_seq: reset.first_seq - 1 });
    await bob.ws.waitForSeq(id, head);
    await stream.waitFor((data) => data.type === 'reset');
    await stream.waitForSeq(head);
    expect(stream.seqs.slice(-5)).toEqual([4, 3, 2, 1, 0].map((back) => head - back));
  });
});
