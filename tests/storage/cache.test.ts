import { describe, expect, test } from 'vitest';
import { conversationId } from '../../src/domain/ids.ts';
import { CachedStore } from '../../storage/cache/cached-store.ts';
import { MemoryStore } from '../../storage/memory/memory-store.ts';
import type { Store } from '../../storage/store.ts';
import { unavailable } from '../../storage/unavailable.ts';
import {
  ann,
  append,
  appended,
  deletion,
  granted,
  headOf,
  made,
  member,
  message,
  messages,
  ONE,
  wholeLog,
} from '../contract/fixtures.ts';
import { CONVERSATIONS, idOf, reads } from '../contract/model.ts';
import { ObservedStore } from '../support/observed-store.ts';
import { fc, runs } from '../support/properties.ts';

const ROOMY = { maxBytes: 10_000_000, maxConversations: 100 };

function cachedMemory(limits = ROOMY) {
  const inner = new ObservedStore(new MemoryStore());
  return { inner, store: new CachedStore(inner, limits) };
}

describe('what the cache answers', () => {
  test('a read that the tail covers touches no store', async () => {
    const { inner, store } = cachedMemory();
    await made(store, messages(1, 5));
    await appended(store, [message(6, { key: 'k' }), ...messages(7, 20)]);
    inner.calls.length = 0;
    expect(granted(await store.readEvents(ONE, { afterSeq: 3, limit: 10 }))).toEqual([
      message(4),
      message(5),
      message(6, { key: 'k' }),
      ...messages(7, 13),
    ]);
    expect(granted(await store.readMessages(ONE, { beforeSeq: 21, limit: 3 }))).toHaveLength(3);
    expect(granted(await store.findKey(ONE, ann.id, 'k'))).toBe(6);
    expect(granted(await store.findKey(ONE, ann.id, 'never used'))).toBeUndefined();
    expect(await headOf(store)).toBe(20);
    expect(granted(await store.readEvents(ONE, { afterSeq: 20, limit: 10 }))).toEqual([]);
    expect(inner.calls).toEqual([]);
    expect(store.stats()).toMatchObject({ hits: 6, misses: 0, evictions: 0, conversations: 1 });
  });

  test('a conversation that was loaded, and read up to its head, touches no store again', async () => {
    const { inner } = cachedMemory();
    await made(inner, messages(1, 30));
    const store = new CachedStore(inner, ROOMY);
    await store.load(ONE);
    await store.readEvents(ONE, { afterSeq: 10, limit: 100 });
    inner.calls.length = 0;
    expect(await headOf(store)).toBe(30);
    expect(granted(await store.readEvents(ONE, { afterSeq: 12, limit: 4 }))).toEqual(
      messages(13, 16),
    );
    expect(inner.calls).toEqual([]);
    await store.readEvents(ONE, { afterSeq: 9, limit: 4 });
    await store.findKey(ONE, ann.id, 'may be older');
    expect(inner.calls).toEqual(['readEvents', 'findKey']);
    expect(store.stats()).toMatchObject({ hits: 2, misses: 4 });
  });

  test('pages read one after the other are kept together, as many events as it may keep', async () => {
    const replayed = async (store: CachedStore) => {
      for (let afterSeq = 0; afterSeq < 90; afterSeq += 10)
        expect(granted(await store.readEvents(ONE, { afterSeq, limit: 10 }))).toEqual(
          messages(afterSeq + 1, afterSeq + 10),
        );
    };
    const { inner } = cachedMemory();
    await made(inner, messages(1, 90));
    for (const { tailEvents, fromStore } of [
      { tailEvents: 100, fromStore: 0 },
      { tailEvents: 35, fromStore: 6 },
    ]) {
      const store = new CachedStore(inner, { ...ROOMY, tailEvents });
      await store.load(ONE);
      for (let round = 0; round < 9; round += 1) await replayed(store);
      inner.calls.length = 0;
      await replayed(store);
      expect(inner.calls).toHaveLength(fromStore);
    }
  });

  test('members and settings that change are read again, the tail stays', async () => {
    const { inner, store } = cachedMemory();
    await made(store, messages(1, 3));
    const renamed = member({ ...ann, name: 'Anna' });
    await appended(store, [message(4)], { effects: [{ kind: 'member', member: renamed }] });
    inner.calls.length = 0;
    expect(granted(await store.load(ONE))?.members).toEqual([renamed]);
    expect(await wholeLog(store)).toEqual(messages(1, 4));
    expect(inner.calls).toEqual(['load']);
  });

  test('what was erased is read from the store, once', async () => {
    const { inner, store } = cachedMemory();
    await made(store, messages(1, 3));
    await appended(store, [deletion(4, 2)], { effects: [{ kind: 'erased', targetSeq: 2 }] });
    inner.calls.length = 0;
    const log = await wholeLog(store);
    expect(log[1]?.body).toBe('{"deleted":true}');
    expect(inner.calls).toContain('readEvents');
  });
});

