import { describe, expect, it } from 'vitest';
import { expectError } from '../support/failures.ts';
import { wholeLog } from '../support/rest-client.ts';
import type { Person } from '../support/wire.ts';
import { useWire } from '../support/wire.ts';
import type { WireClient } from '../support/wire-client.ts';

/**
 * The order of deltas, that they are the message, that nothing comes after the end: held on every
 * turn of every test by the witness. The scripted agent takes directions from the message.
 */
const wire = useWire({ agent: 'scripted' });

const QUICK = 'tokens: 5; rate: 0';
/** Far longer than a test: it is always in the middle. */
const ENDLESS = 'tokens: 9000; rate: 100';

/** One human and the agent. */
async function alone() {
  const { id, people } = await wire.room('Ada');
  const ada = people[0];
  if (!ada) throw new Error('nobody');
  return { id, ada };
}

async function pair() {
  const { id, people } = await wire.room('Ada', 'Bob');
  const [ada, bob] = people;
  if (!ada || !bob) throw new Error('nobody');
  return { id, ada, bob };
}

/** Sends, and has the turn that this message began. */
async function begin({ ws }: Person, conversation: string, content: string) {
  const { seq } = await ws.send(conversation, content);
  return ws.waitFor('turn.started', (turn) => turn.trigger_seq === seq);
}

const ended = (client: WireClient, turn: { turn_id: string }) =>
  client.waitFor('turn.ended', (frame) => frame.turn_id === turn.turn_id);

describe('a turn', () => {
  it('is started, streamed and ended, and its message is an event like any other', async () => {
    const { id, ada } = await alone();
    const { seq } = await ada.ws.send(id, 'tokens: 12; rate: 400');
    const started = await ada.ws.waitFor('turn.started');
    expect(started).toMatchObject({ trigger_seq: seq, agent: { id: 'assistant' } });
    const end = await ended(ada.ws, started);
    expect(end).toMatchObject({ state: 'completed', attempt: started.attempt, seq: seq + 1 });
    expect(end.usage?.output_tokens).toBeGreaterThan(0);
    const event = await ada.ws.waitForSeq(id, seq + 1);
    const text = ada.ws.framesOf('turn.delta').map((delta) => delta.text);
    expect(event).toMatchObject({
      kind: 'message',
      turn_id: started.turn_id,
      reply_to: seq,
      content: text.join(''),
      from: { id: 'assistant', kind: 'agent' },
    });
    expect(text.join('').split(' ')).toHaveLength(12);
    const log = await wholeLog(ada.rest, id);
    expect(log.at(-1)).toMatchObject({ seq: seq + 1, turn_id: started.turn_id });
  });

  it('says what it was told to', async () => {
    const { id, ada } = await alone();
    const turn = await begin(ada, id, 'say: two words, “quoted” <b>');
    const { seq } = await ended(ada.ws, turn);
    expect(await ada.ws.waitForSeq(id, seq ?? 0)).toMatchObject({
      content: 'two words, “quoted” <b>',
    });
  });

  it('is seen alike by everyone, and by all connections of one', async () => {
    const { id, ada, bob } = await pair();
    const phone = await wire.connect({ token: bob.token });
    await phone.joinLive(id);
    const turn = await begin(ada, id, `@assistant ${QUICK}`);
    const ends = await Promise.all([ada.ws, bob.ws, phone].map((client) => ended(client, turn)));
    expect(new Set(ends.map((end) => JSON.stringify(end))).size).toBe(1);
  });

  it('is in the event stream, too, its frames without an id', async () => {
    const { id, ada } = await alone();
    const stream = await wire.stream(id, '?after_seq=0', { token: ada.token });
    await stream.waitForSeq(1);
    const turn = await begin(ada, id, 'tokens: 20; rate: 200');
    const isOf = (type: string) => (data: { type: string; turn_id?: string }) =>
      data.type === type && data.turn_id === turn.turn_id;
    const { data: end } = await stream.waitFor(isOf('turn.ended'));
    await stream.waitFor(isOf('turn.started'));
    const text = stream.messages.flatMap(({ data }) =>
      data.type === 'turn.delta' ? data.text : [],
    );
    const { data: event } = await stream.waitForSeq(end.seq);
    expect(text.join('')).toBe(event.content);
  });

  it('of the scripted agent that fails ends as failed with a reason, and the next one works', async () => {
    const { id, ada } = await alone();
    const failed = await ended(ada.ws, await begin(ada, id, 'fail: 3'));
    expect(failed).toMatchObject({ state: 'failed', error: { reason: expect.any(String) } });
    expect(failed.seq).toBeUndefined();
    expect(await ended(ada.ws, await begin(ada, id, QUICK))).toMatchObject({ state: 'completed' });
  });

  it('that begins again is another attempt, whose deltas count from 0 and are the message', async () => {
    const { id, ada } = await alone();
    const first = await begin(ada, id, 'restart: 3; tokens: 8; rate: 0');
    const second = await ada.ws.waitFor('turn.started', (turn) => turn.attempt > first.attempt);
    expect(second.turn_id).toBe(first.turn_id);
    const end = await ada.ws.waitFor('turn.ended', (turn) => turn.state === 'completed');
    expect(end.attempt).toBe(second.attempt);
    expect(ada.ws.framesOf('event').filter((event) => 'turn_id' in event)).toHaveLength(1);
  });

  it('leaves people free to talk meanwhile, and they are heard at once', async () => {
    const { id, ada, bob } = await pair();
    const turn = await begin(ada, id, `@assistant ${ENDLESS}`);
    await ada.ws.waitFor('turn.delta');
    const before = ada.ws.framesOf('turn.ended').length;
    const { seq } = await bob.ws.send(id, 'meanwhile');
    await ada.ws.waitForSeq(id, seq);
    expect(ada.ws.framesOf('turn.ended')).toHaveLength(before);
    await ada.ws.ask({ type: 'cancel', conversation_id: id, turn_id: turn.turn_id });
  });

  it('comes one at a time: messages meanwhile are answered after it, in order', async () => {
    const { id, ada } = await alone();
    const first = await begin(ada, id, 'tokens: 30; rate: 150');
    const two = await ada.ws.send(id, QUICK);
    const three = await ada.ws.send(id, QUICK);
    const last = await ada.ws.waitFor('turn.started', (turn) => turn.trigger_seq === three.seq);
    await ended(ada.ws, last);
    const order = ada.ws.frames.flatMap((frame) =>
      frame.type === 'turn.started' || frame.type === 'turn.ended'
        ? [`${frame.type} ${frame.turn_id}`]
        : [],
    );
    const second = await ada.ws.waitFor('turn.started', (turn) => turn.trigger_seq === two.seq);
    expect(order).toEqual(
      [first, second, last].flatMap(({ turn_id: turn }) => [
        `turn.started ${turn}`,
        `turn.ended ${turn}`,
      ]),
    );
  });
});

