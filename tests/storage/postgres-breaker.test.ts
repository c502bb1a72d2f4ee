import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Breaker } from '../../src/provider/breakers.ts';
import { STORE_BREAKER, storeBreaker } from '../../src/store-breaker.ts';
import { PostgresStore } from '../../storage/postgres/postgres-store.ts';
import { append, headOf, made, message, messages, ONE, refusal } from '../contract/fixtures.ts';
import { eventually } from '../support/deadline.ts';
import { databaseOn, type TestDatabase } from '../support/postgres.ts';
import { PostgresServer } from '../support/postgres-server.ts';
import { until } from '../support/until.ts';

let server: PostgresServer;
let database: TestDatabase;
let store: PostgresStore;
let breaker: Breaker;

const UNAVAILABLE = { reason: 'storage_unavailable', outcome: 'none' };

beforeAll(async () => {
  server = await PostgresServer.start();
});
beforeEach(async () => {
  database = await databaseOn((name) => server.url(name));
  breaker = new Breaker('store', STORE_BREAKER);
  store = await PostgresStore.open(database.url, {
    poolSize: 4,
    connectTimeoutMs: 2_000,
    statementTimeoutMs: 1_000,
    breaker: storeBreaker(breaker),
  });
  await made(store, messages(1, 1));
});
afterEach(async () => {
  server.thaw();
  // A test that failed while it was away must not fail the others.
  await server.start();
  await store.close();
  await database.drop();
});
afterAll(() => server.end());

const states = () => breaker.reading().lastTransitions.map(({ to }) => to);
const whenClosed = () =>
  eventually('the breaker closes', async () => breaker.reading().state === 'closed');

/** Calls that find nobody, until the breaker is open. */
async function openIt(): Promise<void> {
  await until(async () => {
    expect(refusal(await store.load(ONE))).toMatchObject(UNAVAILABLE);
    return breaker.reading().state === 'open';
  });
}

async function connections(): Promise<unknown[]> {
  const rows = await database.run(
    `SELECT pid FROM pg_stat_activity WHERE application_name = 'colloquy' AND datname = current_database()`,
  );
  return rows.map(({ pid }) => pid);
}

describe('the breaker of a database', () => {
  test('opens when five calls find nobody, then answers without a call, and closes by itself when it is back', async () => {
    await server.stop();
    await openIt();
    const { failures, refused } = breaker.reading();
    expect(failures).toBeGreaterThanOrEqual(STORE_BREAKER.breakerFailures);
    const answers = await Promise.all([
      ...Array.from({ length: 200 }, () => store.load(ONE)),
      append(store, { events: messages(2, 2) }),
      store.probe(),
    ]);
    for (const answer of answers)
      expect(refusal<unknown, unknown>(answer)).toMatchObject(UNAVAILABLE);
    // A trial may have come in between; no other call was made.
    expect(breaker.reading().failures).toBeLessThan(failures + 5);
    expect(breaker.reading().refused).toBeGreaterThanOrEqual(refused + answers.length);

    await server.start();
    await whenClosed();
    expect(states()).toContain('half_open');
    expect(await headOf(store)).toBe(1);
    await append(store, { events: messages(2, 2) });
    expect(await headOf(store)).toBe(2);
  });

  test('rests for longer each time the database is still away, and is tried with nobody calling', async () => {
    await server.stop();
    await openIt();
    for (const openings of [1, 2]) {
      const { times, openUntil, lastTransitions } = await eventually('it opens', async () => {
        const reading = breaker.reading();
        return reading.state === 'open' && reading.times.open >= openings && reading;
      });
      const restsMs = (openUntil ?? 0) - (lastTransitions.at(-1)?.at ?? 0);
      const expectedMs = Math.min(1_000 * 2 ** (times.open - 1), 5_000);
      expect(Math.abs(restsMs - expectedMs)).toBeLessThan(100);
    }
    await server.start();
    await whenClosed();
    expect(await headOf(store)).toBe(1);
  });

  test('opens when the database stands still, and uses none of the connections of before', async () => {
    await Promise.all([store.load(ONE), store.load(ONE)]);
    const before = await connections();
    server.freeze();
    await until(async () => {
      await Promise.all([store.load(ONE), store.probe(), append(store, { events: [] })]);
      return breaker.reading().state === 'open';
    });
    expect(refusal(await store.load(ONE))).toMatchObject(UNAVAILABLE);
    server.thaw();
    await whenClosed();
    expect(await headOf(store)).toBe(1);
    await eventually('the old connections are gone', async () => {
      const now = await connections();
      return now.length > 0 && !now.some((pid) => before.includes(pid));
    });
  });

  test('does not count what a database answers, nor a connection that was cut', async () => {
    for (let at = 0; at < 6; at += 1) {
      const stale = await append(store, { expectedHead: 7, events: [message(8)] });
      expect(refusal(stale)).toEqual({ reason: 'head_conflict' });
    }
    await database.run('BEGIN');
    await database.run('LOCK TABLE conversations IN ACCESS EXCLUSIVE MODE');
    const late = await Promise.all(Array.from({ length: 12 }, () => store.load(ONE)));
    for (const answer of late) expect(refusal(answer)).toMatchObject(UNAVAILABLE);
    await database.run('ROLLBACK');
    for (let at = 0; at < 6; at += 1) {
      await database.run(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'colloquy'`,
      );
      await append(store, { events: [message(2)] });
    }
    expect(breaker.reading()).toMatchObject({ state: 'closed', failures: 0, refused: 0 });
  });

  test('that is reset by hand lets calls through at once', async () => {
    await server.stop();
    await openIt();
    breaker.reset();
    expect(breaker.reading().state).toBe('closed');
    const { failures } = breaker.reading();
    expect(refusal(await store.load(ONE))).toMatchObject(UNAVAILABLE);
    expect(breaker.reading()).toMatchObject({ state: 'closed', failures: failures + 1 });
    await openIt();
    await server.start();
    breaker.reset();
    expect(await headOf(store)).toBe(1);
  });
});
