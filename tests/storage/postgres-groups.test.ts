import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { conversationId } from '../../src/domain/ids.ts';
import { PostgresStore } from '../../storage/postgres/postgres-store.ts';
import type { Commit } from '../../storage/store.ts';
import { append, granted, made, message, messages, seqs, wholeLog } from '../contract/fixtures.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';

const GROUP = 256;

let database: TestDatabase;
let store: PostgresStore;
let commits: Commit[] = [];

beforeAll(async () => {
  database = await testDatabase();
  store = await PostgresStore.open(database.url, {
    onCommit: (commit) => {
      commits.push(commit);
    },
  });
});

afterAll(async () => {
  await store.close();
  await database.drop();
});

describe('appends that come at once', () => {
  test('share commits of up to 256 events, and the events of a conversation stay in order', async () => {
    const ids = Array.from({ length: 300 }, (_, index) => conversationId(`c_${index}`));
    for (const id of ids) await made(store, [], { id });
    commits = [];
    const answers = [1, 2].flatMap((seq) =>
      ids.map((id) => append(store, { id, events: [message(seq)] })),
    );
    for (const answer of await Promise.all(answers)) granted(answer);
    expect(commits.reduce((sum, { rows }) => sum + rows, 0)).toBe(600);
    expect(commits.length).toBeLessThan(20);
    expect(Math.max(...commits.map(({ rows }) => rows))).toBe(GROUP);
    for (const id of ids) expect(seqs(await wholeLog(store, id))).toEqual([1, 2]);
  });

  test('a batch that is larger goes by itself, and holds up nobody behind it', async () => {
    const [large, small] = [conversationId('c_large'), conversationId('c_small')];
    for (const id of [large, small]) await made(store, [], { id });
    commits = [];
    const answers = await Promise.all([
      append(store, { id: large, events: messages(1, GROUP + 1) }),
      append(store, { id: small, events: [message(1)] }),
    ]);
    for (const answer of answers) granted(answer);
    expect(commits.map(({ rows }) => rows).sort((a, b) => a - b)).toEqual([1, GROUP + 1]);
    expect(seqs(await wholeLog(store, large))).toHaveLength(GROUP + 1);
  });
});
