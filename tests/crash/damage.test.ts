import { cpSync, readFileSync, rmSync } from 'node:fs';
import { expect, it } from 'vitest';
import { SqliteStore } from '../../storage/sqlite/sqlite-store.ts';
import { made, messages } from '../contract/fixtures.ts';
import { damageAround } from '../support/damage.ts';
import { expectError } from '../support/failures.ts';
import { wholeLog } from '../support/rest-client.ts';
import { ServerProcess } from '../support/server-process.ts';
import { Wire } from '../support/wire.ts';

const EVENTS = 3_000;
const ROOM = 'c_old';

it('a page that breaks under a server refuses what stands on it and nothing else; after a kill the start is refused until a backup is there', async () => {
  const server = new ServerProcess({ store: 'sqlite:{dir}/colloquy.db' });
  const wire = new Wire(server);
  const path = server.path('colloquy.db');
  try {
    const store = SqliteStore.open(path);
    await made(store, messages(1, EVENTS), { id: ROOM });
    await store.close();
    cpSync(path, server.path('backup.db'));

    await server.start();
    const ada = await wire.person('Ada');
    await ada.ws.joinLive(ROOM, { after_seq: EVENTS });
    damageAround(path, 'message 1500"');
    const page = `/v1/conversations/${ROOM}/events?after_seq=1400&limit=200`;
    const read = await ada.rest.get(page, { accept: 'application/json' });
    expect([read.status, read.body.reason]).toEqual([503, 'storage_unavailable']);
    const edited = await ada.ws.ask({
      type: 'edit',
      conversation_id: ROOM,
      seq: 1_500,
      content: 'never stored',
      key: 'edit',
    });
    expect(edited.type).toBe('error');
    const { id } = await wire.room('Bob');
    const sent = await ada.ws.send(ROOM, 'after the damage');
    expect(sent.seq).toBeGreaterThan(EVENTS);
    await server.kill('SIGKILL');

    const before = readFileSync(path);
    for (let start = 0; start < 2; start += 1) {
      server.output = '';
      expect((await server.run()).code).toBe(1);
      expect(server.output).toMatch(
        /^colloquy: the store \S+colloquy\.db is damaged \(.+\); nothing was changed\. Move it away .+put a backup in its place\n$/,
      );
    }
    expect(readFileSync(path).equals(before)).toBe(true);

    for (const end of ['', '-wal', '-shm']) rmSync(path + end);
    cpSync(server.path('backup.db'), path);
    await server.start();
    const eve = await wire.person('Eve');
    await eve.ws.joinLive(ROOM, { after_seq: EVENTS });
    const log = await wholeLog(eve.rest, ROOM);
    expect(log.slice(0, EVENTS).map(({ seq }) => seq)).toEqual(
      Array.from({ length: EVENTS }, (_, index) => index + 1),
    );
    expectError(
      await eve.ws.trySend(id, 'of a room that is not in the backup'),
      404,
      'conversation_not_found',
    );
  } catch (error) {
    console.log(server.output.slice(-4_000));
    throw error;
  } finally {
    await wire.close();
    await server.dispose();
  }
});

it('a start after a kill says in the log that the file was checked, and one after a clean end does not', async () => {
  const server = new ServerProcess({ store: 'sqlite:{dir}/colloquy.db', 'log-level': 'info' });
  const wire = new Wire(server);
  try {
    await server.start();
    const { id, people } = await wire.room('Ada');
    await people[0]?.ws.send(id, 'before the kill');
    await server.kill('SIGKILL');
    expect(server.output).not.toContain('store_checked');
    await server.start();
    expect(server.output).toMatch(
      /"store_checked".*"seconds":[\d.]+|"seconds":[\d.]+.*"store_checked"/,
    );
    await server.kill('SIGTERM');
    server.output = '';
    await server.start();
    expect(server.output).not.toContain('store_checked');
  } finally {
    await wire.close();
    await server.dispose();
  }
});
