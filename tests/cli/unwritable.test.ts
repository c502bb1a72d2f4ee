import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SqliteStore } from '../../storage/sqlite/sqlite-store.ts';
import { made, messages, wholeLog } from '../contract/fixtures.ts';
import { runCli } from '../support/cli.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';

let folder: TemporaryFolder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.clear());

const check = () =>
  runCli(['check', '--store', 'sqlite:c.db'], { cwd: folder.path('.'), asOwnerOnly: true });

it.each([
  ['the file', 'c.db', 0o444, 0o644],
  ['its lock', 'c.db-lock', 0o444, 0o644],
  ['the folder', '.', 0o555, 0o755],
])(
  'a start is refused in one sentence while %s may not be written, and goes on when it may',
  async (...given) => {
    const [, name, closed, open] = given;
    const store = SqliteStore.open(folder.path('c.db'));
    await made(store, messages(1, 50));
    await store.close();
    const before = readFileSync(folder.path('c.db'));
    chmodSync(folder.path(name), closed);
    try {
      const { code, stdout, stderr } = await check();
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(/^colloquy: the store c\.db .*cannot be written\n$/);
      expect(existsSync(folder.path('c.db-wal'))).toBe(false);
      expect(readFileSync(folder.path('c.db')).equals(before)).toBe(true);
    } finally {
      chmodSync(folder.path(name), open);
    }
    expect(await check()).toMatchObject({ code: 0, stderr: '' });
    const again = SqliteStore.open(folder.path('c.db'));
    expect(await wholeLog(again)).toEqual(messages(1, 50));
    await again.close();
  },
);
