import { describe, expect, test } from 'vitest';
import { CachedStore } from '../../storage/cache/cached-store.ts';
import { MemoryStore } from '../../storage/memory/memory-store.ts';
import type { Store } from '../../storage/store.ts';
import {
  ann,
  append,
  appended,
  bob,
  deletion,
  edit,
  granted,
  headOf,
  keyOf,
  made,
  member,
  message,
  messages,
  ONE,
  refusal,
  seqs,
  state,
  wholeLog,
} from '../contract/fixtures.ts';
import { actions, answerTo, CONVERSATIONS, reads } from '../contract/model.ts';
import { ControlledStore } from '../support/controlled-store.ts';
import { ObservedStore } from '../support/observed-store.ts';
import { fc, runs } from '../support/properties.ts';

const ROOMY = { maxBytes: 10_000_000, maxConversations: 100 };

/** One place for data that several servers write to, and what a server asks of it. */
function sharedMemory() {
  const other = new MemoryStore();
  const inner = new ObservedStore(other);
  inner.isShared = true;
  return { inner, other, store: new CachedStore(inner, ROOMY) };
}

/** The conversation with events 1 … count, its tail in the cache. */
async function remembered(store: Store, count = 6): Promise<void> {
  await made(store, messages(1, count));
  await wholeLog(store);
}

const read = async (store: Store, afterSeq = 0) =>
  granted(await store.readEvents(ONE, { afterSeq, limit: 100 }));

