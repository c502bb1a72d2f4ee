import { get, type IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { eventually, within } from '../support/deadline.ts';
import { type Person, type Served, said, useServed } from './served.ts';

const start = useServed();

/** A reader that reads nothing until it is told to. */
class SlowReader {
  text = '';
  readonly ended: Promise<void>;
  readonly #response: IncomingMessage;

  private constructor(response: IncomingMessage) {
    this.#response = response;
    this.ended = new Promise((resolve) => response.on('close', resolve));
  }

  static open(served: Served, { token }: Person, id: string): Promise<SlowReader> {
    const url = `${served.url}/v1/conversations/${id}/events?after_seq=0`;
    const headers = { accept: 'text/event-stream', authorization: `Bearer ${token}` };
    return new Promise((resolve, reject) => {
      get(url, { headers }, (response) => resolve(new SlowReader(response))).on('error', reject);
    });
  }

  read(): void {
    this.#response.setEncoding('utf8').on('data', (text: string) => {
      this.text += text;
    });
  }

  get seqs(): number[] {
    return [...this.text.matchAll(/^id: (\d+)$/gm)].map(([, seq]) => Number(seq));
  }

  gone(): void {
    this.#response.destroy();
  }
}

const upTo = (head: number) => Array.from({ length: head }, (_, at) => at + 1);

/** Says more than the sockets of this machine take without a reader, in messages of 9 kB. */
async function flood(served: Served, owner: Person, id: string): Promise<number> {
  const actor = await served.actor(id);
  for (let batch = 0; batch < 2; batch += 1) {
    const outcomes = await Promise.all(
      Array.from({ length: 1_000 }, () => said(actor, owner.who, 'x'.repeat(9_000))),
    );
    expect(outcomes.every(({ ok }) => ok)).toBe(true);
  }
  return actor.conversation.headSeq;
}

