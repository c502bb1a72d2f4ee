import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type ConversationId, conversationId } from '../../src/domain/ids.ts';
import { type PostgresOptions, PostgresStore } from '../../storage/postgres/postgres-store.ts';
import type { Effect } from '../../storage/store.ts';
import {
  ann,
  append,
  appended,
  headOf,
  made,
  message,
  messages,
  ONE,
  refusal,
  seqs,
  wholeLog,
} from '../contract/fixtures.ts';
import { eventually, within } from '../support/deadline.ts';
import { databaseOn, type TestDatabase } from '../support/postgres.ts';
import { PostgresProxy } from '../support/postgres-proxy.ts';
import { PASSWORD, PostgresServer } from '../support/postgres-server.ts';
import { ServerProcess } from '../support/server-process.ts';
import { until } from '../support/until.ts';

let server: PostgresServer;
let database: TestDatabase;
let store: PostgresStore;
const errors: unknown[] = [];

const UNAVAILABLE = { reason: 'storage_unavailable', outcome: 'none' };
/** Short waits, so that what is bounded is seen to be. */
const SHORT = { poolSize: 4, connectTimeoutMs: 1_000, statementTimeoutMs: 1_000 } as const;
/** A second more than the statement's, and room for a busy machine. */
const BOUND_MS = 30_000;

async function open({
  url = database.url,
  ...options
}: PostgresOptions & { readonly url?: string } = {}): Promise<PostgresStore> {
  errors.length = 0;
  store = await PostgresStore.open(url, {
    poolSize: 4,
    onError: (error) => errors.push(error),
    ...options,
  });
  return store;
}

beforeAll(async () => {
  server = await PostgresServer.start();
});

beforeEach(async () => {
  database = await databaseOn((name) => server.url(name));
});

afterEach(async () => {
  server.thaw();
  // A test that failed while it was away must not fail the others.
  await server.start();
  await store.close();
  await database.drop();
});

afterAll(async () => {
  await server.end();
});

async function answers(): Promise<void> {
  await eventually('the store answers again', async () => (await store.probe()).ok);
}

describe('a store that does not open', () => {
  const at = (change: (url: URL) => void) => {
    const url = new URL(database.url);
    change(url);
    return url.href;
  };
  const refusedWith = async (url: string) => {
    const opened = PostgresStore.open(url, SHORT);
    await expect(opened).rejects.toThrow(/^the /);
    const message = await opened.catch((error: Error) => error.message);
    for (const secret of [PASSWORD, encodeURIComponent(PASSWORD), 'wrong'])
      expect(message).not.toContain(secret);
    return String(message);
  };

  beforeEach(() => open());

  test('says that the password is wrong, and neither the right nor the wrong one', async () => {
    expect(await refusedWith(server.url('postgres', 'colloquy', 'wrong'))).toMatch(
      /^the store postgres:\/\/colloquy@\S+:5432\/postgres cannot be opened: password authentication failed/,
    );
  });

  test('says that there is no such database', async () => {
    expect(await refusedWith(server.url('nowhere'))).toMatch(/database "nowhere" does not exist$/);
  });

  test('says that nobody listens there', async () => {
    const elsewhere = at((url) => {
      url.host = '127.0.0.1:1';
    });
    expect(await refusedWith(elsewhere)).toMatch(/cannot be opened: connect ECONNREFUSED 127/);
  });

  test('says that there is no such host', async () => {
    const elsewhere = at((url) => {
      url.host = 'no-such-host.invalid';
    });
    expect(await refusedWith(elsewhere)).toMatch(/no-such-host\.invalid.* cannot be opened: .+/);
  });

  test('says that the address cannot be read, without it', async () => {
    expect(await refusedWith(`postgres://ann:${PASSWORD}@[host/db`)).toMatch(
      /cannot be read: write/,
    );
  });

  test('ends the program with 1 and one line', async () => {
    const program = new ServerProcess({ store: server.url('nowhere') });
    await expect(program.start()).rejects.toThrow(/ended with 1 /);
    await program.dispose();
    expect(program.output.trim().split('\n')).toHaveLength(1);
    expect(program.output).toContain('database "nowhere" does not exist');
    expect(program.output).not.toContain(PASSWORD);
    expect(program.output).not.toContain(encodeURIComponent(PASSWORD));
  });
});

