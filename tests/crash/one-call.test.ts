import { expect, it } from 'vitest';
import { OneCall } from '../support/one-call.ts';
import { withServer } from '../support/wire.ts';

const flags = { store: 'sqlite:{dir}/colloquy.db', agent: 'scripted' };

it('a call that a crash cut off is made again, and meets its turn: one message, one answer', async () => {
  await withServer(flags, async (wire) => {
    const { id, people } = await wire.room('Ada');
    const token = people[0]?.token;
    const url = () => `${wire.server.url}/v1/conversations/${id}/stream`;
    const body = { content: 'tokens: 40; rate: 100' };
    const first = await OneCall.open(url(), body, { token, key: 'k' });
    const { turn_id, seq } = await first.first('accepted');
    await first.first('message_chunk');
    await wire.server.restart('SIGKILL');

    const second = await OneCall.open(url(), body, { token, key: 'k' });
    expect(await second.first('accepted')).toMatchObject({ turn_id, seq, duplicate: true });
    const last = await second.last();
    expect(last).toMatchObject({ type: 'complete_state', turn_id });
    expect(second.of('message_chunk').at(-1)?.attempt).toBe(2);
    if (last.type !== 'complete_state') throw new Error('no answer');
    expect(second.text).toBe(last.message);
    const { items } = (await wire.rest(token).get(`/v1/conversations/${id}/messages`)).body;
    expect(items.length).toBe(2);
  });
});