describe('an event stream', () => {
  it('says something every 15 s, and asks readers to come back soon', async () => {
    const served = await start();
    const ada = await served.person('ada');
    await served.room(ada, 'c');
    const stream = await served.stream('c', '?after_seq=0', { token: ada.token });
    await stream.waitForSeq(1);
    await served.clock.pass(15_000);
    await eventually('a comment', async () => stream.comments.length === 1);
    await served.clock.pass(30_000);
    await eventually('two more', async () => stream.comments.length === 3);
  });

  it('begins at the head when no position is given', async () => {
    const served = await start();
    const ada = await served.person('ada');
    const actor = await served.room(ada, 'c');
    await said(actor, ada.who, 'before');
    const stream = await served.stream('c', '', { token: ada.token });
    await stream.waitFor(({ type }) => type === 'live');
    await said(actor, ada.who, 'after');
    await stream.waitForSeq(3);
    expect(stream.seqs).toEqual([3]);
  });

  it('says `reset` for a position that is not there, and goes on from where the log begins', async () => {
    const served = await start();
    const ada = await served.person('ada');
    const { epoch } = (await served.room(ada, 'c')).conversation;
    for (const [query, lastEventId, reason] of [
      ['', '99', 'ahead'],
      ['?after_seq=99', undefined, 'ahead'],
      ['?after_seq=1&epoch=another', undefined, 'epoch'],
    ] as const) {
      const options = { token: ada.token, ...(lastEventId && { lastEventId }) };
      const stream = await served.stream('c', query, options);
      await stream.waitFor(({ type }) => type === 'live');
      expect(stream.messages[0]?.data).toMatchObject({ type: 'reset', reason, epoch, head_seq: 1 });
      expect(stream.seqs).toEqual([1]);
      stream.close();
    }
    const right = await served.stream('c', `?after_seq=0&epoch=${epoch}`, { token: ada.token });
    await right.waitFor(({ type }) => type === 'live');
    expect(right.messages.map(({ data }) => data.type)).toEqual(['event', 'live']);
  });

  it('answers 400 for a Last-Event-ID that is no seq', async () => {
    const served = await start();
    const ada = await served.person('ada');
    await served.room(ada, 'c');
    const headers = { accept: 'text/event-stream', 'last-event-id': 'x' };
    const { status } = await ada.rest.get('/v1/conversations/c/events', headers);
    expect(status).toBe(400);
  });

  it('leaves a reader that does not read at its place, and catches it up without a hole', async () => {
    const served = await start({ outboundBytes: 65_536 });
    const ada = await served.person('ada');
    await served.room(ada, 'c');
    const { meters } = served.runtime.edge;
    const slow = await SlowReader.open(served, ada, 'c');
    const quick = await served.stream('c', '?after_seq=0', { token: ada.token });
    const head = await flood(served, ada, 'c');
    await quick.waitForSeq(head);
    await eventually('the slow one is congested', async () => meters.congested === 1);
    slow.read();
    await eventually('the slow one has all', async () => slow.seqs.at(-1) === head);
    expect(slow.seqs).toEqual(upTo(head));
    expect(quick.seqs).toEqual(upTo(head));
    await eventually('nobody is congested', async () => meters.congested === 0);
    await said(await served.actor('c'), ada.who, 'live again');
    await eventually('it is live', async () => slow.seqs.at(-1) === head + 1);
    slow.gone();
    quick.close();
  });

  it('ends with `bye` behind what was given, when its reader stays too slow', async () => {
    const served = await start({ outboundBytes: 65_536, slowConsumerMs: 5_000 });
    const ada = await served.person('ada');
    await served.room(ada, 'c');
    const { meters } = served.runtime.edge;
    const slow = await SlowReader.open(served, ada, 'c');
    const head = await flood(served, ada, 'c');
    await eventually('it is congested', async () => meters.congested === 1);
    await served.clock.pass(8_000);
    expect(meters).toMatchObject({ congested: 0, connections: 0 });
    slow.read();
    await within(slow.ended, 'the end');
    expect(slow.text).toMatch(/event: bye\ndata: {"type":"bye","reason":"slow_consumer"}\n\n$/);
    expect(slow.seqs).toEqual(upTo(slow.seqs.length));
    expect(slow.seqs.length).toBeLessThan(head);
  });

  it('ends with `bye` when its reader leaves, when the conversation is deleted, and when the token is over', async () => {
    const served = await start();
    const ada = await served.person('ada');
    const bob = await served.person('bob', 20);
    await served.room(ada, 'c');
    const path = '/v1/conversations/c/participants/bob';
    expect((await bob.rest.put(path, {})).status).toBe(201);
    const byeOf = async (token: string, cause: () => Promise<unknown>) => {
      const stream = await served.stream('c', '', { token });
      await stream.waitFor(({ type }) => type === 'live');
      await cause();
      const { data } = await stream.waitFor(({ type }) => type === 'bye');
      await within(stream.ended, 'the end');
      return data.reason;
    };
    expect(await byeOf(bob.token, () => bob.rest.delete(path))).toBe('not_a_participant');
    await bob.rest.put(path, {});
    expect(await byeOf(bob.token, () => served.clock.pass(30_000))).toBe('token_expired');
    const deleted = byeOf(ada.token, () => ada.rest.delete('/v1/conversations/c'));
    expect(await deleted).toBe('conversation_not_found');
    expect(served.runtime.edge.meters.connections).toBe(0);
  });

  it('ends with `bye` and when to come back, when the server stops', async () => {
    const served = await start();
    const ada = await served.person('ada');
    await served.room(ada, 'c');
    const stream = await served.stream('c', '?after_seq=0', { token: ada.token });
    await stream.waitForSeq(1);
    await served.runtime.drain();
    await served.close();
    const { data } = await stream.waitFor(({ type }) => type === 'bye');
    expect(data).toMatchObject({ reason: 'draining', reconnect_after_ms: 1_000 });
    await within(stream.ended, 'the end');
  });

  it('counts as a connection, of which there are only so many', async () => {
    const served = await start({ maxConnections: 2 });
    const ada = await served.person('ada');
    await served.room(ada, 'c');
    const open = () => served.stream('c', '', { token: ada.token });
    const first = await open();
    await open();
    const headers = { accept: 'text/event-stream' };
    const refused = await ada.rest.get('/v1/conversations/c/events', headers);
    expect([refused.status, refused.body.reason]).toEqual([429, 'too_many_connections']);
    first.close();
    const { meters } = served.runtime.edge;
    await eventually('there is room', async () => meters.connections === 1);
    await open();
  });

  it('makes its reader present', async () => {
    const served = await start();
    const ada = await served.person('ada');
    await served.room(ada, 'c');
    const isOnline = async () => {
      const { body } = await ada.rest.get('/v1/conversations/c/participants');
      return body.items[0].online as boolean;
    };
    expect(await isOnline()).toBe(false);
    const stream = await served.stream('c', '', { token: ada.token });
    expect(await isOnline()).toBe(true);
    stream.close();
    await eventually('offline', async () => !(await isOnline()));
  });
});
