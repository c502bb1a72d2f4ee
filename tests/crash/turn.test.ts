import { expect, it } from 'vitest';
import { wholeLog } from '../support/rest-client.ts';
import type { Wire } from '../support/wire.ts';
import { withServer } from '../support/wire.ts';

const flags = { store: 'sqlite:{dir}/colloquy.db', agent: 'scripted' };

/** One human, and a turn that is cut off in the middle of its answer. */
async function cutOff(wire: Wire, direction: string) {
  const { id, people } = await wire.room('Ada');
  const ada = people[0];
  if (!ada) throw new Error('nobody');
  const { seq } = await ada.ws.send(id, direction);
  const turn = await ada.ws.waitFor('turn.started');
  await ada.ws.waitFor('turn.delta', (delta) => delta.index >= 3);
  await wire.server.restart('SIGKILL');
  return { id, token: ada.token, seq, turn };
}

/** Comes back from `seq`, has a further message answered, and gives what was seen and stored. */
async function goOn(wire: Wire, { id, token, seq }: { id: string; token: string; seq: number }) {
  const ws = await wire.connect({ token });
  await ws.joinLive(id, { after_seq: seq });
  const next = await ws.send(id, 'tokens: 3; rate: 0');
  const answer = await ws.waitFor('turn.started', (one) => one.trigger_seq === next.seq);
  const end = await ws.waitFor('turn.ended', (one) => one.turn_id === answer.turn_id);
  expect(end.state).toBe('completed');
  return { ws, log: await wholeLog(wire.rest(token), id) };
}

it('runs a turn that a crash cut off again, once, to its end; then the next one comes', async () => {
  await withServer(flags, async (wire) => {
    const cut = await cutOff(wire, 'tokens: 50; rate: 100');
    const { ws, log } = await goOn(wire, cut);
    const answers = log.filter((event) => event.turn_id === cut.turn.turn_id);
    expect(answers).toHaveLength(1);
    expect(answers[0].content.split(' ')).toHaveLength(50);
    const again = ws
      .framesOf('turn.started')
      .filter((one) => one.trigger_seq === cut.seq || one.turn_id === cut.turn.turn_id);
    expect(again.length).toBeLessThanOrEqual(1);
    for (const one of again) expect(one.attempt).toBe(cut.turn.attempt + 1);
    const ends = ws.framesOf('turn.ended').filter((one) => one.turn_id === cut.turn.turn_id);
    // One who came back before it was over saw it end.
    if (ends.length > 0) expect(ends).toMatchObject([{ state: 'completed', attempt: 2 }]);
    expect(log.map((event) => event.seq)).toEqual(log.map((_, index) => index + 1));
  });
});

it('does not run it a third time when the second was cut off, too', async () => {
  await withServer(flags, async (wire) => {
    const cut = await cutOff(wire, 'tokens: 9000; rate: 100');
    const ws = await wire.connect({ token: cut.token });
    const joined = await ws.joinLive(cut.id, { after_seq: cut.seq });
    const running = joined.turns.find((turn) => turn.turn_id === cut.turn.turn_id);
    if (running || ws.framesOf('turn.started').length > 0) {
      await ws.waitFor('turn.delta', (delta) => delta.turn_id === cut.turn.turn_id);
    }
    await wire.server.restart('SIGKILL');
    // Nothing endless stands before the next message any more: it is answered.
    const after = await goOn(wire, cut);
    expect(after.log.filter((event) => event.turn_id === cut.turn.turn_id)).toEqual([]);
    const attempts = after.ws
      .framesOf('turn.started')
      .filter((one) => one.turn_id === cut.turn.turn_id);
    expect(attempts).toEqual([]);
  });
});

it('keeps an answer that was complete before the crash, and does not give it again', async () => {
  await withServer(flags, async (wire) => {
    const { id, people } = await wire.room('Ada');
    const ada = people[0];
    if (!ada) return expect.unreachable();
    const { seq } = await ada.ws.send(id, 'say: only once');
    await ada.ws.waitFor('turn.ended');
    await wire.server.restart('SIGKILL');
    const { log } = await goOn(wire, { id, token: ada.token, seq });
    expect(log.filter((event) => event.content === 'only once')).toMatchObject([{ seq: seq + 1 }]);
  });
});
