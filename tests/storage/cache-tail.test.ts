import { describe, expect, test } from 'vitest';
import { CachedStore } from '../../storage/cache/cached-store.ts';
import { MemoryStore } from '../../storage/memory/memory-store.ts';
import {
  appended,
  granted,
  headOf,
  made,
  message,
  messages,
  ONE,
  wholeLog,
} from '../contract/fixtures.ts';
import { ObservedStore } from '../support/observed-store.ts';

function cachedMemory(isShared = false) {
  const inner = new ObservedStore(new MemoryStore());
  inner.isShared = isShared;
  return { inner, store: new CachedStore(inner, { maxBytes: 10_000_000, maxConversations: 100 }) };
}

describe('the tail of a conversation in the cache', () => {
  test('is begun by a read, and let go of when nobody reads it any more', async () => {
    const { inner, store } = cachedMemory();
    await made(store, messages(1, 5), { hasNoAgent: true });
    const unread = store.stats().bytes;
    await appended(store, messages(6, 9));
    expect(store.stats().bytes).toBe(unread);
    await wholeLog(store);
    await appended(store, messages(10, 300));
    inner.calls.length = 0;
    expect(await wholeLog(store)).toEqual(messages(1, 300));
    expect(inner.calls).toEqual([]);
    for (let from = 301; from < 1_000; from += 100) {
      await appended(store, messages(from, from + 99));
    }
    expect(store.stats().bytes).toBe(unread);
    inner.calls.length = 0;
    expect(await headOf(store)).toBe(1_000);
    expect(inner.calls).toEqual([]);
    expect(await wholeLog(store)).toEqual(messages(1, 1_000));
  });

  test.for([
    { name: 'a store that others write to', isShared: true, hasNoAgent: true },
    { name: 'a conversation with an agent', isShared: false, hasNoAgent: false },
  ])('is kept unread of $name', async ({ isShared, hasNoAgent }) => {
    const { inner, store } = cachedMemory(isShared);
    await made(store, messages(1, 5), { hasNoAgent });
    await appended(store, messages(6, 9));
    inner.calls.length = 0;
    expect(await wholeLog(store)).toEqual(messages(1, 9));
    expect(inner.calls).toEqual(isShared ? ['heads', 'heads'] : []);
  });

  test('ends somewhere, however long the log', async () => {
    const { inner, store } = cachedMemory();
    await made(store);
    for (let from = 1; from < 3_000; from += 100) {
      await appended(store, messages(from, from + 99));
      await store.readEvents(ONE, { afterSeq: from + 98, limit: 1 });
    }
    expect(store.stats().bytes).toBeLessThan(600 * (256 + 2 * message(1).body.length) + 10_000);
    inner.calls.length = 0;
    expect(granted(await store.readEvents(ONE, { afterSeq: 2_900, limit: 100 }))).toHaveLength(100);
    expect(inner.calls).toEqual([]);
  });
});
