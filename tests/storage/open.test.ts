import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cacheStatsOf, openStore } from '../../storage/open.ts';
import { OpenError } from '../../storage/open-error.ts';
import { headOf, made, messages } from '../contract/fixtures.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';

let folder: TemporaryFolder;

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(() => {
  folder.clear();
});

async function refusedWith(url: string): Promise<string> {
  try {
    await openStore(url);
  } catch (error) {
    expect(error).toBeInstanceOf(OpenError);
    return (error as OpenError).message;
  }
  throw new Error('it opened');
}

describe('opening a store', () => {
  test('sqlite: makes the file, and the folders before it', async () => {
    const path = folder.path('a/b/c.db');
    const store = await openStore(`sqlite:${path}`);
    await made(store, messages(1, 3));
    await store.close();
    const again = await openStore(`sqlite:${path}`);
    expect(await headOf(again)).toBe(3);
    await again.close();
  });

  test('sqlite: leaves one file and an empty lock behind when it is closed', async () => {
    const path = folder.path('c.db');
    const store = await openStore(`sqlite:${path}`);
    await made(store, messages(1, 3));
    await store.close();
    expect([existsSync(`${path}-wal`), existsSync(`${path}-shm`)]).toEqual([false, false]);
  });

  test('memory: needs nothing', async () => {
    const store = await openStore('memory:');
    await made(store, messages(1, 3));
    expect(await headOf(store)).toBe(3);
    await store.close();
  });

  test('puts a cache in front, unless it is given no room', async () => {
    expect(cacheStatsOf(await openStore('memory:'))).toMatchObject({ hits: 0, conversations: 0 });
    expect(cacheStatsOf(await openStore('memory:', { cacheBytes: 0 }))).toBeUndefined();
    expect(cacheStatsOf(await openStore('memory:', { cacheConversations: 0 }))).toBeUndefined();
  });

  test.for(['mysql://host/db', 'sqlite', '', 'constructor:', '/just/a/path'])(
    'says which kinds there are when the URL is of none: %s',
    async (url) => {
      expect(await refusedWith(url)).toBe(
        `the store ${url} is of no known kind; there are memory:, sqlite:PATH, postgres://…`,
      );
    },
  );

  test('shows no password of an address that it does not know', async () => {
    expect(await refusedWith('postgre://ann:pass/w@rd@host/db')).toMatch(
      /^the store postgre:\/\/…@host\/db is/,
    );
  });

  test('says that sqlite: needs a path', async () => {
    expect(await refusedWith('sqlite:')).toMatch(/names no file/);
  });

  test('says that a file is not a database', async () => {
    const path = folder.path('notes.txt');
    writeFileSync(path, 'Dear diary, today I was mistaken for a database. '.repeat(100));
    expect(await refusedWith(`sqlite:${path}`)).toBe(`the store ${path} is not a SQLite database`);
  });

  test('says that a folder cannot be opened', async () => {
    mkdirSync(folder.path('folder'));
    expect(await refusedWith(`sqlite:${folder.path('folder')}`)).toMatch(
      /cannot be opened: is it a dir/,
    );
  });

  test('says that a folder on the way is a file', async () => {
    writeFileSync(folder.path('file'), '');
    expect(await refusedWith(`sqlite:${folder.path('file/c.db')}`)).toMatch(
      /cannot be opened: .*EEXIST|ENOTDIR/,
    );
  });

  test('says that a folder cannot be made, and does not try for ever', async () => {
    expect(await refusedWith('sqlite:/proc/colloquy/c.db')).toMatch(/cannot be opened: /);
  });

  test('says that a file is from a newer program, and leaves it as it was', async () => {
    const path = folder.path('c.db');
    await (await openStore(`sqlite:${path}`)).close();
    const db = new Sqlite(path);
    const newest = db.pragma('user_version', { simple: true });
    db.pragma('user_version = 99');
    db.close();
    expect(await refusedWith(`sqlite:${path}`)).toMatch(
      /c\.db has schema 99, and this program knows schemas up to \d+: start a newer program/,
    );
    const after = new Sqlite(path);
    expect(after.pragma('user_version', { simple: true })).toBe(99);
    after.pragma(`user_version = ${newest}`);
    after.close();
    await (await openStore(`sqlite:${path}`)).close();
  });

  test('meets a second opener at the same lock when it comes by a link', async () => {
    const path = folder.path('c.db');
    const store = await openStore(`sqlite:${path}`);
    symlinkSync(path, folder.path('link.db'));
    expect(await refusedWith(`sqlite:${folder.path('link.db')}`)).toMatch(/is in use by another/);
    await store.close();
  });
});
