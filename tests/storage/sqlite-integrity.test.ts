import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { conversationId } from '../../src/domain/ids.ts';
import { OpenError } from '../../storage/open-error.ts';
import type { FileCheck } from '../../storage/sqlite/integrity.ts';
import type { SqliteOptions } from '../../storage/sqlite/options.ts';
import { SqliteStore } from '../../storage/sqlite/sqlite-store.ts';
import { appended, granted, headOf, made, messages, ONE, refusal } from '../contract/fixtures.ts';
import { damageAround, damageRoot } from '../support/damage.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

const SCRIPT = fileURLToPath(new URL('../support/appending-process.ts', import.meta.url));
const FIRST = conversationId('c_0');

let folder: TemporaryFolder;
let child: ChildProcess | undefined;
const checks: FileCheck[] = [];

beforeEach(() => {
  folder = temporaryFolder();
  checks.length = 0;
});

afterEach(() => {
  child?.kill('SIGKILL');
  child = undefined;
  folder.clear();
});

const path = () => folder.path('c.db');
const open = (options: SqliteOptions = {}) =>
  SqliteStore.open(path(), { ...options, onChecked: (check) => checks.push(check) });

/** A file whose process was killed after so many commits, in the middle of its work. */
async function crashed(commits = 400): Promise<void> {
  child = spawn(process.execPath, [SCRIPT, path(), '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  let lines = 0;
  for await (const _ of createInterface({ input: child.stdout! })) {
    lines += 1;
    if (lines === commits) child.kill('SIGKILL');
  }
  await exit;
  expect(statSync(`${path()}-wal`).size).toBeGreaterThan(0);
}

function refusedWith(): string {
  try {
    open();
  } catch (error) {
    expect(error).toBeInstanceOf(OpenError);
    return (error as OpenError).message;
  }
  throw new Error('it opened');
}

describe('the check at start', () => {
  test('is not made of a new file, nor after a clean end', async () => {
    const store = open();
    await made(store, messages(1, 50));
    await store.close();
    await open().close();
    expect(checks).toEqual([]);
  });

  test('is made after a crash, once, and says what it took', async () => {
    await crashed();
    await open().close();
    expect(checks).toMatchObject([{ isBeside: false, damage: undefined }]);
    expect(checks[0]?.bytes).toBeGreaterThan(4_096);
    expect(checks[0]?.seconds).toBeGreaterThan(0);
    await open().close();
    expect(checks).toHaveLength(1);
  });

  test.each([
    ['the log', () => damageAround(path(), 'message 1500"')],
    ['places', () => damageRoot(path(), 'places')],
  ])(
    'refuses a file with a broken page of %s after a crash, says what to do, and changes nothing',
    async (_, damage) => {
      const before = open({ segmentRows: 1 });
      await made(before, messages(1, 3_000), { id: 'c_before' });
      await until(() => before.backlogRows === 0);
      await before.close();
      await crashed(50);
      damage();
      const [data, wal] = [readFileSync(path()), readFileSync(`${path()}-wal`)];
      for (let start = 0; start < 2; start += 1) {
        const message = refusedWith();
        expect(message).toContain(`the store ${path()} is damaged (`);
        expect(message).toMatch(
          /nothing was changed\. Move it away .+-wal and -shm, and put a backup/,
        );
      }
      expect(readFileSync(path()).equals(data)).toBe(true);
      expect(readFileSync(`${path()}-wal`).equals(wal)).toBe(true);
    },
  );

  test('a backup in the place of the refused file is what the sentence promises', async () => {
    const before = open();
    await made(before, messages(1, 3_000), { id: 'c_before' });
    await before.close();
    cpSync(path(), folder.path('backup.db'));
    await crashed(50);
    damageAround(path(), 'message 1500"');
    refusedWith();
    for (const end of ['', '-wal', '-shm']) rmSync(`${path()}${end}`);
    cpSync(folder.path('backup.db'), path());
    const store = open();
    expect(await headOf(store, conversationId('c_before'))).toBe(3_000);
    await store.close();
  });
});

describe('the check of a large file', () => {
  const large = { checkHereBytes: 0 };

  test('is made beside the store, which serves meanwhile', async () => {
    await crashed();
    const store = open(large);
    expect(await headOf(store, FIRST)).toBeGreaterThan(0);
    expect(checks).toEqual([]);
    await until(() => checks.length > 0);
    expect(checks).toMatchObject([{ isBeside: true, damage: undefined }]);
    expect(await store.probe()).toMatchObject({ ok: true });
    await store.close();
    await open(large).close();
    expect(checks).toHaveLength(1);
  });

  test('makes the probe fail when there is damage, again at the next start', async () => {
    const before = open();
    await made(before, messages(1, 3_000), { id: 'c_before' });
    await before.close();
    await crashed(50);
    damageAround(path(), 'message 1500"');
    for (let start = 1; start <= 2; start += 1) {
      const store = open(large);
      await until(() => checks.length === start);
      expect(checks.at(-1)).toMatchObject({ isBeside: true });
      expect(checks.at(-1)?.damage).toMatch(/./);
      expect(refusal(await store.probe())).toMatchObject({ reason: 'storage_unavailable' });
      await store.close();
    }
  });

  test('that a stop cut off is made at the next start', async () => {
    await crashed();
    await open(large).close();
    expect(existsSync(`${path()}-wal`)).toBe(false);
    const store = open(large);
    await until(() => checks.length > 0);
    expect(checks).toMatchObject([{ damage: undefined }]);
    await store.close();
    await open().close();
    expect(checks).toHaveLength(1);
  });
});

test('a page that breaks while the store serves refuses what stands on it, and after a kill so does the start', async () => {
  const store = open({ segmentRows: 1, tune: (db) => db.pragma('cache_size = 0') });
  await made(store, messages(1, 3_000));
  await until(() => store.backlogRows === 0);
  const other = new Sqlite(path());
  other.pragma('wal_checkpoint(TRUNCATE)');
  other.close();
  damageAround(path(), 'message 1500"');
  const read = await store.readEvents(ONE, { afterSeq: 0, limit: 3_000 });
  expect(refusal(read)).toMatchObject({ reason: 'storage_unavailable', outcome: 'none' });
  expect(granted(await store.readEvents(ONE, { afterSeq: 2_990, limit: 100 }))).toHaveLength(10);
  await appended(store, messages(3_001, 3_010));
  expect(granted(await store.readEvents(ONE, { afterSeq: 2_990, limit: 100 }))).toHaveLength(20);
  // As a kill leaves it: the write-ahead log is not empty.
  const copy = temporaryFolder();
  for (const end of ['', '-wal']) cpSync(`${path()}${end}`, copy.path(`c.db${end}`));
  await store.close();
  expect(() => SqliteStore.open(copy.path('c.db'))).toThrow(/c\.db is damaged \(.+a backup in/);
  copy.clear();
});
