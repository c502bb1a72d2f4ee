import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type ConversationId, conversationId } from '../../src/domain/ids.ts';
import { PostgresStore } from '../../storage/postgres/postgres-store.ts';
import type { AppendFailure } from '../../storage/store.ts';
import {
  type ann,
  append,
  appended,
  author,
  granted,
  headOf,
  keyOf,
  made,
  member,
  message,
  ONE,
  refusal,
  seqs,
  state,
  wholeLog,
} from '../contract/fixtures.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { until } from '../support/until.ts';

let database: TestDatabase;
let stores: readonly [PostgresStore, PostgresStore];
const left = author('left');
const right = author('right');

beforeAll(async () => {
  database = await testDatabase();
});

beforeEach(async () => {
  stores = await Promise.all([
    PostgresStore.open(database.url, { poolSize: 4 }),
    PostgresStore.open(database.url, { poolSize: 4 }),
  ]);
});

afterEach(async () => {
  await Promise.all(stores.map((store) => store.close()));
  await database.empty();
});

afterAll(async () => {
  await database.drop();
});

/** Appends `count` batches as a server does: on a conflict it asks where the log stands, and goes on. */
async function appendAll(
  store: PostgresStore,
  id: ConversationId,
  { from, count }: { from: typeof ann; count: number },
): Promise<{ keys: string[]; conflicts: number }> {
  const keys: string[] = [];
  let conflicts = 0;
  let head = 0;
  while (keys.length < count) {
    const key = `${from.name} ${keys.length}`;
    const events = [
      message(head + 1, { from, key, content: key }),
      message(head + 2, { from, content: `${key}, too` }),
    ];
    const stored = await append(store, { id, expectedHead: head, events });
    if (stored.ok) {
      keys.push(key);
      head += events.length;
      continue;
    }
    expect(stored.failure.reason).toBe('head_conflict');
    conflicts += 1;
    head = granted(await store.heads([id])).get(id)?.headSeq ?? 0;
  }
  return { keys, conflicts };
}

describe('two stores on one database', () => {
  test('never give a seq twice: the late one gets head_conflict, reads where the log stands, and goes on', async () => {
    const ids = Array.from({ length: 12 }, (_, index) => conversationId(`c_${index}`));
    for (const id of ids) await made(stores[0], [], { id });
    const sides = await Promise.all(
      stores.flatMap((store, side) =>
        ids.map((id) => appendAll(store, id, { from: side === 0 ? left : right, count: 15 })),
      ),
    );
    expect(sides.reduce((all, { conflicts }) => all + conflicts, 0)).toBeGreaterThan(0);
    for (const id of ids) {
      const [one, two] = await Promise.all(stores.map((store) => wholeLog(store, id)));
      expect(one).toEqual(two);
      expect(seqs(one ?? [])).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
      const keys = one?.flatMap(({ key }) => key ?? []) ?? [];
      expect(new Set(keys).size).toBe(30);
    }
  });

  test('store a key once: of two who send it at once, one is told where it is', async () => {
    const ids = Array.from({ length: 20 }, (_, index) => conversationId(`c_${index}`));
    for (const id of ids) await made(stores[0], [], { id });
    const results = await Promise.all(
      ids.flatMap((id) =>
        stores.map((store) => append(store, { id, events: [message(1, { key: 'same' })] })),
      ),
    );
    const failures = results.flatMap((result): AppendFailure[] =>
      result.ok ? [] : [result.failure],
    );
    expect(failures).toHaveLength(ids.length);
    for (const { reason } of failures) expect(['head_conflict', 'keys_taken']).toContain(reason);
    for (const id of ids) {
      const late = append(stores[1], { id, events: [message(2, { key: 'same' })] });
      expect(refusal(await late)).toEqual({ reason: 'keys_taken', taken: [{ index: 0, seq: 1 }] });
    }
  });

  test('a conflict in one conversation stores the appends of the others', async () => {
    const ids = ['c_a', 'c_b', 'c_c'].map(conversationId);
    for (const id of ids) await made(stores[0], [message(1)], { id });
    await appended(stores[1], [message(2, { from: right })], { id: conversationId('c_b') });
    const results = await Promise.all(
      ids.map((id) => append(stores[0], { id, events: [message(2, { from: left })] })),
    );
    expect(results.map(({ ok }) => ok)).toEqual([true, false, true]);
    expect(results[1]).toMatchObject({ failure: { reason: 'head_conflict' } });
  });

  test('effects and plain appends on one conversation keep its log whole', async () => {
    await made(stores[0]);
    const joining = (async () => {
      for (let index = 0; index < 20; ) {
        const head = granted(await stores[0].heads([ONE])).get(ONE)?.headSeq ?? 0;
        const someone = author(`n${index}`);
        const stored = await append(stores[0], {
          expectedHead: head,
          events: [message(head + 1, { from: left })],
          effects: [{ kind: 'member', member: member(someone) }],
        });
        if (stored.ok) index += 1;
      }
    })();
    const [, sent] = await Promise.all([
      joining,
      appendAll(stores[1], ONE, { from: right, count: 20 }),
    ]);
    expect(sent.keys).toHaveLength(20);
    expect(seqs(await wholeLog(stores[1]))).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
    expect(granted(await stores[1].load(ONE))?.members).toHaveLength(21);
  });

  test('an append meets a removal as before it or after it, and leaves nothing behind', async () => {
    for (let round = 0; round < 20; round += 1) {
      const id = conversationId(`c_${round}`);
      await made(stores[0], [message(1)], { id });
      const [stored, removed] = await Promise.all([
        append(stores[0], { id, events: [message(2, { key: 'k' })] }),
        stores[1].remove(id),
      ]);
      expect(removed).toEqual({ ok: true, value: true });
      if (!stored.ok) expect(stored.failure.reason).toBe('head_conflict');
      expect(granted(await stores[0].load(id))).toBeUndefined();
    }
    await until(
      async () => Number((await database.run('SELECT count(*) FROM events'))[0]?.['count']) === 0,
    );
    await until(
      async () => Number((await database.run('SELECT count(*) FROM removed'))[0]?.['count']) === 0,
    );
  });

  test('make a secret once', async () => {
    const made = await Promise.all(
      stores.map((store, side) => store.secret('tokens', () => Uint8Array.of(side))),
    );
    const [one, two] = made.map(granted);
    expect(one).toEqual(two);
  });

  test('make a conversation once', async () => {
    const made = await Promise.all(stores.map((store) => store.create(state(), [])));
    expect(made.filter(({ ok }) => ok)).toHaveLength(1);
    expect(made.find(({ ok }) => !ok)).toMatchObject({ failure: { reason: 'already_exists' } });
  });

  test('trim behind: rows without a key go, those with one keep sender and key alone', async () => {
    const [store, other] = stores;
    const secret = { content: 'to be forgotten', from: author('secret') };
    await made(store, [message(1, secret), message(2, { ...secret, key: 'k' }), message(3)]);
    await appended(store, [], { expectedHead: 3, effects: [{ kind: 'trimmed', firstSeq: 3 }] });
    expect(seqs(await wholeLog(other))).toEqual([3]);
    const rows = () =>
      database.run('SELECT seq, author_id, author_name, key, body FROM events ORDER BY seq');
    await until(async () => (await rows()).length === 2);
    expect((await rows())[0]).toMatchObject({
      author_id: secret.from.id,
      author_name: '',
      key: 'k',
      body: '',
    });
    expect(await keyOf(other, secret.from.id, 'k')).toBe(2);
    expect(await headOf(other)).toBe(3);
  });
});
