import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ok } from '../../src/domain/result.ts';
import { GroupCommit, QueuedWrite } from '../../storage/sqlite/group-commit.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';

let folder: TemporaryFolder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.clear());

test('a lock of another program is waited for no longer because a worker asks for it in between', async () => {
  const db = new Sqlite(folder.path('c.db'), { timeout: 0 });
  const other = new Sqlite(folder.path('c.db'));
  other.exec('BEGIN IMMEDIATE');
  let looks = 0;
  const commits = new GroupCommit({
    db,
    lockWaitMs: 50,
    lentWaitMs: 60_000,
    isLent: () => {
      looks += 1;
      return looks % 2 === 0;
    },
    finish: () => {},
    drop: () => {},
    resync: () => {},
    onCommit: () => {},
    onFlushed: () => {},
    onError: () => {},
  });
  const write = new QueuedWrite(1, () => ok(undefined));
  commits.submit(write);
  expect(await write.answer).toMatchObject({ ok: false, failure: { outcome: 'none' } });
  other.close();
  db.close();
});
