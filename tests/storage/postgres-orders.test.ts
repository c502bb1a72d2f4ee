import { afterAll, beforeAll, expect, test } from 'vitest';
import { turnId } from '../../src/domain/ids.ts';
import { CachedStore } from '../../storage/cache/cached-store.ts';
import { PostgresStore } from '../../storage/postgres/postgres-store.ts';
import type { TurnOrders } from '../../storage/turn-orders.ts';
import { granted, ONE } from '../contract/fixtures.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let store: PostgresStore;
let orders: TurnOrders;

beforeAll(async () => {
  database = await testDatabase();
  store = await PostgresStore.open(database.url);
  orders = new CachedStore(store, { maxBytes: 1_000, maxConversations: 1 }).orders as TurnOrders;
});
afterAll(async () => {
  await store.close();
  await database.drop();
});

const order = (id: string) => ({ id, conversationId: ONE, turnId: turnId('t'), record: '{}' });
const place = async (id: string) => granted(await orders.place(order(id)));
const open = async () => granted(await orders.open(9)).map(({ id }) => id);

test('an order is open until it is taken, by one of those who try', async () => {
  await place('a');
  expect(granted(await orders.open(9))).toEqual([order('a')]);
  const taken = await Promise.all([1, 2, 3].map(() => orders.take('a')));
  expect(taken.map(granted).filter(Boolean)).toHaveLength(1);
  expect(await open()).toEqual([]);
  expect(granted(await orders.state('a'))).toEqual({ isTaken: true, answer: null });
});

test('one that is taken is withdrawn by nobody before it has its answer', async () => {
  await place('b');
  granted(await orders.take('b'));
  expect(granted(await orders.withdraw('b'))).toBe(false);
  granted(await orders.answer('b', '{"reason":"turn_over"}'));
  const answered = { isTaken: true, answer: '{"reason":"turn_over"}' };
  expect(granted(await orders.state('b'))).toEqual(answered);
  expect(granted(await orders.withdraw('b'))).toBe(false);
  expect(granted(await orders.state('b'))).toBeUndefined();
});

test('one that was withdrawn is taken by nobody', async () => {
  await place('c');
  expect(granted(await orders.withdraw('c'))).toBe(true);
  expect(granted(await orders.take('c'))).toBe(false);
  expect(granted(await orders.state('c'))).toBeUndefined();
});

test('are open in the order in which they came, so many at a time, and forgotten when nobody comes back for them', async () => {
  for (const id of ['z', 'y', 'x']) await place(id);
  expect(granted(await orders.open(2)).map(({ id }) => id)).toEqual(['z', 'y']);
  await database.run(`UPDATE turn_orders SET placed_at = now() - interval '1 hour'`);
  await place('new');
  expect(await open()).toEqual(['new']);
});
