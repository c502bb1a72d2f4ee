import { encodeBody, type LogEvent } from '../../src/domain/event.ts';
import { type ConversationId, conversationId } from '../../src/domain/ids.ts';
import { isOver, TURN_STATES } from '../../src/domain/turn.ts';
import type { Effect, Store } from '../../storage/store.ts';
import { fc } from '../support/properties.ts';
import { ann, bob, edit, member, message, NOW, state, turn } from './fixtures.ts';

/** The model test's actions: plain data, so that fast-check can shrink and print them. */
export type Action =
  | {
      readonly do: 'create';
      readonly on: number;
      readonly events: number;
      /** For a test that wants to tell the lives of an id apart. */
      readonly life?: number;
    }
  | { readonly do: 'remove'; readonly on: number }
  | {
      readonly do: 'append';
      readonly on: number;
      readonly batch: readonly Draft[];
      readonly off: number;
    }
  | { readonly do: 'appendAll'; readonly batch: readonly Draft[] }
  | { readonly do: 'read'; readonly on: number; readonly after: number; readonly limit: number }
  | { readonly do: 'reopen' }
  /** Lets what runs beside the store (an indexer) have its turn. */
  | { readonly do: 'breathe'; readonly turns: number };

export type Question = Exclude<Action, { do: 'reopen' | 'breathe' }>;

type Draft =
  | {
      readonly kind: 'message';
      readonly key: number | null;
      readonly from: 0 | 1;
      readonly chars: number;
    }
  | { readonly kind: 'edit' | 'delete'; readonly back: number }
  | { readonly kind: 'member' | 'gone' | 'rename' }
  | { readonly kind: 'trim'; readonly back: number }
  | { readonly kind: 'turn'; readonly name: number; readonly state: number };

export const CONVERSATIONS = 3;
const PEOPLE = [ann, bob] as const;

const on = fc.nat(CONVERSATIONS - 1);
const draft: fc.Arbitrary<Draft> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('message' as const),
      key: fc.option(fc.nat(40), { freq: 3 }),
      from: fc.constantFrom(0 as const, 1 as const),
      chars: fc.nat(300),
    }),
  },
  fc.record({ kind: fc.constantFrom('edit' as const, 'delete' as const), back: fc.nat(12) }),
  fc.record({ kind: fc.constantFrom('member' as const, 'gone' as const, 'rename' as const) }),
  fc.record({ kind: fc.constant('trim' as const), back: fc.nat(40) }),
  fc.record({
    kind: fc.constant('turn' as const),
    name: fc.nat(3),
    state: fc.nat(TURN_STATES.length - 1),
  }),
);
const batch = fc.array(draft, { maxLength: 6 });

export const actions: fc.Arbitrary<Action[]> = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('create' as const), on, events: fc.nat(3) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), on }) },
    {
      weight: 10,
      arbitrary: fc.record({
        do: fc.constant('append' as const),
        on,
        batch,
        off: fc.constantFrom(0, 0, 0, 0, 0, 0, -1, 1),
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('appendAll' as const), batch }) },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('read' as const),
        on,
        after: fc.nat(30),
        limit: fc.integer({ min: 1, max: 8 }),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ do: 'reopen' as const }) },
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant('breathe' as const), turns: fc.nat(4) }),
    },
  ),
  { minLength: 5, maxLength: 40, size: 'max' },
);

export function idOf(index: number): ConversationId {
  return conversationId(`c_${index}`);
}

export async function breathe(turns: number): Promise<void> {
  for (let turn = 0; turn <= turns; turn += 1) await new Promise(setImmediate);
}

/** What one action answers; the same for every store that keeps the contract. */
export async function answerTo(store: Store, action: Question): Promise<unknown> {
  switch (action.do) {
    case 'create':
      return store.create(
        state({
          id: idOf(action.on),
          epoch: `e_${action.life ?? 'first'}`,
          headSeq: action.events,
        }),
        Array.from({ length: action.events }, (_, index) => message(index + 1)),
      );
    case 'remove':
      return store.remove(idOf(action.on));
    case 'append':
      return appendTo(store, action.on, action);
    case 'appendAll': {
      const each = Array.from({ length: CONVERSATIONS }, (_, index) => index);
      return Promise.all(each.map((index) => appendTo(store, index, { ...action, off: 0 })));
    }
    case 'read':
      return reads(store, action.on, action);
    default:
      return action satisfies never;
  }
}