describe('a server that goes away', () => {
  test('is storage_unavailable, and works again when it is back, without a restart of ours', async () => {
    await open();
    await made(store, messages(1, 3));
    await server.stop();
    expect(refusal(await append(store, { events: messages(4, 5) }))).toMatchObject({
      reason: 'storage_unavailable',
    });
    expect(refusal(await store.load(ONE))).toMatchObject(UNAVAILABLE);
    expect(refusal(await store.probe())).toMatchObject(UNAVAILABLE);
    await server.start();
    await answers();
    expect(await headOf(store)).toBe(3);
    await appended(store, messages(4, 5));
    expect(await wholeLog(store)).toEqual(messages(1, 5));
    expect(errors.length).toBeGreaterThan(0);
  });

  test('answers all that wait at once, and says that those which were never sent are not stored', async () => {
    await open();
    const ids = Array.from({ length: 50 }, (_, index) => conversationId(`c_${index}`));
    for (const id of ids) await made(store, [], { id });
    await server.stop();
    const results = await within(
      Promise.all(ids.map((id) => append(store, { id, events: [message(1)] }))),
      'every append is answered',
    );
    for (const result of results) expect(refusal(result)).toMatchObject(UNAVAILABLE);
    await server.start();
    await answers();
    for (const id of ids) expect(await headOf(store, id)).toBe(0);
  });

  test('when it freezes, every call is answered in bounded time, an append with an unknown outcome', async () => {
    await open(SHORT);
    await made(store, messages(1, 2));
    await appended(store, messages(3, 3));
    server.freeze();
    const started = performance.now();
    const [stored, loaded, secret] = await within(
      Promise.all([
        append(store, { events: messages(4, 4) }),
        store.load(ONE),
        store.secret('s', () => Uint8Array.of(1)),
      ]),
      'every call is answered',
      BOUND_MS,
    );
    expect(performance.now() - started).toBeLessThan(BOUND_MS);
    expect(refusal(stored)).toMatchObject({ reason: 'storage_unavailable', outcome: 'unknown' });
    expect(refusal(loaded)).toMatchObject(UNAVAILABLE);
    expect(refusal(secret)).toMatchObject({ reason: 'storage_unavailable' });
    expect(refusal(await append(store, { events: messages(4, 4) }))).toMatchObject(UNAVAILABLE);
    server.thaw();
    await answers();
    await storedOnce(store, ONE, 4);
    expect(await wholeLog(store)).toEqual(messages(1, 4));
  });

  test('killed under load, keeps what was acked, and every log without a gap', async () => {
    await open();
    const ids = Array.from({ length: 8 }, (_, index) => conversationId(`c_${index}`));
    for (const id of ids) await made(store, [], { id });
    const load = new Load(store, ids);
    await until(() => load.acked > 200);
    await server.kill();
    await until(() => load.failed > 0);
    await server.start();
    const before = load.acked;
    await until(() => load.acked > before + 100);
    await load.stop();
    for (const id of ids) await load.check(id);
  });
});

