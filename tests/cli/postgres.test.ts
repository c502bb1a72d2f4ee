import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MIGRATIONS } from '../../storage/postgres/migrations.ts';
import { SqliteStore } from '../../storage/sqlite/sqlite-store.ts';
import { added } from '../contract/document-fixtures.ts';
import { edit, made, messages, ONE } from '../contract/fixtures.ts';
import { runCli } from '../support/cli.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';

const KNOWN = MIGRATIONS.length;

let database: TestDatabase;
let folder: TemporaryFolder;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.clear());

const run = (...args: string[]) =>
  runCli([...args, '--store', database.url], { cwd: folder.path('.') });

describe('the commands on Postgres', () => {
  it('say which schema there is, make it, and move a store there and back', async () => {
    const none = await run('migrate', '--check');
    expect(none).toMatchObject({ code: 1, stdout: '' });
    expect(none.stderr).toContain(
      `has no schema yet; \`colloquy migrate\`, or a start, brings it to ${KNOWN}`,
    );
    expect((await run('export')).stderr).toMatch(/^colloquy: there is nothing at postgres.+\n$/);
    expect(await database.run(`SELECT 1 FROM pg_tables WHERE tablename = 'conversations'`)).toEqual(
      [],
    );
    expect(await run('migrate')).toMatchObject({ code: 0 });
    const level = await run('migrate', '--check');
    expect([level.code, level.stdout]).toEqual([
      0,
      expect.stringContaining(`has schema ${KNOWN}, as this program`),
    ]);

    const store = SqliteStore.open(folder.path('a.db'));
    await made(store, [...messages(1, 700), edit(701, 1, 'new')]);
    await added(store, 'a', { texts: ['one', 'two'], conversations: [ONE] });
    await store.close();
    const sqlite = ['--store', 'sqlite:a.db'];
    const cwd = folder.path('.');
    expect(await runCli(['export', 'a.ndjson', ...sqlite], { cwd })).toMatchObject({ code: 0 });
    expect(await run('import', 'a.ndjson')).toMatchObject({ code: 0 });
    expect(await run('export', 'b.ndjson')).toMatchObject({ code: 0 });
    const [a, b] = ['a', 'b'].map((name) => readFileSync(folder.path(`${name}.ndjson`), 'utf8'));
    expect(b).toBe(a);
    expect(await run('import', 'a.ndjson')).toMatchObject({ code: 1, stdout: '' });

    await database.run('UPDATE schema_version SET version = 99');
    for (const command of [['migrate', '--check'], ['check'], ['serve', '--port', '0']]) {
      const { code, stderr } = await run(...command);
      expect(code).toBe(1);
      expect(stderr).toContain(`has schema 99, and this program knows schemas up to ${KNOWN}`);
    }
  });

  it('leave backups to Postgres', async () => {
    const { code, stderr } = await run('backup', 'copy.db');
    expect([code, stderr]).toEqual([
      1,
      'colloquy: this store is backed up by Postgres itself: use pg_dump, or `colloquy export`\n',
    ]);
  });
});