async function appendTo(
  store: Store,
  index: number,
  { batch, off }: { batch: readonly Draft[]; off: number },
): Promise<unknown> {
  const id = idOf(index);
  const loaded = await store.load(id);
  const head = loaded.ok ? (loaded.value?.conversation.headSeq ?? 0) : 0;
  const expectedHead = Math.max(0, head + off);
  const events: LogEvent[] = [];
  const effects: Effect[] = [];
  for (const one of batch) place(one, { seq: expectedHead + events.length + 1, events, effects });
  return store.append({ id, expectedHead, events, effects });
}

function place(
  draft: Draft,
  { seq, events, effects }: { seq: number; events: LogEvent[]; effects: Effect[] },
): void {
  switch (draft.kind) {
    case 'message': {
      const key = draft.key === null ? null : `k${draft.key}`;
      events.push(
        message(seq, { content: 'm'.repeat(draft.chars), key, from: PEOPLE[draft.from] }),
      );
      return;
    }
    case 'edit': {
      const targetSeq = Math.max(1, seq - 1 - draft.back);
      events.push(edit(seq, targetSeq, `edited at ${seq}`));
      effects.push({ kind: 'edited', targetSeq, seq });
      return;
    }
    case 'delete': {
      const targetSeq = Math.max(1, seq - 1 - draft.back);
      const body = encodeBody('message.deleted', { target_seq: targetSeq });
      events.push({ seq, kind: 'message.deleted', author: bob, createdAt: NOW, key: null, body });
      effects.push({ kind: 'erased', targetSeq });
      return;
    }
    case 'member':
      effects.push({ kind: 'member', member: member(bob) });
      return;
    case 'gone':
      effects.push({ kind: 'member_gone', participantId: bob.id });
      return;
    case 'rename': {
      const { conversation } = state();
      effects.push({
        kind: 'settings',
        conversation: { ...conversation, title: `at ${seq}`, updatedAt: NOW + seq },
      });
      return;
    }
    case 'trim':
      effects.push({ kind: 'trimmed', firstSeq: Math.max(0, seq - draft.back) });
      return;
    case 'turn': {
      const turnState = TURN_STATES[draft.state] ?? 'queued';
      const endedAt = isOver(turnState) ? NOW + seq : null;
      effects.push({ kind: 'turn', turn: turn(`${draft.name}`, { state: turnState, endedAt }) });
      return;
    }
    default:
      draft satisfies never;
  }
}

/** Every read of one conversation, and of the people. */
export async function reads(
  store: Store,
  index: number,
  { after, limit }: { after: number; limit: number },
): Promise<unknown> {
  const id = idOf(index);
  return Promise.all([
    store.load(id),
    store.readEvents(id, { afterSeq: after, limit }),
    store.readEvents(id, { afterSeq: 0, limit: 1_000 }),
    store.readEvents(id, { afterSeq: after, limit: 50, maxChars: 700 }),
    store.readMessages(id, { limit }),
    store.readMessages(id, { afterSeq: after, limit }),
    store.readMessages(id, { beforeSeq: after + 1, limit }),
    store.readMessages(id, { afterSeq: after >> 1, beforeSeq: after + 5, limit }),
    store.findKey(id, ann.id, `k${after}`),
    store.findKey(id, bob.id, `k${after}`),
    store.listConversations(ann.id, { limit }),
    store.listConversations(bob.id, { afterId: id, limit }),
    store.readTurn(id, turn('1').id),
    store.readTurns(id, { limit }),
    store.readOpenTurns(id),
    store.heads([id]),
    store.listAll({ limit }),
    store.listConversationsWithOpenTurns().then((listed) => listed.ok && [...listed.value].sort()),
  ]);
}