describe('a log that is trimmed', () => {
  test('is answered from the cache as far as it reaches, and nothing below its beginning', async () => {
    const { inner, store } = cachedMemory();
    await made(store, messages(1, 20));
    await appended(store, [], { expectedHead: 20, effects: [{ kind: 'trimmed', firstSeq: 15 }] });
    inner.calls.length = 0;
    expect(await wholeLog(store)).toEqual(messages(15, 20));
    expect(granted(await store.readMessages(ONE, { limit: 2 }))).toHaveLength(2);
    expect(granted(await store.load(ONE))?.conversation.firstSeq).toBe(15);
    expect(inner.calls).toEqual([]);
    await store.findKey(ONE, ann.id, 'may be older');
    expect(inner.calls).toEqual(['findKey']);
  });

  test('whose tail was read is cut at its new beginning', async () => {
    const { inner, store } = cachedMemory();
    await made(inner, messages(1, 20));
    await store.load(ONE);
    await wholeLog(store);
    const before = store.stats().bytes;
    await appended(store, messages(21, 22), { effects: [{ kind: 'trimmed', firstSeq: 20 }] });
    expect(store.stats().bytes).toBeLessThan(before);
    inner.calls.length = 0;
    expect(await wholeLog(store)).toEqual(messages(20, 22));
    expect(inner.calls).toEqual([]);
  });

  test('whose conversation made room is not remembered by what is appended to it', async () => {
    const { inner, store } = cachedMemory({ ...ROOMY, maxConversations: 1 });
    await made(store, messages(1, 9));
    await made(store, [], { id: 'c_other' });
    await appended(store, messages(10, 12));
    inner.calls.length = 0;
    expect(store.stats()).toMatchObject({ conversations: 1, evictions: 1 });
    expect(await wholeLog(store)).toEqual(messages(1, 12));
    expect(inner.calls).toContain('readEvents');
  });
});

describe('what the cache forgets', () => {
  test('a conversation of which a key is beyond what it knows', async () => {
    const { inner, store } = cachedMemory();
    await made(inner, messages(1, 3));
    await store.load(ONE);
    await appended(inner, [message(4), message(5, { key: 'theirs' })]);
    expect(await headOf(store)).toBe(3);
    expect(granted(await store.findKey(ONE, ann.id, 'theirs'))).toBe(5);
    expect(await headOf(store)).toBe(5);
    expect(await wholeLog(store)).toHaveLength(5);
  });

  test('a conversation of which an event is beyond what it knows', async () => {
    const { inner, store } = cachedMemory();
    await made(inner, messages(1, 3));
    await store.load(ONE);
    await appended(inner, messages(4, 5));
    expect(granted(await store.readEvents(ONE, { afterSeq: 1, limit: 9 }))).toHaveLength(4);
    expect(await headOf(store)).toBe(5);
  });

  test('a conversation that another writer moved on, as soon as an append says so', async () => {
    const { inner, store } = cachedMemory();
    await made(store, messages(1, 3));
    await appended(inner, messages(4, 6));
    expect((await append(store, { events: messages(4, 4) })).ok).toBe(false);
    expect(await headOf(store)).toBe(6);
    expect(await wholeLog(store)).toEqual(messages(1, 6));
  });

  test('a conversation with an append whose end is not known', async () => {
    const { inner, store } = cachedMemory();
    await made(store, messages(1, 3));
    inner.afterAppend = () => unavailable(new Error('cut'), 'unknown');
    expect((await append(store, { events: messages(4, 4) })).ok).toBe(false);
    inner.afterAppend = undefined;
    expect(await headOf(store)).toBe(4);
    expect(await wholeLog(store)).toEqual(messages(1, 4));
  });

  test('nothing when an append was refused for certain', async () => {
    const { inner, store } = cachedMemory();
    await made(store, [message(1, { key: 'k' })]);
    await append(store, { events: [message(2, { key: 'k' })] });
    inner.calls.length = 0;
    expect(await wholeLog(store)).toHaveLength(1);
    expect(inner.calls).toEqual([]);
  });
});