describe('a cache of a store that others write to', () => {
  test('asks where the log stands before it answers, and asks no more', async () => {
    const { inner, store } = sharedMemory();
    await remembered(store);
    inner.calls.length = 0;
    expect(await read(store, 2)).toEqual(messages(3, 6));
    expect(granted(await store.readMessages(ONE, { beforeSeq: 9, limit: 2 }))).toHaveLength(2);
    expect(inner.calls).toEqual(['heads', 'heads']);
    await appended(store, messages(7, 8));
    inner.calls.length = 0;
    expect(await read(store, 5)).toEqual(messages(6, 8));
    expect(inner.calls).toEqual(['heads']);
  });

  test('reads that come together share the question, those that come later do not', async () => {
    const controlled = new ControlledStore();
    controlled.isShared = true;
    const store = new CachedStore(controlled, ROOMY);
    await remembered(store);
    const two = await made(store, messages(1, 2), { id: 'c_two' });
    controlled.hold('heads');
    controlled.calls.clear();
    const first = [
      read(store, 1),
      read(store, 2),
      store.readEvents(two, { afterSeq: 0, limit: 9 }),
    ];
    await new Promise(setImmediate);
    expect(controlled.countOf('heads')).toBe(1);
    const later = [read(store, 3), read(store, 4), read(store, 5)];
    await new Promise(setImmediate);
    expect(controlled.countOf('heads')).toBe(1);
    controlled.release();
    expect(await Promise.all(first.slice(0, 2))).toEqual([messages(2, 6), messages(3, 6)]);
    await new Promise(setImmediate);
    expect(controlled.countOf('heads')).toBe(2);
    controlled.letGo();
    expect(await Promise.all(later)).toEqual([messages(4, 6), messages(5, 6), messages(6, 6)]);
    expect(controlled.countOf('heads')).toBe(2);
    expect(controlled.countOf('readEvents')).toBe(0);
  });

  test('an answer that was asked for before another server wrote is not given to who came after', async () => {
    const controlled = new ControlledStore();
    controlled.isShared = true;
    const store = new CachedStore(controlled, ROOMY);
    await remembered(store);
    controlled.holdAnswers('heads');
    const early = read(store);
    await new Promise(setImmediate);
    await appended(controlled.inner, [deletion(7, 3)], {
      effects: [{ kind: 'erased', targetSeq: 3 }],
    });
    const late = read(store);
    controlled.letGo();
    expect(await early).toEqual(messages(1, 6));
    expect((await late)[2]?.body).toBe('{"deleted":true}');
  });

  test('never hides what another server wrote, erased or trimmed', async () => {
    const { other, store } = sharedMemory();
    await remembered(store);
    await appended(other, [message(7, { key: 'theirs', from: bob })]);
    expect(seqs(await read(store, 4))).toEqual([5, 6, 7]);
    expect(await headOf(store)).toBe(7);
    expect(await keyOf(store, bob.id, 'theirs')).toBe(7);
    await appended(other, [edit(8, 2, 'new')], {
      effects: [{ kind: 'edited', targetSeq: 2, seq: 8 }],
    });
    const [second] = granted(await store.readMessages(ONE, { afterSeq: 1, limit: 1 }));
    expect(second?.body.content).toBe('new');
    await wholeLog(store);
    await appended(other, [deletion(9, 5)], { effects: [{ kind: 'erased', targetSeq: 5 }] });
    expect((await read(store, 4))[0]?.body).toBe('{"deleted":true}');
    await appended(other, [], { expectedHead: 9, effects: [{ kind: 'trimmed', firstSeq: 7 }] });
    expect(seqs(await read(store))).toEqual([7, 8, 9]);
    expect(granted(await store.readMessages(ONE, { limit: 9 }))).toHaveLength(1);
    expect(granted(await store.load(ONE))?.conversation.firstSeq).toBe(7);
  });

  test('never hides that a conversation was removed, nor its next life at the same head', async () => {
    const { other, store } = sharedMemory();
    await remembered(store);
    granted(await other.remove(ONE));
    expect(await read(store)).toEqual([]);
    expect(granted(await store.load(ONE))).toBeUndefined();
    await remembered(store);
    granted(await other.remove(ONE));
    const second = messages(1, 6).map((one) => ({ ...one, body: '{"content":"second"}' }));
    await made(other, second, { epoch: 'e_second' });
    expect(await read(store)).toEqual(second);
    expect(granted(await store.load(ONE))?.conversation.epoch).toBe('e_second');
  });

  test('never hides members and settings that change without an event', async () => {
    const { other, store } = sharedMemory();
    await remembered(store);
    await store.load(ONE);
    const conversation = { ...state().conversation, title: 'Theirs' };
    await appended(other, [], {
      expectedHead: 6,
      effects: [
        { kind: 'member', member: member(bob) },
        { kind: 'settings', conversation },
      ],
    });
    const loaded = granted(await store.load(ONE));
    expect(loaded?.conversation.title).toBe('Theirs');
    expect(loaded?.members).toHaveLength(2);
  });

  test('does not remember that a key is not there', async () => {
    const { other, store } = sharedMemory();
    await made(store, messages(1, 2));
    expect(await keyOf(store, ann.id, 'k')).toBeUndefined();
    await appended(other, [message(3, { key: 'k' })]);
    expect(await keyOf(store, ann.id, 'k')).toBe(3);
    const twin = await append(store, { events: [message(4, { key: 'k' })] });
    expect(refusal(twin)).toEqual({ reason: 'keys_taken', taken: [{ index: 0, seq: 3 }] });
  });

  test('remembers anew what it reads after another server wrote', async () => {
    const { inner, other, store } = sharedMemory();
    await remembered(store);
    await appended(other, messages(7, 9));
    expect(seqs(await read(store))).toHaveLength(9);
    inner.calls.length = 0;
    expect(seqs(await read(store, 3))).toEqual([4, 5, 6, 7, 8, 9]);
    expect(inner.calls).toEqual(['heads']);
  });

  test('keeps the tail of a conversation that it writes to itself while it asks', async () => {
    const controlled = new ControlledStore();
    controlled.isShared = true;
    const store = new CachedStore(controlled, ROOMY);
    await remembered(store);
    controlled.holdAnswers('heads');
    const asked = read(store);
    await new Promise(setImmediate);
    await appended(store, messages(7, 7));
    controlled.letGo();
    expect(await asked).toEqual(messages(1, 7));
    controlled.calls.clear();
    expect(await read(store)).toEqual(messages(1, 7));
    expect([...controlled.calls.keys()]).toEqual(['heads']);
  });

  test('says that the store is away when it cannot ask, and goes on when it can', async () => {
    const controlled = new ControlledStore();
    controlled.isShared = true;
    const store = new CachedStore(controlled, ROOMY);
    await remembered(store);
    controlled.doom('heads', 'none');
    const refused = refusal(await store.readEvents(ONE, { afterSeq: 0, limit: 9 }));
    expect(refused.reason).toBe('storage_unavailable');
    controlled.doom('heads', 'throws');
    await expect(store.readEvents(ONE, { afterSeq: 0, limit: 9 })).rejects.toThrow('broken');
    expect(await read(store)).toEqual(messages(1, 6));
  });
});

describe('two servers on one store', () => {
  /** Which of the two acts, and what it does. */
  const turns = fc.tuple(actions, fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }));

  test.for([1, 100])(
    'each with a cache of %i conversations, answer as one without',
    async (maxConversations) => {
      await fc.assert(
        fc.asyncProperty(turns, async ([sequence, sides]) => {
          const inner = new ObservedStore(new MemoryStore());
          inner.isShared = true;
          const limits = { ...ROOMY, maxConversations };
          const servers = [new CachedStore(inner, limits), new CachedStore(inner, limits)] as const;
          const model = new MemoryStore();
          for (const [at, action] of sequence.entries()) {
            if (action.do === 'reopen' || action.do === 'breathe') continue;
            const server = servers[sides[at % sides.length] ? 0 : 1];
            const given = action.do === 'create' ? { ...action, life: at } : action;
            expect(await answerTo(server, given)).toEqual(await answerTo(model, given));
          }
          for (const server of servers) {
            for (let index = 0; index < CONVERSATIONS; index += 1) {
              const page = { after: 0, limit: 100 };
              expect(await reads(server, index, page)).toEqual(await reads(model, index, page));
            }
          }
        }),
        { numRuns: runs(100) },
      );
    },
  );
});
