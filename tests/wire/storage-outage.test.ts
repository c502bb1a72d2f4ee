import Database from 'better-sqlite3';
import { expect, it } from 'vitest';
import { eventually } from '../support/deadline.ts';
import { expectError } from '../support/failures.ts';
import { wholeLog } from '../support/rest-client.ts';
import { withServer } from '../support/wire.ts';

it('answers 503 storage_unavailable while the file is locked, stores nothing of it, and heals', async () => {
  await withServer({ store: 'sqlite:{dir}/colloquy.db' }, async (wire) => {
    const { id, people } = await wire.room('Ada', 'Bob');
    const [ada, bob] = people;
    if (!ada || !bob) return expect.unreachable();
    const { seq } = await ada.ws.send(id, 'before', { key: 'before' });

    const thief = new Database(wire.server.path('colloquy.db'), { timeout: 10_000 });
    thief.exec('BEGIN IMMEDIATE');
    try {
      const answers = await Promise.all(
        Array.from({ length: 5 }, (_, i) => ada.ws.trySend(id, `during ${i}`, { key: `k${i}` })),
      );
      for (const answer of answers) expectError(answer, 503, 'storage_unavailable');
      const posted = await ada.rest.post(`/v1/conversations/${id}/messages`, { content: 'during' });
      expect([posted.status, posted.body.reason]).toEqual([503, 'storage_unavailable']);
      // What needs no write goes on.
      await ada.ws.settle();
      ada.ws.tell({ type: 'typing', conversation_id: id, active: true });
      await bob.ws.waitFor('typing');
    } finally {
      thief.exec('ROLLBACK');
      thief.close();
    }

    const healed = await eventually('it heals', async () => {
      const answer = await ada.ws.trySend(id, 'during 0', { key: 'k0' });
      return answer.type === 'ack' ? answer : undefined;
    });
    expect(healed).toMatchObject({ seq: seq + 1, duplicate: false });
    const after = await ada.ws.send(id, 'after');
    await bob.ws.waitForSeq(id, after.seq);
    expect(bob.ws.contents(id)).toEqual(['before', 'during 0', 'after']);
    const log = await wholeLog(bob.rest, id);
    expect(log.map((event) => event.seq)).toEqual(
      Array.from({ length: after.seq }, (_, index) => index + 1),
    );
  });
});