describe('the bounds of the cache', () => {
  test('conversations: the ones used longest ago make room', async () => {
    const { inner, store } = cachedMemory({ ...ROOMY, maxConversations: 2 });
    for (const id of ['c_a', 'c_b', 'c_c']) await made(store, messages(1, 2), { id });
    expect(store.stats()).toMatchObject({ conversations: 2, evictions: 1 });
    inner.calls.length = 0;
    await headOf(store, conversationId('c_c'));
    await headOf(store, conversationId('c_b'));
    expect(inner.calls).toEqual([]);
    await headOf(store, conversationId('c_a'));
    expect(inner.calls).toEqual(['load']);
    expect(store.stats()).toMatchObject({ conversations: 2, evictions: 2 });
  });

  test('bytes: never more than the limit, whatever is appended', async () => {
    const maxBytes = 100_000;
    const { store } = cachedMemory({ ...ROOMY, maxBytes });
    for (const id of ['c_a', 'c_b', 'c_c', 'c_d']) await made(store, [], { id });
    for (let seq = 1; seq <= 60; seq += 1) {
      for (const id of ['c_a', 'c_b', 'c_c', 'c_d']) {
        const events = [message(seq, { content: 'x'.repeat((seq * 331) % 4_000) })];
        await appended(store, events, { id: conversationId(id) });
        expect(store.stats().bytes).toBeLessThanOrEqual(maxBytes);
      }
    }
    expect(store.stats().bytes).toBeGreaterThan(0);
    for (const id of ['c_a', 'c_b', 'c_c', 'c_d']) {
      expect(await wholeLog(store, conversationId(id))).toHaveLength(60);
    }
  });

  test('one event that is larger than all of it is not kept', async () => {
    const { store } = cachedMemory({ ...ROOMY, maxBytes: 4_000 });
    await made(store, [message(1, { content: 'x'.repeat(9_000) })]);
    expect(store.stats().bytes).toBeLessThanOrEqual(4_000);
    expect(await wholeLog(store)).toHaveLength(1);
  });

  test('counts to nothing again when everything is removed', async () => {
    const { store } = cachedMemory();
    for (const id of ['c_a', 'c_b']) {
      await made(store, messages(1, 9), { id });
      await store.load(conversationId(id));
      granted(await store.remove(conversationId(id)));
    }
    expect(store.stats()).toMatchObject({ bytes: 0, conversations: 0 });
  });
});

describe('any interleaving of reads and writes', () => {
  test.for([
    { name: 'one cache', servers: 1 },
    { name: 'two caches of one shared store', servers: 2 },
  ])('leaves nothing in the cache that the store does not say, too: $name', async ({ servers }) => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), operations, async (scheduler, given) => {
        const memory = new MemoryStore();
        const slow = { ...scheduled(memory, scheduler), isShared: servers > 1 };
        const limits = { ...ROOMY, maxConversations: 2 };
        const stores = Array.from({ length: servers }, () => new CachedStore(slow, limits));
        const done = given.map((operation, at) => {
          const store = stores[at % servers];
          return store && perform(store, operation, at);
        });
        await scheduler.waitFor(Promise.all(done));
        for (const store of stores) {
          const instant = settledReads(store, scheduler);
          for (let index = 0; index < CONVERSATIONS; index += 1) {
            for (const after of [0, 2, 5]) {
              const page = { after, limit: 6 };
              expect(await instant(index, page)).toEqual(await reads(memory, index, page));
            }
          }
        }
      }),
      { numRuns: runs(150) },
    );
  });
});

