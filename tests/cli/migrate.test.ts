import { existsSync, readdirSync, readFileSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MIGRATIONS } from '../../storage/sqlite/migrations.ts';
import { SqliteStore } from '../../storage/sqlite/sqlite-store.ts';
import { made, messages } from '../contract/fixtures.ts';
import { runCli } from '../support/cli.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';

const KNOWN = MIGRATIONS.length;

let folder: TemporaryFolder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.clear());

const run = (...args: string[]) =>
  runCli([...args, '--store', 'sqlite:c.db'], { cwd: folder.path('.') });

function versionIn(name: string, set?: number): number {
  const db = new Sqlite(folder.path(name));
  if (set !== undefined) db.pragma(`user_version = ${set}`);
  const version = Number(db.pragma('user_version', { simple: true }));
  db.close();
  return version;
}

describe('colloquy migrate --check', () => {
  it('ends with 0 when the store has the schema of this program, used or not', async () => {
    const store = SqliteStore.open(folder.path('c.db'));
    await made(store, messages(1, 3));
    const level = {
      code: 0,
      stdout: `sqlite:c.db has schema ${KNOWN}, as this program knows it\n`,
      stderr: '',
    };
    expect(await run('migrate', '--check')).toEqual(level);
    await store.close();
    expect(await run('migrate', '--check')).toEqual(level);
    expect(readdirSync(folder.path('.')).sort()).toEqual(['c.db', 'c.db-lock']);
  });

  it('ends with 1 when a migration is needed, and makes none', async () => {
    const db = new Sqlite(folder.path('c.db'));
    db.exec(readFileSync(new URL('../storage/schemas/v1.sql', import.meta.url), 'utf8'));
    const found = Number(db.pragma('user_version', { simple: true }));
    db.close();
    const before = readFileSync(folder.path('c.db'));
    const { code, stderr } = await run('migrate', '--check');
    if (found === KNOWN) return expect(code).toBe(0);
    expect(code).toBe(1);
    expect(stderr).toBe(
      `colloquy: sqlite:c.db has schema 1; \`colloquy migrate\`, or a start, brings it to ${KNOWN}\n`,
    );
    expect(readFileSync(folder.path('c.db')).equals(before)).toBe(true);
    expect(await run('migrate')).toMatchObject({ code: 0 });
    expect(await run('migrate', '--check')).toMatchObject({ code: 0 });
  });

  it('ends with 1 when there is no store yet, and makes none', async () => {
    const { code, stderr } = await run('migrate', '--check');
    expect([code, stderr]).toEqual([
      1,
      `colloquy: sqlite:c.db has no schema yet; \`colloquy migrate\`, or a start, brings it to ${KNOWN}\n`,
    ]);
    expect(existsSync(folder.path('c.db'))).toBe(false);
  });

  it('ends with 1 and other words when the store is newer, which a start refuses, too', async () => {
    await SqliteStore.open(folder.path('c.db')).close();
    versionIn('c.db', 99);
    const newer = `has schema 99, and this program knows schemas up to ${KNOWN}: start a newer program`;
    for (const command of [
      ['migrate', '--check'],
      ['migrate'],
      ['serve', '--port', '0'],
      ['check'],
    ]) {
      const { code, stdout, stderr } = await run(...command);
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toContain(newer);
    }
    expect(versionIn('c.db')).toBe(99);
  });
});
