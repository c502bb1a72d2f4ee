import { describe, expect, it } from 'vitest';
import { within } from '../support/deadline.ts';
import { wholeLog } from '../support/rest-client.ts';
import { useWire } from '../support/wire.ts';

const wire = useWire();

async function five() {
  const { id, people } = await wire.room('Ada', 'Bob');
  const [ada, bob] = people;
  if (!ada || !bob) throw new Error('nobody');
  let head = 0;
  for (let index = 1; index <= 5; index += 1) head = (await ada.ws.send(id, `m${index}`)).seq;
  return { id, ada, bob, head, path: `/v1/conversations/${id}/events` };
}

const upTo = (head: number, after = 0) =>
  Array.from({ length: head - after }, (_, index) => after + index + 1);

describe('GET …/events', () => {
  it('gives the log from after_seq, in order, of every kind, by pages', async () => {
    const { id, bob, head, path } = await five();
    const { status, body } = await bob.rest.get(`${path}?after_seq=2&limit=3`);
    expect(status).toBe(200);
    expect(body.items.map(({ seq }: { seq: number }) => seq)).toEqual([3, 4, 5]);
    const log = await wholeLog(bob.rest, id);
    expect(log.map(({ seq }) => seq)).toEqual(upTo(head));
    expect(log.map(({ kind }) => kind)).toContain('participant.joined');
  });

  it('gives the same events as the WebSocket does', async () => {
    const { id, bob, head } = await five();
    await bob.ws.waitForSeq(id, head);
    const again = await wire.connect({ token: bob.token });
    await again.joinLive(id, { after_seq: 0 });
    const log = await wholeLog(bob.rest, id);
    expect(log).toMatchObject(again.events(id).map(({ type: _, ...event }) => event));
  });

  it('is empty after the head', async () => {
    const { bob, head, path } = await five();
    expect((await bob.rest.get(`${path}?after_seq=${head}`)).body.items).toEqual([]);
  });
});

describe('the event stream', () => {
  it('replays from after_seq and then follows, each event once, its id the seq', async () => {
    const { id, ada, bob, head } = await five();
    const stream = await wire.stream(id, '?after_seq=0', { token: bob.token });
    await stream.waitForSeq(head);
    const { seq } = await ada.ws.send(id, 'live');
    const { data } = await stream.waitForSeq(seq);
    expect(data).toMatchObject({ type: 'event', conversation_id: id, content: 'live' });
    expect(stream.seqs).toEqual(upTo(seq));
  });

  it('resumes after Last-Event-ID, which wins over after_seq', async () => {
    const { id, ada, bob, head } = await five();
    const stream = await wire.stream(id, '?after_seq=0', {
      token: bob.token,
      lastEventId: String(head - 2),
    });
    const { seq } = await ada.ws.send(id, 'live');
    await stream.waitForSeq(seq);
    expect(stream.seqs).toEqual(upTo(seq, head - 2));
  });

  it('says reset before all else, or refuses, when the position is beyond the head', async () => {
    const { id, bob, head } = await five();
    const opened = await wire
      .stream(id, '', { token: bob.token, lastEventId: String(head + 100) })
      .catch((error: Error) => error.message);
    if (typeof opened === 'string') return expect(opened).toMatch(/no stream: (400|409|410)/);
    await opened.waitFor((data) => data.type === 'reset' && data.reason === 'ahead');
    // What follows, if anything, is the log from its beginning: nothing comes before the reset.
    expect(opened.messages[0]?.data).toMatchObject({ type: 'reset', first_seq: 1 });
    expect([undefined, 1]).toContain(opened.seqs[0]);
  });

  it('refuses a Last-Event-ID that is no number, or takes it for none', async () => {
    const { id, bob, head } = await five();
    const opened = await wire
      .stream(id, '?after_seq=0', { token: bob.token, lastEventId: 'abc' })
      .catch((error: Error) => error.message);
    if (typeof opened === 'string') return expect(opened).toContain('no stream: 400');
    await opened.waitForSeq(head);
  });

  it('has no seam between replay and live while others flood', async () => {
    const { id, ada, bob } = await five();
    const flood = Promise.all(Array.from({ length: 400 }, (_, i) => ada.ws.send(id, `flood ${i}`)));
    const streams = await Promise.all(
      Array.from({ length: 6 }, () => wire.stream(id, '?after_seq=0', { token: bob.token })),
    );
    await flood;
    const { seq } = await ada.ws.send(id, 'the end');
    for (const stream of streams) {
      await stream.waitForSeq(seq);
      expect(stream.seqs).toEqual(upTo(seq));
    }
  });

  it('of a reader that goes away disturbs nobody', async () => {
    const { id, ada, bob } = await five();
    const streams = await Promise.all(
      Array.from({ length: 20 }, () => wire.stream(id, '?after_seq=0', { token: bob.token })),
    );
    const sends = Array.from({ length: 50 }, (_, index) => ada.ws.send(id, `m ${index}`));
    for (const stream of streams) stream.close();
    await Promise.all(sends);
    await Promise.all(streams.map(({ ended }) => within(ended, 'the end of the stream')));
  });

  it.each([
    ['no token', 401],
    ['a bad token', 401],
  ])('is refused with %s as problem+json %i', async (what, status) => {
    const { path } = await five();
    const rest = wire.rest(what === 'no token' ? undefined : 'nonsense');
    expect((await rest.get(path, { accept: 'text/event-stream' })).status).toBe(status);
  });

  it('is 404 conversation_not_found where there is none', async () => {
    const { bob } = await five();
    const { status, body } = await bob.rest.get(`/v1/conversations/${wire.id()}/events`, {
      accept: 'text/event-stream',
    });
    expect([status, body.reason]).toEqual([404, 'conversation_not_found']);
  });
});