describe('a connection that is cut', () => {
  test('in the middle of appends: what is said to be stored is, what is said not to be is not', async () => {
    await open();
    const ids = Array.from({ length: 4 }, (_, index) => conversationId(`c_${index}`));
    for (const id of ids) await made(store, [], { id });
    const load = new Load(store, ids);
    for (let round = 0; round < 25; round += 1) {
      const before = load.acked;
      await database.run(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'colloquy'`,
      );
      await until(() => load.acked > before + 20);
    }
    await load.stop();
    expect(load.failed).toBeGreaterThan(0);
    for (const id of ids) await load.check(id);
  });

  test('when a read comes, is not noticed by it; an append is told that it may be stored', async () => {
    const proxy = await PostgresProxy.before(database.url);
    try {
      await open({ url: proxy.url });
      await made(store);
      await appended(store, messages(1, 1));
      proxy.cutAtNextUse();
      expect(await headOf(store)).toBe(1);
      const cut = await append(store, { events: messages(2, 2), expectedHead: 1 });
      expect(refusal(cut)).toMatchObject({ reason: 'storage_unavailable', outcome: 'unknown' });
      expect(await headOf(store)).toBe(1);
      await appended(store, messages(2, 2));
    } finally {
      await store.close();
      await proxy.end();
    }
  });

  test('while nobody uses it is not noticed by the next call', async () => {
    await open();
    await made(store, messages(1, 1));
    await database.run(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'colloquy'`,
    );
    await until(async () => {
      const [row] = await database.run(
        `SELECT count(*) FROM pg_stat_activity WHERE application_name = 'colloquy'`,
      );
      return row?.['count'] === '0';
    });
    expect(await headOf(store)).toBe(1);
    await appended(store, messages(2, 2));
  });
});

describe('a database that is busy', () => {
  test('a pool that is used up is an answer in bounded time, and so is a lock that is held', async () => {
    await open(SHORT);
    await made(store, messages(1, 1));
    await database.run('BEGIN');
    await database.run('LOCK TABLE conversations IN ACCESS EXCLUSIVE MODE');
    const calls = await within(
      Promise.all([
        ...Array.from({ length: 12 }, () => store.load(ONE)),
        append(store, { events: messages(2, 2) }),
      ]),
      'every call is answered',
      BOUND_MS,
    );
    // The server says that it gave up: nothing is stored, and that is certain.
    for (const call of calls) expect(call).toMatchObject({ failure: UNAVAILABLE });
    await database.run('ROLLBACK');
    expect(await headOf(store)).toBe(1);
    await appended(store, messages(2, 2));
  });

  test('holds up appends that have to go one by one for one of them', async () => {
    await open(SHORT);
    const ids = Array.from({ length: 30 }, (_, at) => conversationId(`c_${at}`));
    for (const id of ids) await made(store, [], { id });
    await database.run('BEGIN');
    await database.run('LOCK TABLE conversations IN ACCESS EXCLUSIVE MODE');
    errors.length = 0;
    const settings: Effect = { kind: 'edited', targetSeq: 1, seq: 1 };
    const twins = [message(1, { key: 'k' }), message(2, { key: 'k' })];
    const calls = await Promise.all(
      ids.map((id, at) =>
        append(store, { id, events: at === 0 ? twins : [message(1)], effects: [settings] }),
      ),
    );
    for (const call of calls) expect(call).toMatchObject({ failure: UNAVAILABLE });
    expect(errors.length).toBeLessThan(3);
    await database.run('ROLLBACK');
  });
});

describe('an append that Postgres refuses', () => {
  test('fails alone: the others that came with it are stored', async () => {
    await open();
    const ids = ['c_a', 'c_b', 'c_c'].map(conversationId);
    for (const id of ids) await made(store, [], { id });
    const broken = { ...message(1), body: 'no JSON, and with a \0 in it' };
    const results = await Promise.allSettled(
      ids.map((id, at) => append(store, { id, events: [at === 1 ? broken : message(1)] })),
    );
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    const heads = await Promise.all(ids.map((id) => headOf(store, id)));
    expect(heads).toEqual([1, 0, 1]);
  });
});

/** Stores the event with this seq, as an actor does that does not know whether it is stored. */
async function storedOnce(on: PostgresStore, id: ConversationId, seq: number): Promise<void> {
  const result = await append(on, { id, events: [message(seq)] });
  if (!result.ok) expect(result.failure.reason).toBe('head_conflict');
}

/** A writer for each conversation, the only one; it takes every answer at its word. */
class Load {
  acked = 0;
  failed = 0;
  #isStopped = false;
  readonly #heads = new Map<ConversationId, number>();
  readonly #done: Promise<unknown>;

  constructor(on: PostgresStore, ids: readonly ConversationId[]) {
    this.#done = Promise.all(ids.map((id) => this.#write(on, id)));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#done;
  }

  /** The log is what was acked, in order, whole. */
  async check(id: ConversationId): Promise<void> {
    const log = await wholeLog(store, id);
    const head = this.#heads.get(id) ?? 0;
    expect(seqs(log)).toEqual(Array.from({ length: head }, (_, index) => index + 1));
    expect(new Set(log.map(({ key }) => key)).size).toBe(head);
  }

  async #write(on: PostgresStore, id: ConversationId): Promise<void> {
    let head = 0;
    while (!this.#isStopped) {
      const events = [
        message(head + 1, { from: ann, key: `${head + 1}` }),
        message(head + 2, { from: ann, key: `${head + 2}` }),
      ];
      const stored = await append(on, { id, expectedHead: head, events });
      if (stored.ok) {
        head += events.length;
        this.acked += 1;
        continue;
      }
      this.failed += 1;
      const { failure } = stored;
      if (failure.reason === 'storage_unavailable' && failure.outcome === 'none') {
        const now = await headNow(on, id);
        expect(now).toBe(head);
        continue;
      }
      // Unknown: it is there whole or not at all, and a late commit is seen by the next append.
      const now = await headNow(on, id);
      expect([head, head + events.length]).toContain(now);
      head = now;
    }
    this.#heads.set(id, head);
  }
}

function headNow(on: PostgresStore, id: ConversationId): Promise<number> {
  return eventually('where the log stands', async () => {
    const heads = await on.heads([id]);
    return heads.ok ? heads.value.get(id)?.headSeq : undefined;
  });
}
