import { expect, it } from 'vitest';
import { wholeLog } from '../support/rest-client.ts';
import type { Wire } from '../support/wire.ts';
import { withServer } from '../support/wire.ts';

const flags = { store: 'sqlite:{dir}/colloquy.db', agent: 'scripted' };

/** What a turn with tools shows, step by step: the process is killed right after each of them. */
const STEPS = [
  ['turn.started', 0],
  ['turn.delta', 0],
  ['turn.tool_call', 0],
  ['turn.tool_result', 0],
  ['turn.tool_call', 1],
  ['turn.tool_result', 1],
  ['turn.delta', 2],
] as const;

async function turnOf(wire: Wire, { id, token }: { id: string; token: string }) {
  const { body } = await wire.rest(token).get(`/v1/conversations/${id}/turns`);
  return body.items[0];
}

it.each(STEPS)(
  'a process killed after %s %d ends the turn once, with one message, each tool called once',
  async (type, nth) => {
    await withServer(flags, async (wire) => {
      const { id, people } = await wire.room('Ada');
      const [ada] = people;
      if (!ada) return expect.unreachable();
      await ada.ws.send(id, 'say: one two three four\nrate: 20; tool: look; tool: think');
      for (let seen = 0; seen <= nth; seen += 1) {
        await ada.ws.waitFor(type, (frame) => ada.ws.framesOf(type).indexOf(frame) >= seen);
      }
      await wire.server.restart('SIGKILL');
      const ws = await wire.connect({ token: ada.token });
      await ws.joinLive(id, { after_seq: 1 });
      await ws.waitForSeq(id, 3);
      const at = { id, token: ada.token };
      const turn = await turnOf(wire, at);
      expect(turn).toMatchObject({ state: 'completed', message_seq: 3 });
      const calls = turn.tool_calls as { call_id: string; result?: string; error?: string }[];
      expect(calls.map(({ call_id }) => call_id)).toEqual(['call_1', 'call_2']);
      const words = calls.map(({ result, error }) => result ?? error);
      const text = `one [look: ${words[0]}] [think: ${words[1]}] two three four`.replace(
        'one ',
        'one ',
      );
      expect(turn.text.replaceAll('  ', ' ')).toBe(text);
      const log = await wholeLog(wire.rest(ada.token), id);
      expect(log.filter((event) => event.turn_id === turn.turn_id)).toHaveLength(1);
      expect(log.map((event) => event.seq)).toEqual(log.map((_, index) => index + 1));
    });
  },
);

it('a process killed while people are asked asks them again, as often as it is killed', async () => {
  await withServer(flags, async (wire) => {
    const { id, people } = await wire.room('Ada');
    const [ada] = people;
    if (!ada) return expect.unreachable();
    await ada.ws.send(id, 'say: So be it\napprove: pay');
    await ada.ws.waitFor('turn.tool_call');
    const at = { id, token: ada.token };
    for (let times = 0; times < 3; times += 1) {
      await wire.server.restart('SIGKILL');
      const ws = await wire.connect({ token: ada.token });
      await ws.joinLive(id);
      const { state } = await turnOf(wire, at);
      expect(['thinking', 'streaming', 'awaiting_approval', 'queued']).toContain(state);
    }
    const ws = await wire.connect({ token: ada.token });
    const joined = await ws.joinLive(id);
    const [running] = joined.turns;
    const call = running?.tool_calls[0] ?? (await ws.waitFor('turn.tool_call'));
    const turnId = running?.turn_id ?? (await turnOf(wire, at)).turn_id;
    const about = { conversation_id: id, turn_id: turnId, call_id: call.call_id };
    expect(await ws.ask({ type: 'decide', ...about, decision: 'approve' })).toMatchObject({
      type: 'ok',
    });
    const end = await ws.waitFor('turn.ended');
    expect(end).toMatchObject({ state: 'completed', attempt: 4 });
    expect(await ws.waitForSeq(id, end.seq ?? 0)).toMatchObject({
      content: 'So [pay: done] be it',
    });
  });
});
