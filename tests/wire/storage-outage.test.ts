import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
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
      // What needs no write goes on, and a balancer can see it.
      expect((await ada.rest.get('/health')).status).toBe(200);
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

/** Of util-linux: where it is not, nothing else can fill a disk for one process alone. */
const PRLIMIT = '/usr/bin/prlimit';

/** Lets no file of the process grow beyond so many bytes: what is felt of a disk that is full. */
function limitFiles(pid: number, bytes: number | 'unlimited'): void {
  execFileSync(PRLIMIT, ['--pid', String(pid), `--fsize=${bytes}:unlimited`]);
}

it.runIf(existsSync(PRLIMIT))(
  'answers 503 storage_unavailable when nothing can be written any more, and heals when it can',
  async () => {
    await withServer({ store: 'sqlite:{dir}/colloquy.db' }, async (wire) => {
      const { id, people } = await wire.room('Ada', 'Bob');
      const [ada, bob] = people;
      if (!ada || !bob) return expect.unreachable();
      await ada.ws.send(id, 'before');
      limitFiles(wire.server.pid, statSync(wire.server.path('colloquy.db-wal')).size);
      const filler = 'x'.repeat(9_000);
      const refused = await eventually('a send is refused', async () => {
        const answer = await ada.ws.trySend(id, filler);
        return answer.type === 'error' ? answer : undefined;
      });
      expectError(refused, 503, 'storage_unavailable');
      const answer = await ada.ws.trySend(id, `during ${filler}`, { key: 'during' });
      expectError(answer, 503, 'storage_unavailable');
      await bob.ws.settle();

      limitFiles(wire.server.pid, 'unlimited');
      const healed = await eventually('it heals', async () => {
        const again = await ada.ws.trySend(id, `during ${filler}`, { key: 'during' });
        return again.type === 'ack' ? again : undefined;
      });
      expect(healed).toMatchObject({ duplicate: false });
      await bob.ws.waitForSeq(id, healed.seq);
      await wire.server.restart('SIGKILL');
      const log = await wholeLog(wire.rest(bob.token), id);
      const seen = bob.ws.events(id);
      expect(log.slice(-seen.length).map((event) => event.event_id)).toEqual(
        seen.map((event) => event.event_id),
      );
      expect(log.map((event) => event.seq)).toEqual(log.map((_, index) => index + 1));
    });
  },
);