describe('one who joins in the middle of a turn', () => {
  it('gets a snapshot of all so far, and from there every delta', async () => {
    const { id, ada } = await alone();
    const turn = await begin(ada, id, 'tokens: 120; rate: 100');
    await ada.ws.waitFor('turn.delta', (delta) => delta.index >= 5);
    const late = await wire.connect({ token: ada.token });
    const joined = await late.joinLive(id);
    const inside = late.framesOf('turn.snapshot').concat(joined.turns);
    const snapshot = inside.find((one) => one.turn_id === turn.turn_id);
    expect(snapshot).toMatchObject({
      attempt: turn.attempt,
      trigger_seq: turn.trigger_seq,
      agent: { id: 'assistant' },
    });
    expect(snapshot?.text).not.toBe('');
    const end = await ended(late, turn);
    // What it saw, from the snapshot on, is the message: the witness compared them.
    expect(end.state).toBe('completed');
    await late.waitForSeq(id, end.seq ?? 0);
    expect(late.framesOf('turn.started')).toEqual([]);
  });

  it('after a reconnect goes on with the same turn, which did not notice', async () => {
    const { id, ada } = await alone();
    const turn = await begin(ada, id, 'tokens: 60; rate: 100');
    await ada.ws.waitFor('turn.delta');
    const position = ada.ws.lastSeq(id);
    ada.ws.terminate();
    const again = await wire.connect({ token: ada.token });
    await again.joinLive(id, { after_seq: position });
    const end = await ended(again, turn);
    expect(end).toMatchObject({ state: 'completed', attempt: turn.attempt });
    expect(again.contents(id)).toHaveLength(1);
  });
});

describe('cancel', () => {
  it('is answered ok, ends the turn as cancelled for everyone, and stores no message', async () => {
    const { id, ada, bob } = await pair();
    const turn = await begin(ada, id, `@assistant ${ENDLESS}`);
    await bob.ws.waitFor('turn.delta');
    const cancel = { type: 'cancel', conversation_id: id, turn_id: turn.turn_id };
    expect(await ada.ws.ask(cancel)).toMatchObject({ type: 'ok' });
    for (const { ws } of [ada, bob]) {
      expect(await ended(ws, turn)).toMatchObject({ state: 'cancelled' });
    }
    const next = await ada.ws.send(id, 'what now?');
    await bob.ws.waitForSeq(id, next.seq);
    const log = await wholeLog(ada.rest, id);
    expect(log.filter((event) => event.turn_id)).toEqual([]);
  });

  it('of a turn that has ended is 409 turn_over', async () => {
    const { id, ada } = await alone();
    const turn = await begin(ada, id, QUICK);
    await ended(ada.ws, turn);
    const cancel = { type: 'cancel', conversation_id: id, turn_id: turn.turn_id };
    expectError(await ada.ws.ask(cancel), 409, 'turn_over');
  });

  it('twice at once ends it once', async () => {
    const { id, ada } = await alone();
    const turn = await begin(ada, id, ENDLESS);
    const cancel = { type: 'cancel', conversation_id: id, turn_id: turn.turn_id };
    const answers = await Promise.all([ada.ws.ask(cancel), ada.ws.ask(cancel)]);
    expect(answers[0]).toMatchObject({ type: 'ok' });
    await ended(ada.ws, turn);
    const next = await ended(ada.ws, await begin(ada, id, QUICK));
    expect(next.state).toBe('completed');
    expect(ada.ws.framesOf('turn.ended')).toHaveLength(2);
  });

  it('lets the message that waited behind it have its turn', async () => {
    const { id, ada } = await alone();
    const turn = await begin(ada, id, ENDLESS);
    const { seq } = await ada.ws.send(id, QUICK);
    await ada.ws.ask({ type: 'cancel', conversation_id: id, turn_id: turn.turn_id });
    const next = await ada.ws.waitFor('turn.started', (one) => one.trigger_seq === seq);
    expect(await ended(ada.ws, next)).toMatchObject({ state: 'completed' });
  });
});
