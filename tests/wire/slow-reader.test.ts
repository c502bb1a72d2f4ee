import { describe, expect, it } from 'vitest';
import { eventually, within } from '../support/deadline.ts';
import type { Wire } from '../support/wire.ts';
import { useWire } from '../support/wire.ts';
import type { WireClient } from '../support/wire-client.ts';

/**
 * A reader that stops reading is felt only when what is sent to it has filled the system's buffers
 * (here some 4 MB) and its budget in the server; so these tests write 6 MB, in few events.
 */
const CHARS = 60_000;
const EVENTS = 100;
const limits = {
  'max-message-chars': CHARS,
  'max-frame-bytes': CHARS + 2_000,
  'outbound-bytes': 256 * 1_024,
};
const patient = useWire({ ...limits, 'slow-consumer-ms': 60_000, agent: 'scripted' });
const strict = useWire({ ...limits, 'slow-consumer-ms': 1_500, store: 'sqlite:{dir}/colloquy.db' });

async function roomWith(wire: Wire, readers: number) {
  const { id, people } = await wire.room('Ada');
  const ada = people[0];
  if (!ada) throw new Error('nobody');
  const guests = await Promise.all(
    Array.from({ length: readers }, (_, index) => wire.person(`Reader ${index}`)),
  );
  await Promise.all(guests.map(({ ws }) => ws.joinLive(id)));
  return { id, ada, guests };
}

/** Sends EVENTS large messages, a few at a time, and gives the last seq. */
async function writeMuch(writer: WireClient, conversation: string): Promise<number> {
  let last = 0;
  for (let sent = 0; sent < EVENTS; sent += 10) {
    const acks = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        writer.send(conversation, `${sent + index} `.padEnd(CHARS, 'x')),
      ),
    );
    last = Math.max(last, ...acks.map(({ seq }) => seq));
  }
  return last;
}

async function congested(wire: Wire): Promise<number> {
  const { text } = await wire.rest().get('/metrics');
  return Number(/^colloquy_\S*congested\S* (\S+)$/m.exec(text)?.[1] ?? Number.NaN);
}

describe('a reader that does not read', () => {
  it('does not slow the other forty-nine, and is caught up in order when it reads again', async () => {
    const { id, ada, guests } = await roomWith(patient, 50);
    const [slow, ...others] = guests;
    if (!slow) return expect.unreachable();
    const alone = await roundTrip(ada.ws, id);
    slow.ws.pause();
    const last = await writeMuch(ada.ws, id);
    await Promise.all(others.map(({ ws }) => ws.waitForSeq(id, last)));
    await eventually('others are served as before', async () => {
      const beside = await roundTrip(ada.ws, id);
      return beside < alone * 5 + 20;
    });
    expect(slow.ws.lastSeq(id)).toBeLessThan(last);

    slow.ws.resume();
    await slow.ws.waitForSeq(id, last);
    const { seq } = await ada.ws.send(id, 'live again');
    await slow.ws.waitForSeq(id, seq);
    // No close, no second join: the witness has seen every number, in order, on one connection.
    expect(slow.ws.framesOf('bye')).toEqual([]);
    await slow.ws.send(id, 'and it may speak');
  });

  it('is counted as congested, and not any more when it is level', async () => {
    const { id, ada, guests } = await roomWith(patient, 1);
    guests[0]?.ws.pause();
    const last = await writeMuch(ada.ws, id);
    await eventually('one is congested', async () => (await congested(patient)) === 1);
    guests[0]?.ws.resume();
    await guests[0]?.ws.waitForSeq(id, last);
    await eventually('none is congested', async () => (await congested(patient)) === 0);
  });

  it('misses nothing of a turn: what it was not given in time comes as a snapshot, and the end', async () => {
    const { id, ada, guests } = await roomWith(patient, 2);
    const [slow, other] = guests;
    if (!slow || !other) return expect.unreachable();
    const { seq } = await ada.ws.send(id, '@assistant tokens: 400; rate: 200');
    const turn = await slow.ws.waitFor('turn.started', (one) => one.trigger_seq === seq);
    slow.ws.pause();
    const last = await writeMuch(ada.ws, id);
    const isIt = (one: { turn_id: string }) => one.turn_id === turn.turn_id;
    const end = await other.ws.waitFor('turn.ended', isIt);
    slow.ws.resume();
    // Whether by deltas or by a snapshot: the witness compared what it had with the message.
    expect(await slow.ws.waitFor('turn.ended', isIt)).toEqual(end);
    await slow.ws.waitForSeq(id, Math.max(last, end.seq ?? 0));
  });

  it('for too long gets what was queued, a bye and 4002, and resumes without a hole', async () => {
    const { id, ada, guests } = await roomWith(strict, 2);
    const [slow, other] = guests;
    if (!slow || !other) return expect.unreachable();
    slow.ws.pause();
    const last = await writeMuch(ada.ws, id);
    await other.ws.waitForSeq(id, last);
    await ada.ws.waitFor('presence', (one) => one.participant_id === slow.id && !one.online);
    slow.ws.resume();
    expect(await within(slow.ws.closed, 'the close')).toMatchObject({ code: 4002 });
    expect(slow.ws.framesOf('bye')).toMatchObject([{ reason: 'slow_consumer' }]);
    const position = slow.ws.lastSeq(id);
    expect(position).toBeLessThan(last);

    const again = await strict.connect({ token: slow.token });
    await again.joinLive(id, { after_seq: position });
    const { seq } = await ada.ws.send(id, 'the end');
    await again.waitForSeq(id, seq);
    expect(again.events(id)[0]?.seq).toBe(position + 1);
  });

  it('of an event stream does not slow others either, and resumes by Last-Event-ID', async () => {
    const { id, ada, guests } = await roomWith(patient, 2);
    const stream = await patient.stream(id, '?after_seq=0', { token: guests[0]?.token ?? '' });
    const { seq: first } = await ada.ws.send(id, 'seen');
    await stream.waitForSeq(first);
    stream.pause();
    const last = await writeMuch(ada.ws, id);
    await guests[1]?.ws.waitForSeq(id, last);
    stream.resume();
    const ended = stream.ended.then(() => 'ended' as const);
    const level = stream.waitForSeq(last).then(() => 'level' as const);
    const outcome = await Promise.race([ended, level]);
    if (outcome === 'level') return;
    const position = stream.seqs.at(-1) ?? 0;
    const again = await patient.stream(id, '', {
      token: guests[0]?.token ?? '',
      lastEventId: String(position),
    });
    await again.waitForSeq(last);
    expect(again.seqs[0]).toBe(position + 1);
  });
});

/** Milliseconds from a send to its ack: the median of twenty, one after the other. */
async function roundTrip(client: WireClient, conversation: string): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index < 20; index += 1) {
    const start = performance.now();
    await client.send(conversation, `ping ${index}`);
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[10] ?? 0;
}
