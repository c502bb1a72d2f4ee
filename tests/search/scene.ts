import { afterEach } from 'vitest';
import { err, ok } from '../../src/domain/result.ts';
import type { Mode } from '../../src/search/answers.ts';
import {
  ConversationSearch,
  type ConversationSearchParts,
  type MessageQuery,
} from '../../src/search/conversation-search.ts';
import type { Embedder } from '../../src/search/embedder.ts';
import { hashingEmbedder } from '../../src/search/hashing-embedder.ts';
import { MemoryStore } from '../../storage/memory/memory-store.ts';
import type { MessageIndex } from '../../storage/message-index.ts';
import type { Store } from '../../storage/store.ts';
import { granted, message, ONE } from '../contract/fixtures.ts';

export const MODES: readonly Mode[] = ['keyword', 'vector', 'hybrid'];
export const hashing = hashingEmbedder();
const open: ConversationSearch[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((search) => search.close()));
});

interface Scene {
  readonly store: Store;
  readonly search: ConversationSearch;
  /** Events of the log of what the search could not do. */
  readonly reports: string[];
  find(text: string, mode?: Mode, more?: Partial<MessageQuery>): Promise<number[]>;
}

/** A search waits for all it can have, unless a test says when it does not. */
const ENDLESS = {
  levelMs: 60_000,
  localVectorsMs: 60_000,
  remoteVectorsMs: 60_000,
  queryMs: 60_000,
};

interface SceneOptions {
  readonly embedder?: Embedder | undefined;
  readonly index?: (inner: MessageIndex) => MessageIndex;
  readonly patience?: ConversationSearchParts['patience'];
}

/** A search over a memory store whose space is the embedder's. */
export async function scene(options: SceneOptions = {}): Promise<Scene> {
  const embedder = 'embedder' in options ? options.embedder : hashing;
  const store = new MemoryStore();
  if (embedder !== undefined) granted(await store.spaces.add(embedder.space));
  const reports: string[] = [];
  const search = new ConversationSearch({
    store: {
      index: options.index?.(store.index) ?? store.index,
      readMessages: (id, page) => store.readMessages(id, page),
    },
    embedder: async () => ok(embedder),
    report: (event) => reports.push(event),
    patience: { ...ENDLESS, ...options.patience },
  });
  open.push(search);
  return {
    store,
    search,
    reports,
    find: async (text, mode = 'hybrid', more = {}) => {
      const { items } = granted(await search.search(ONE, { text, mode, limit: 20, ...more }));
      return items.map(({ message: { event } }) => event.seq);
    },
  };
}

/** An index whose methods a test replaces. */
export function indexWith(replaced: Partial<MessageIndex>): (inner: MessageIndex) => MessageIndex {
  return (inner) => ({
    level: (...args) => inner.level(...args),
    byTerms: (...args) => inner.byTerms(...args),
    byVector: (...args) => inner.byVector(...args),
    withoutVector: (...args) => inner.withoutVector(...args),
    putVectors: (...args) => inner.putVectors(...args),
    ...replaced,
  });
}

/** A promise that the test settles. */
export function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

export const NEVER = err({ reason: 'embedder_unavailable', cause: 'unplugged' } as const);
export const unplugged: Embedder = { ...hashing, isLocal: false, embed: async () => NEVER };

const SAID = [
  'We deploy the gateway on Thursday evening',
  'The invoices of last month are wrong',
  'Deploying on a Friday is not a good idea',
  'Lunch at noon?',
];

export function saidAll() {
  return SAID.map((content, index) => message(index + 1, { content }));
}