interface Operation {
  readonly on: number;
  readonly do:
    | 'create'
    | 'append'
    | 'appendAtOnce'
    | 'erase'
    | 'trim'
    | 'remove'
    | 'load'
    | 'page'
    | 'messages';
  readonly head: number;
}

const operations: fc.Arbitrary<Operation[]> = fc.array(
  fc.record({
    on: fc.nat(CONVERSATIONS - 1),
    do: fc.constantFrom(
      'create',
      'create',
      'append',
      'append',
      'append',
      'appendAtOnce',
      'erase',
      'trim',
      'remove',
      'load',
      'load',
      'page',
      'messages',
    ),
    head: fc.nat(6),
  }),
  { minLength: 4, maxLength: 30, size: 'max' },
);

async function perform(
  store: Store,
  { on, do: action, head }: Operation,
  life: number,
): Promise<unknown> {
  const id = idOf(on);
  switch (action) {
    case 'create':
      return made(store, messages(1, 2), { id, epoch: `e_${life}` }).catch(() => undefined);
    case 'append': {
      const known = (await headOf(store, id)) ?? 0;
      return append(store, { id, events: messages(known + 1, known + 2) });
    }
    case 'appendAtOnce':
      return append(store, { id, events: messages(head + 1, head + 1) });
    case 'erase': {
      const known = (await headOf(store, id)) ?? 0;
      const targetSeq = Math.max(1, known - head);
      const effects = [{ kind: 'erased', targetSeq }] as const;
      return append(store, { id, events: [deletion(known + 1, targetSeq)], effects });
    }
    case 'trim': {
      const known = (await headOf(store, id)) ?? 0;
      const effects = [{ kind: 'trimmed', firstSeq: Math.max(1, known - head) }] as const;
      return append(store, { id, expectedHead: known, effects });
    }
    case 'remove':
      return store.remove(id);
    case 'load':
      return store.load(id);
    case 'page':
      return store.readEvents(id, { afterSeq: head, limit: 8 });
    case 'messages':
      return store.readMessages(id, { beforeSeq: head + 2, limit: 3 });
    default:
      return action satisfies never;
  }
}

/** The store, with every call begun and every answer given when the scheduler says. */
function scheduled(store: Store, scheduler: fc.Scheduler): Store {
  const slow = <A extends unknown[], T>(call: (...given: A) => Promise<T>) => {
    const begin = scheduler.scheduleFunction(async (...given: A) => call(...given));
    const answer = scheduler.scheduleFunction(async (value: T) => value);
    return async (...given: A) => answer(await begin(...given));
  };
  const { label, isShared, documents, index, spaces, audit, ledger } = store;
  return {
    ...{ label, isShared, documents, index, spaces, audit, ledger },
    create: slow((state, events) => store.create(state, events)),
    load: slow((id) => store.load(id)),
    append: slow((batch) => store.append(batch)),
    readEvents: slow((id, page) => store.readEvents(id, page)),
    readMessages: slow((id, page) => store.readMessages(id, page)),
    findKey: slow((id, sender, key) => store.findKey(id, sender, key)),
    listConversations: slow((participant, page) => store.listConversations(participant, page)),
    listAll: slow((page) => store.listAll(page)),
    heads: slow((ids) => store.heads(ids)),
    remove: slow((id) => store.remove(id)),
    readTurn: slow((id, turn) => store.readTurn(id, turn)),
    readTurns: slow((id, page) => store.readTurns(id, page)),
    readOpenTurns: slow((id) => store.readOpenTurns(id)),
    listConversationsWithOpenTurns: slow(() => store.listConversationsWithOpenTurns()),
    readSummary: slow((id) => store.readSummary(id)),
    secret: slow((name, make) => store.secret(name, make)),
    probe: slow(() => store.probe()),
    close: slow(() => store.close()),
  };
}

function settledReads(store: Store, scheduler: fc.Scheduler) {
  return (index: number, page: { after: number; limit: number }) =>
    scheduler.waitFor(reads(store, index, page));
}
