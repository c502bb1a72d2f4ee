import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { conversationId } from '../../src/domain/ids.ts';
import { termsOf } from '../../src/text/terms.ts';
import { SqliteStore } from '../../storage/sqlite/sqlite-store.ts';
import {
  added,
  axis,
  byVector,
  byWords,
  embedded,
  idOfDocument,
} from '../contract/document-fixtures.ts';
import {
  append,
  edit,
  granted,
  made,
  messages,
  ONE,
  turn,
  wholeLog,
} from '../contract/fixtures.ts';
import type { Order } from '../crash/ledger.ts';
import { Load } from '../crash/load.ts';
import { CAN_LIMIT_FILES, runCli } from '../support/cli.ts';
import { damageAround } from '../support/damage.ts';
import { Random } from '../support/random.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';
import { withServer } from '../support/wire.ts';

let folder: TemporaryFolder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.clear());

const run = (...args: string[]) => runCli(args, { cwd: folder.path('.') });

async function filled(name: string, events = 500): Promise<void> {
  const store = SqliteStore.open(folder.path(name));
  await made(store, messages(1, events));
  await store.close();
}

describe('colloquy backup', () => {
  it('makes a copy whose conversations get new epochs when it is served, once: its seqs are given out anew', async () => {
    await filled('colloquy.db', 3);
    const path = folder.path('copy.db');
    const copied = await run('backup', path, '--store', `sqlite:${folder.path('colloquy.db')}`);
    expect(copied).toMatchObject({ code: 0 });
    const epochs: (string | undefined)[] = [];
    let restored = 0;
    for (const isServed of [false, true, true]) {
      const store = SqliteStore.open(path, {
        isServed,
        onRestored: () => {
          restored += 1;
        },
      });
      epochs.push(granted(await store.load(ONE))?.conversation.epoch);
      expect(await wholeLog(store)).toEqual(messages(1, 3));
      await store.close();
    }
    expect(epochs[0]).toBe('e_first');
    expect(epochs[1]).not.toBe(epochs[0]);
    expect(epochs[2]).toBe(epochs[1]);
    expect(restored).toBe(1);
  });

  it('makes a copy that tells a client who was ahead to begin anew', async () => {
    await withServer({ store: 'sqlite:{dir}/colloquy.db' }, async (wire) => {
      const ann = await wire.connect({ name: 'Ann' });
      const { epoch } = await ann.join('c_kept', { create: true });
      const path = folder.path('copy.db');
      const from = `sqlite:${wire.server.path('colloquy.db')}`;
      expect(await run('backup', path, '--store', from)).toMatchObject({ code: 0 });
      await withServer({ store: `sqlite:${path}` }, async (restored) => {
        const again = await restored.connect({ name: 'Ann' });
        const reset = await again.ask({
          type: 'join',
          conversation_id: 'c_kept',
          after_seq: 1,
          epoch,
        });
        expect(reset).toMatchObject({ type: 'reset', reason: 'epoch' });
      });
    });
  });

  it('copies the store of a server that is written to, or was killed, with all that was acked before', async () => {
    await withServer({ store: 'sqlite:{dir}/colloquy.db' }, async (wire) => {
      const load = new Load([wire], new Random());
      await load.meet(3, 1);
      let acks = 0;
      const written = load.writeUntilCut(() => {
        acks += 1;
      });
      const copies: { readonly path: string; readonly acked: readonly Order[] }[] = [];
      const copy = async () => {
        const acked = load.ledger.acked.map((order) => ({ ...order }));
        const path = folder.path(`copy-${copies.length}.db`);
        const store = `sqlite:${wire.server.path('colloquy.db')}`;
        const ran = await run('backup', path, '--store', store);
        expect(ran).toMatchObject({ code: 0 });
        expect(ran.stdout).toMatch(/^\S+copy-\d\.db: \d+ bytes in [\d.]+ s, checked\n$/);
        copies.push({ path, acked });
      };
      for (let round = 0; round < 3; round += 1) {
        const target = acks + 300;
        await until(() => acks > target);
        await copy();
      }
      await wire.server.kill('SIGKILL');
      await written;
      const wal = () => readFileSync(wire.server.path('colloquy.db-wal'));
      const left = wal();
      await copy();
      expect(left.length).toBeGreaterThan(0);
      expect(wal().equals(left)).toBe(true);
      for (const { path, acked } of copies) {
        const store = SqliteStore.open(path);
        const logs = new Map<string, Awaited<ReturnType<typeof wholeLog>>>();
        for (const id of load.conversations.map(conversationId)) {
          const log = await wholeLog(store, id);
          expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1));
          expect(granted(await store.load(id))?.conversation.headSeq).toBe(log.length);
          logs.set(id, log);
        }
        for (const { conversation, key, seq } of acked) {
          expect(logs.get(conversation)?.[(seq ?? 0) - 1]?.key).toBe(key);
        }
        await store.close();
      }
    });
  });

  it('leaves the store as it is, and makes one file for its owner', async () => {
    await filled('c.db');
    const before = readFileSync(folder.path('c.db'));
    expect(await run('backup', 'copy.db', '--store', 'sqlite:c.db')).toMatchObject({ code: 0 });
    expect(readFileSync(folder.path('c.db')).equals(before)).toBe(true);
    expect(statSync(folder.path('copy.db')).mode & 0o777).toBe(0o600);
    const left = readdirSync(folder.path('.')).filter((name) => name.includes('copy'));
    expect(left).toEqual(['copy.db']);
    const store = SqliteStore.open(folder.path('copy.db'));
    expect(await wholeLog(store)).toEqual(messages(1, 500));
    await store.close();
  });

  it('copies what is searched, too: the copy finds what the store finds', async () => {
    const store = SqliteStore.open(folder.path('c.db'));
    await made(store, [...messages(1, 30), edit(31, 2, 'a heron on the roof')]);
    const effects = [
      { kind: 'edited', targetSeq: 2, seq: 31 },
      { kind: 'turn', turn: turn('a') },
    ] as const;
    granted(await append(store, { expectedHead: 31, effects: [...effects] }));
    await added(store, 'birds', { texts: ['herons fish', 'gulls shout'], conversations: [ONE] });
    await embedded(store, idOfDocument('birds'), [axis(0), axis(1)]);
    while (!granted(await store.index.level(ONE, 1_000)));
    const ask = async (one: SqliteStore) => [
      await one.load(ONE),
      await one.readMessages(ONE, { limit: 100 }),
      await one.readTurns(ONE, { limit: 100 }),
      await byWords(one, 'gulls'),
      await byVector(one, axis(1)),
      await one.index.byTerms(ONE, { terms: termsOf('heron'), limit: 5 }),
      await one.spaces.list(),
    ];
    const before = await ask(store);
    expect(await run('backup', 'copy.db', '--store', 'sqlite:c.db')).toMatchObject({ code: 0 });
    await store.close();
    const copy = SqliteStore.open(folder.path('copy.db'));
    expect(await ask(copy)).toEqual(before);
    await copy.close();
  });

  it('leaves a file that is there alone', async () => {
    await filled('c.db');
    writeFileSync(folder.path('copy.db'), 'precious');
    const { code, stderr } = await run('backup', 'copy.db', '--store', 'sqlite:c.db');
    expect([code, stderr]).toEqual([
      1,
      'colloquy: copy.db is there already; name a file that is not\n',
    ]);
    expect(readFileSync(folder.path('copy.db'), 'utf8')).toBe('precious');
  });

  it('makes no copy of a damaged store, and leaves nothing of it behind', async () => {
    await filled('c.db', 3_000);
    damageAround(folder.path('c.db'), 'message 1500"');
    const { code, stderr } = await run('backup', 'copy.db', '--store', 'sqlite:c.db');
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^colloquy: the store c\.db is damaged \(.+\), and so would be its copy$/m,
    );
    expect(readdirSync(folder.path('.')).filter((name) => name.includes('copy'))).toEqual([]);
  });

  it.runIf(CAN_LIMIT_FILES)(
    'leaves nothing behind when the disk is full, and says so',
    async () => {
      await filled('c.db', 3_000);
      const bytes = statSync(folder.path('c.db')).size;
      const options = { cwd: folder.path('.'), maxFileBytes: Math.floor(bytes / 2) };
      const { code, stderr } = await runCli(
        ['backup', 'copy.db', '--store', 'sqlite:c.db'],
        options,
      );
      expect(code).toBe(1);
      expect(stderr).toMatch(/^colloquy: the copy of c\.db cannot be made: .+\n$/);
      expect(readdirSync(folder.path('.')).filter((name) => name.includes('copy'))).toEqual([]);
    },
  );

  it.each([
    ['memory:', 'copy.db', 'this store keeps nothing that could be backed up'],
    ['sqlite:not-there.db', 'copy.db', 'the store not-there.db does not exist'],
    ['sqlite:c.db', 'no/such/folder/copy.db', 'no/such/folder/copy.db cannot be written'],
    ['sqlite:c.db', '-', 'name the file to write: colloquy backup FILE'],
  ])('says why it cannot: %s to %s', async (store, file, message) => {
    await filled('c.db', 1);
    const { code, stdout, stderr } = await run('backup', file, '--store', store);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(existsSync(folder.path('not-there.db'))).toBe(false);
  });
});
