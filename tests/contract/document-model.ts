import type { LogEvent } from '../../src/domain/event.ts';
import { type ConversationId, conversationId } from '../../src/domain/ids.ts';
import { termsOf } from '../../src/text/terms.ts';
import type { UnembeddedMessage } from '../../storage/message-index.ts';
import type { Effect, Store } from '../../storage/store.ts';
import type { Space } from '../../storage/vector-spaces.ts';
import { fc } from '../support/properties.ts';
import { chunksOf, document, idOfDocument, leaning, OTHER, SPACE } from './document-fixtures.ts';
import { ann, bob, deletion, edit, granted, made, member, message } from './fixtures.ts';

/** The actions of the model test of documents, indexes and spaces: plain data, as in `model.ts`. */
export type DocumentAction =
  | {
      readonly do: 'add';
      readonly name: number;
      readonly from: 0 | 1;
      readonly shared: readonly number[];
      readonly key: number | null;
      readonly texts: readonly (readonly number[])[];
    }
  | Each<'drop' | 'embedDocument', { readonly name: number; readonly space: number }>
  | Each<'space' | 'use', { readonly space: number }>
  | Each<
      'remove' | 'join' | 'leave' | 'ask' | 'put',
      { readonly on: number; readonly space: number }
    >
  | Each<'say', { readonly on: number; readonly words: readonly number[] }>
  | Each<'edit', { readonly on: number; readonly back: number; readonly words: readonly number[] }>
  | Each<'delete' | 'trim' | 'level', { readonly on: number; readonly back: number }>
  | Each<'reopen' | 'look'>;

type Each<Do extends string, Fields = unknown> = Do extends string
  ? { readonly do: Do } & Fields
  : never;

type DocumentQuestion = Exclude<DocumentAction, { do: 'reopen' | 'look' }>;

const CONVERSATIONS = 2;
const NAMES = 4;
const PEOPLE = [ann, bob] as const;
const SPACES = [SPACE, OTHER] as const;
const WORDS = ['zebra', 'lion', 'Giraffe', 'café', '東京', 'ant', 'bee', 'the'] as const;

const on = fc.nat(CONVERSATIONS - 1);
const name = fc.nat(NAMES - 1);
const space = fc.constantFrom(0, 0, 0, 1);
const words = fc.array(fc.nat(WORDS.length - 1), { minLength: 1, maxLength: 5 });

export const documentActions: fc.Arbitrary<DocumentAction[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('add' as const),
        name,
        from: fc.constantFrom(0 as const, 1 as const),
        shared: fc.uniqueArray(on, { maxLength: 2 }),
        key: fc.option(fc.nat(2), { freq: 2 }),
        texts: fc.array(words, { minLength: 1, maxLength: 4 }),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constantFrom('drop' as const, 'embedDocument' as const, 'embedDocument' as const),
        name,
        space,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constantFrom('space' as const, 'use' as const), space }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constantFrom(
          ...(['remove', 'join', 'join', 'leave', 'ask', 'ask', 'put', 'put'] as const),
        ),
        on,
        space,
      }),
    },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('say' as const), on, words }) },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('edit' as const), on, back: fc.nat(6), words }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constantFrom('delete' as const, 'trim' as const, 'level' as const, 'level' as const),
        on,
        back: fc.nat(8),
      }),
    },
    { weight: 2, arbitrary: fc.constantFrom({ do: 'look' as const }, { do: 'reopen' as const }) },
  ),
  { minLength: 5, maxLength: 40, size: 'max' },
);

/** What `withoutVector` answered when it was last asked: what is put may be old by then. */
export type Asked = Map<ConversationId, readonly UnembeddedMessage[]>;

/** What one action answers; the same for every store that keeps the contract. */
export async function performOn(
  store: Store,
  action: DocumentQuestion,
  asked: Asked,
): Promise<unknown> {
  switch (action.do) {
    case 'add':
      return add(store, action);
    case 'drop':
      return store.documents.remove(idOfDocument(`${action.name}`));
    case 'embedDocument':
      return embedDocument(store, action.name, spaceAt(action.space));
    case 'space':
      return store.spaces.add(spaceAt(action.space));
    case 'use':
      return store.spaces.use(spaceAt(action.space));
    case 'remove':
      return store.remove(idOf(action.on));
    case 'ask':
    case 'put':
      return embedMessages(store, action, asked);
    case 'level':
      await store.index.level(idOf(action.on), action.back + 1);
      return undefined;
    default:
      return write(store, action);
  }
}

async function add(
  store: Store,
  action: Extract<DocumentQuestion, { do: 'add' }>,
): Promise<unknown> {
  const chunks = chunksOf(action.texts.map(textOf));
  const given = document(`${action.name}`, {
    owner: PEOPLE[action.from].id,
    conversations: action.shared.map(idOf),
    createdKey: action.key === null ? null : `k${action.key}`,
    chars: chunks.at(-1)?.end ?? 0,
    chunkCount: chunks.length,
  });
  const taken = granted(await store.documents.read(given.id));
  return taken === undefined ? store.documents.add(given, chunks) : 'there';
}

async function embedDocument(store: Store, name: number, space: Space): Promise<unknown> {
  const id = idOfDocument(`${name}`);
  const chunks = granted(await store.documents.readChunks(id, { limit: 99 }));
  const vectors = chunks.map(({ text, index }) => vectorOf(`${text} ${index}`, space));
  return store.documents.putVectors(space, id, vectors);
}

