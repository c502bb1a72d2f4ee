import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { ConversationId } from '../../src/domain/ids.ts';
import { importStore } from '../../src/transfer/import.ts';
import { MemoryStore } from '../../storage/memory/memory-store.ts';
import type { Store } from '../../storage/store.ts';
import type { Backend, Place } from '../contract/backend.ts';
import { memory, sqliteIndexing, sqlitePlain } from '../contract/backends.ts';
import { added } from '../contract/document-fixtures.ts';
import {
  ann,
  append,
  appended,
  bob,
  deletion,
  edit,
  event,
  granted,
  made,
  member,
  message,
  messages,
  NOW,
  ONE,
  refusal,
  state,
  turn,
  turnWithTools,
} from '../contract/fixtures.ts';
import { type Action, actions, answerTo, CONVERSATIONS, idOf } from '../contract/model.ts';
import { dropDatabases, postgres } from '../contract/postgres-backend.ts';
import { fc, runs } from '../support/properties.ts';
import { bytesOf, exported } from '../support/transfer.ts';

/** Everything is moved into each of these and back. */
const BACKENDS: readonly Backend[] = [memory, sqlitePlain, sqliteIndexing, postgres];

const opened: { readonly store: Store; readonly place: Place }[] = [];

async function opening(backend: Backend): Promise<Store> {
  const place = await backend.place();
  const store = await place.open();
  opened.push({ store, place });
  return store;
}

/** Closes what was opened; a database may then be used again. */
async function closeAll(): Promise<void> {
  for (const { store, place } of opened.splice(0)) {
    await store.close();
    await place.clear();
  }
}

afterEach(closeAll);
afterAll(dropDatabases);

async function imported(backend: Backend, text: string): Promise<Store> {
  const store = await opening(backend);
  granted(await importStore(store, bytesOf(text)));
  return store;
}

/** A store with everything in it that there is. */
async function full(store: Store): Promise<void> {
  await made(
    store,
    [
      message(1, { content: 'first \u2028 “quoted” \ud800 🙂\u0000\n', key: 'k1' }),
      event(2, 'participant.joined', { body: { participant: member(bob) } }),
      edit(3, 1, 'edited once'),
      message(4, { key: 'k1', from: bob, content: 'to be erased' }),
      edit(5, 4, 'to be erased, too'),
      event(6, 'message', {
        body: { content: 'x', reply_to: 1, metadata: { a: [1, { b: null }] } },
      }),
      event(7, 'conversation.updated', {
        body: { changes: { title: 'New', metadata: { z: 1, a: 2 } } },
      }),
      event(8, 'participant.role_changed', { body: { participant_id: bob.id, role: 'observer' } }),
      event(9, 'participant.left', { body: { participant: member(bob) } }),
    ],
    { members: [member(bob), member(ann, 'owner')] },
  );
  await appended(store, [edit(10, 1, 'edited twice'), deletion(11, 4)], {
    effects: [
      { kind: 'edited', targetSeq: 1, seq: 3 },
      { kind: 'edited', targetSeq: 4, seq: 5 },
      { kind: 'edited', targetSeq: 1, seq: 10 },
      { kind: 'erased', targetSeq: 4 },
      { kind: 'member_gone', participantId: bob.id },
      { kind: 'turn', turn: turn('b', { usage: { input_tokens: 3, output_tokens: 4 } }) },
      {
        kind: 'turn',
        turn: turn('a', {
          state: 'failed',
          endedAt: NOW,
          error: { code: 429, reason: 'budget_exhausted', message: 'No.', retry_after_ms: 5 },
          usage: { input_tokens: 3, output_tokens: 4, cost: 0.25, estimated: true },
        }),
      },
      { kind: 'turn', turn: turn('b', { state: 'completed', endedAt: NOW, messageSeq: 6 }) },
      { kind: 'turn', turn: turn('c') },
      { kind: 'turn', turn: turnWithTools('d') },
      {
        kind: 'settings',
        conversation: {
          ...state().conversation,
          agents: [{ id: bob.id, name: 'Critic', speaks: 'mention', whileBusy: 'reject' }],
        },
      },
    ],
  });
  await made(store, messages(1, 40), { id: 'c_trimmed' });
  await appended(store, [edit(41, 3, 'of a trimmed one'), edit(42, 39, 'of one that is there')], {
    id: 'c_trimmed' as ConversationId,
    effects: [
      { kind: 'edited', targetSeq: 3, seq: 41 },
      { kind: 'edited', targetSeq: 39, seq: 42 },
      { kind: 'trimmed', firstSeq: 38 },
    ],
  });
  await made(store, messages(1, 5), { id: 'c_all-trimmed' });
  await append(store, {
    id: 'c_all-trimmed' as ConversationId,
    expectedHead: 5,
    effects: [{ kind: 'trimmed', firstSeq: 6 }],
  });
  await made(store, [], { id: 'C_empty', members: [] });
  await made(store, messages(1, 1_500), { id: 'c_long' });
  await added(store, 'shared', {
    texts: ['one two', 'three \ud83d\ude42 four'],
    conversations: [ONE, 'C_empty' as ConversationId],
    createdKey: 'once',
  });
  await added(store, 'own', {
    owner: bob.id,
    texts: Array.from({ length: 450 }, (_, at) => `${at}`),
  });
  await added(store, 'without-a-word', { texts: [] });
}

