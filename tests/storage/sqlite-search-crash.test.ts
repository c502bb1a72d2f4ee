import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type DocumentId, documentId } from '../../src/domain/ids.ts';
import { SqliteStore } from '../../storage/sqlite/sqlite-store.ts';
import { granted, ONE } from '../contract/fixtures.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';

const SCRIPT = fileURLToPath(new URL('../support/searching-process.ts', import.meta.url));
const ROUNDS = 6;

let folder: TemporaryFolder;
let child: ChildProcess | undefined;

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(() => {
  child?.kill('SIGKILL');
  folder.clear();
});

const path = () => folder.path('c.db');

test('a process that is killed while it indexes and adds documents leaves a right index and whole documents', async () => {
  const [there, gone] = [new Set<DocumentId>(), new Set<DocumentId>()];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [what, id] of await killedAfter(round, 5 + ((round * 37) % 50)))
      (what === 'gone' ? gone : there).add(id);
    await verify(there, gone);
  }
  // What a kill left of documents that never came to be, or had gone, is not in the file any more.
  const db = new Sqlite(path(), { readonly: true });
  const all = (sql: string) => db.prepare(sql).pluck().all();
  expect(all('SELECT did FROM loose_documents')).toEqual([]);
  expect(all('SELECT key FROM chunks WHERE key >> 32 NOT IN (SELECT did FROM documents)')).toEqual(
    [],
  );
  expect(all('SELECT count(*) FROM chunk_words_docsize')).toEqual(
    all('SELECT count(*) FROM chunks'),
  );
  db.close();
});

/** Runs until so many lines were printed, kills, and gives what they say. */
async function killedAfter(round: number, count: number): Promise<[string, DocumentId][]> {
  child = spawn(process.execPath, [SCRIPT, path(), String(round)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  const said: [string, DocumentId][] = [];
  let lines = 0;
  for await (const line of createInterface({ input: child.stdout! })) {
    const [what, id] = line.split(' ');
    if (what !== undefined && id !== undefined) said.push([what, documentId(id)]);
    lines += 1;
    if (lines === count) child.kill('SIGKILL');
  }
  const [, signal] = await exit;
  expect(signal).toBe('SIGKILL');
  return said;
}

async function verify(
  there: ReadonlySet<DocumentId>,
  gone: ReadonlySet<DocumentId>,
): Promise<void> {
  const store = SqliteStore.open(path(), { synchronous: 'NORMAL' });
  while (!granted(await store.index.level(ONE, 1_000)));
  const found = async (term: string) =>
    granted(await store.index.byTerms(ONE, { terms: [term], limit: 9 })).map(({ seq }) => seq);
  const stand = granted(await store.readMessages(ONE, { beforeSeq: 1e9, limit: 400 }));
  for (const { event, body, editedAt } of stand) {
    const isWord = body.deleted !== true && editedAt === null;
    expect(await found(`word${event.seq}`)).toEqual(isWord ? [event.seq] : []);
    if (editedAt !== null) expect(await found(`edit${event.seq}`)).toEqual([event.seq]);
  }
  for (const id of there) {
    const stored = granted(await store.documents.read(id));
    if (gone.has(id) && stored === undefined) continue;
    const chunks = granted(await store.documents.readChunks(id, { limit: 999 }));
    expect(chunks).toHaveLength(stored?.document.chunkCount ?? -1);
  }
  await store.close();
}