async function embedMessages(
  store: Store,
  { do: what, on, space: at }: Extract<DocumentQuestion, { do: 'ask' | 'put' }>,
  asked: Asked,
): Promise<unknown> {
  const [id, space] = [idOf(on), spaceAt(at)];
  if (what === 'ask') {
    await level(store, id);
    asked.set(id, await unembedded(store, id, space));
    return asked.get(id);
  }
  const vectors = (asked.get(id) ?? []).map(({ seq, textSeq, text }) => ({
    ...{ seq, textSeq },
    vector: vectorOf(text, space),
  }));
  return store.index.putVectors(id, space, vectors);
}

/** Everything that is an append; the conversation is made where it is not there. */
async function write(
  store: Store,
  action: Extract<DocumentQuestion, { do: 'say' | 'edit' | 'delete' | 'trim' | 'join' | 'leave' }>,
): Promise<unknown> {
  const id = idOf(action.on);
  if (granted(await store.load(id)) === undefined) await made(store, [], { id });
  const head = granted(await store.load(id))?.conversation.headSeq ?? 0;
  const seq = head + 1;
  const append = (events: readonly LogEvent[], ...effects: Effect[]) =>
    store.append({ id, expectedHead: head, events, effects });
  switch (action.do) {
    case 'say':
      return append([message(seq, { content: textOf(action.words) })]);
    case 'edit': {
      const targetSeq = Math.max(1, head - action.back);
      if (!(await isMessage(store, id, targetSeq))) return 'no message';
      const event = edit(seq, targetSeq, textOf(action.words));
      return append([event], { kind: 'edited', targetSeq, seq });
    }
    case 'delete': {
      const targetSeq = Math.max(1, head - action.back);
      if (!(await isMessage(store, id, targetSeq))) return 'no message';
      return append([deletion(seq, targetSeq)], { kind: 'erased', targetSeq });
    }
    case 'trim':
      return append([], { kind: 'trimmed', firstSeq: Math.max(0, seq - action.back) });
    case 'join':
      return append([], { kind: 'member', member: member(bob) });
    case 'leave':
      return append([], { kind: 'member_gone', participantId: bob.id });
    default:
      return action satisfies never;
  }
}

/** Everything there is to see, by every way, and the cosines of what was found by vector. */
export async function look(store: Store): Promise<Seen> {
  const cosines = new Map<string, number>();
  const said: unknown[] = [granted(await store.spaces.list())];
  for (const { id } of PEOPLE) {
    said.push(await store.documents.list({ seenBy: id, limit: 99 }));
    said.push(await store.documents.countOwned(id));
    for (const word of WORDS) said.push(await chunksWith(store, word, id));
    for (const space of SPACES) {
      const vector = leaning(1, space);
      const query = { seenBy: id, space, vector, limit: 99 };
      const found = granted(await store.documents.byVector(query));
      const names = found.map(({ document, chunk }) => `${id} ${document.id}.${chunk.index}`);
      said.push([...names].sort());
      for (const [at, one] of names.entries())
        cosines.set(`${one} ${space.name}`, found[at]?.score ?? 9);
    }
  }
  for (let index = 0; index < CONVERSATIONS; index += 1)
    said.push(await lookAt(store, idOf(index), cosines));
  return { said, cosines };
}

interface Seen {
  readonly said: unknown;
  readonly cosines: ReadonlyMap<string, number>;
}

async function lookAt(store: Store, id: ConversationId, cosines: Map<string, number>) {
  await level(store, id);
  const said: unknown[] = [await store.documents.list({ sharedWith: id, limit: 99 })];
  for (const word of WORDS) {
    const found = await store.index.byTerms(id, { terms: termsOf(word), limit: 99 });
    said.push(
      granted(found)
        .map(({ seq }) => seq)
        .sort((a, b) => a - b),
    );
  }
  for (const space of SPACES) {
    const vector = leaning(1, space);
    const found = granted(await store.index.byVector(id, { space, vector, limit: 99 }));
    said.push(found.map(({ seq }) => seq).sort((a, b) => a - b));
    for (const { seq, score } of found) cosines.set(`${id} ${seq} ${space.name}`, score);
    said.push(await unembedded(store, id, space));
    said.push(await store.documents.withoutVectors(space, { limit: 2 }));
  }
  return said;
}

async function chunksWith(store: Store, word: string, seenBy: typeof ann.id): Promise<string[]> {
  const found = await store.documents.byTerms({ seenBy, terms: termsOf(word), limit: 99 });
  return granted(found)
    .map(({ document, chunk }) => `${document.id}.${chunk.index} ${chunk.text}`)
    .sort();
}

/** By seq: which comes first is promised only of those that never had a vector of any space. */
async function unembedded(
  store: Store,
  id: ConversationId,
  space: Space,
): Promise<readonly UnembeddedMessage[]> {
  const found = granted(await store.index.withoutVector(id, space, 99));
  return [...found].sort((a, b) => a.seq - b.seq);
}

async function level(store: Store, id: ConversationId): Promise<void> {
  for (let steps = 0; steps < 99; steps += 1) if (granted(await store.index.level(id, 50))) return;
  throw new Error('never level');
}

async function isMessage(store: Store, id: ConversationId, seq: number): Promise<boolean> {
  const page = { afterSeq: seq - 1, beforeSeq: seq + 1, limit: 1 };
  return granted(await store.readMessages(id, page)).length === 1;
}

function idOf(index: number): ConversationId {
  return conversationId(`c_${index}`);
}

function spaceAt(index: number): Space {
  return SPACES[index === 0 ? 0 : 1];
}

function textOf(words: readonly number[]): string {
  return words.map((index) => WORDS[index]).join(' ');
}

/** Another vector for another text, the same for the same. */
function vectorOf(text: string, space: Space): Float32Array {
  const sum = [...text].reduce((hash, character) => (hash * 31 + character.charCodeAt(0)) % 199, 7);
  return leaning((sum - 99) / 100, space);
}