describe.each(BACKENDS)('an export of $name', (backend) => {
  test('is the same bytes in every store that it is moved to', async () => {
    const first = await opening(backend);
    await full(first);
    const text = await exported(first);
    const reference = await opening(memory);
    await full(reference);
    expect(text).toBe(await exported(reference));
    for (const other of BACKENDS) {
      const store = await imported(other, text);
      expect(await exported(store)).toBe(text);
      const back = await imported(backend, await exported(store));
      expect(await exported(back)).toBe(text);
    }
  });

  test('is the same bytes whatever the life of the store was', async () => {
    await fc.assert(
      fc.asyncProperty(actions, async (sequence) => {
        const lived = await opening(memory);
        await live(lived, sequence);
        const text = await exported(lived);
        const moved = await imported(backend, text);
        expect(await exported(moved)).toBe(text);
        for (let index = 0; index < CONVERSATIONS; index += 1) {
          expect(await answers(moved, idOf(index))).toEqual(await answers(lived, idOf(index)));
        }
        await closeAll();
      }),
      { numRuns: runs(backend.persists ? 8 : 40) },
    );
  });

  test('goes on where it was: heads, keys, edits, erasures and open turns', async () => {
    const first = await opening(memory);
    await full(first);
    const store = await imported(backend, await exported(first));
    const taken = await append(store, { expectedHead: 11, events: [message(12, { key: 'k1' })] });
    expect(refusal(taken)).toMatchObject({ taken: [{ index: 0, seq: 1 }] });
    const [edited, erased] = granted(await store.readMessages(ONE, { limit: 2 }));
    expect([edited?.body.content, erased?.body.deleted]).toEqual(['edited twice', true]);
    await appended(store, [deletion(12, 1)], { effects: [{ kind: 'erased', targetSeq: 1 }] });
    expect(await exported(store)).not.toContain('edited twice');
    expect(granted(await store.readOpenTurns(ONE)).map(({ id }) => id)).toEqual([
      turn('c').id,
      turn('d').id,
    ]);
    expect(
      granted(await store.heads(['c_trimmed' as ConversationId]))
        .values()
        .next().value,
    ).toMatchObject({ firstSeq: 38, headSeq: 42 });
    const inTrimmed = { id: 'c_trimmed' as ConversationId, events: messages(43, 43) };
    expect(await append(store, inTrimmed)).toMatchObject({ ok: true });
    const inEmptied = { id: 'c_all-trimmed' as ConversationId, events: messages(6, 7) };
    expect(await append(store, inEmptied)).toMatchObject({ ok: true });
  });
});

async function live(store: Store, sequence: readonly Action[]): Promise<void> {
  for (const [at, action] of sequence.entries()) {
    if (action.do === 'reopen' || action.do === 'breathe') {
      const conversations = [idOf(at % CONVERSATIONS)];
      await added(store, `${at}`, { conversations, texts: Array(at % 4).fill('some words') });
    } else await answerTo(store, action);
  }
}

/** What a conversation answers, but for the keys of trimmed events, which cannot be moved. */
async function answers(store: Store, id: ConversationId): Promise<unknown> {
  const { firstSeq = 1 } = granted(await store.load(id))?.conversation ?? {};
  const keys = await Promise.all(
    Array.from({ length: 41 }, (_, at) => store.findKey(id, ann.id, `k${at}`).then(granted)),
  );
  return [
    keys.map((seq) => (seq !== undefined && seq < firstSeq ? undefined : seq)),
    await store.load(id),
    await store.readMessages(id, { limit: 1_000 }),
    await store.readTurns(id, { limit: 1_000 }),
    await store.readOpenTurns(id),
    await store.listConversations(bob.id, { limit: 10 }),
    await store.documents.list({ sharedWith: id, limit: 100 }),
  ];
}

test('what cannot be moved is the key of a trimmed event: after the move it may be used anew', async () => {
  const store = new MemoryStore();
  granted(await store.create(state({ headSeq: 1 }), [message(1, { key: 'k' })]));
  await append(store, { expectedHead: 1, effects: [{ kind: 'trimmed', firstSeq: 2 }] });
  expect(refusal(await append(store, { events: [message(2, { key: 'k' })] }))).toMatchObject({
    reason: 'keys_taken',
  });
  const moved = await imported(memory, await exported(store));
  expect(await append(moved, { events: [message(2, { key: 'k' })] })).toMatchObject({ ok: true });
});
