import { expect, it } from 'vitest';
import { eventually } from '../support/deadline.ts';
import { testDatabase } from '../support/postgres.ts';
import { everyItem } from '../support/rest-client.ts';
import { withServer } from '../support/wire.ts';

const SENT = 40;
const KEPT = 5;

/** A conversation is trimmed, the server killed, and its log begins where it began before. */
async function lasts(store: string): Promise<void> {
  const flags = { store, 'retention-events': KEPT, 'retention-sweep-ms': 30 };
  await withServer(flags, async (wire) => {
    const { id, people } = await wire.room('Ada');
    const [ada] = people;
    if (!ada) return expect.unreachable();
    for (let at = 1; at <= SENT; at += 1) await ada.ws.send(id, `m${at}`, { key: `k${at}` });
    const head = SENT + 1;
    const path = `/v1/conversations/${id}`;
    const isTrimmed = async () => {
      const { body } = await wire.rest(ada.token).get(path);
      return body.first_seq === head - KEPT + 1 && body.head_seq === head;
    };
    await eventually('it is trimmed', isTrimmed);
    await wire.server.restart('SIGKILL');
    expect(await isTrimmed()).toBe(true);
    const rest = wire.rest(ada.token);
    const seqsOf = async (list: string) =>
      (await everyItem(rest, `${path}/${list}`)).map(({ seq }) => seq);
    const kept = Array.from({ length: KEPT }, (_, at) => head - KEPT + 1 + at);
    expect(await seqsOf('events')).toEqual(kept);
    expect(await seqsOf('messages')).toEqual(kept);
    const again = await wire.connect({ token: ada.token });
    const reset = await again.ask({ type: 'join', conversation_id: id, after_seq: 0 });
    expect(reset).toMatchObject({ type: 'reset', reason: 'trimmed', first_seq: kept[0] });
    await again.joinLive(id, { after_seq: head - KEPT });
    for (const at of [1, SENT]) {
      const receipt = await again.send(id, `m${at}`, { key: `k${at}` });
      expect(receipt).toMatchObject({ seq: at + 1, duplicate: true });
    }
    expect(await again.send(id, 'next')).toMatchObject({ seq: head + 1, duplicate: false });
  });
}

it('lasts on SQLite', () => lasts('sqlite:{dir}/colloquy.db'));

it('lasts on Postgres', async () => {
  const database = await testDatabase();
  try {
    await lasts(database.url);
  } finally {
    await database.drop();
  }
});
