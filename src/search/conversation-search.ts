/**
 * Finds messages of one conversation by words and by nearness.
 *
 * Owns: the order in which an index is made level, given vectors, asked, and its answer checked.
 * Does not own: who may search, and how often.
 * Invariants:
 * C1. What was acknowledged before the search came is in its answer: new messages, edits, deletions. The index is
 *     level before it is asked, or the answer is `overloaded`.
 * C2. Nothing is shown but messages as they stand when the answer is made; one that no longer has what it was
 *     found by is left out.
 * C3. Without vectors, or with vectors of some messages only, words answer, and the answer says so.
 */
import type { FoundMessage } from '../../storage/message-index.ts';
import type { Store } from '../../storage/store.ts';
import type { Unavailable } from '../../storage/unavailable.ts';
import type { ConversationId } from '../domain/ids.ts';
import type { Message } from '../domain/message.ts';
import { err, ok, type Result } from '../domain/result.ts';
import { type Guard, unguarded } from '../provider/guard.ts';
import { termsOf } from '../text/terms.ts';
import type { MessageHit, Mode, SearchAnswer } from './answers.ts';
import type { Embedder } from './embedder.ts';
import { fuse } from './fusion.ts';
import { IndexLeveller } from './index-leveller.ts';
import { MessageVectors } from './message-vectors.ts';
import { hasTerm, snippetOf } from './snippet.ts';

export interface MessageQuery {
  readonly text: string;
  readonly mode: Mode;
  readonly limit: number;
}

export interface ConversationSearchParts {
  readonly store: Pick<Store, 'index' | 'readMessages'>;
  /** The embedder of the space that searches go to; undefined when there is none. */
  readonly embedder: () => Promise<Result<Embedder | undefined, Unavailable>>;
  readonly report: (event: string, about: Readonly<Record<string, unknown>>) => void;
  readonly patience?: Partial<Patience>;
  /** Around what vectors are asked of the store; nothing when absent. */
  readonly guard?: Guard;
}

/** Milliseconds that a search waits. */
interface Patience {
  /** For the index to be level. */
  readonly levelMs: number;
  /** For the vectors of messages, from an embedder of our own and from one on an endpoint. */
  readonly localVectorsMs: number;
  readonly remoteVectorsMs: number;
  /** For the vector of the query. */
  readonly queryMs: number;
}

const PATIENCE: Patience = {
  levelMs: 3_000,
  localVectorsMs: 150,
  remoteVectorsMs: 1_000,
  queryMs: 3_000,
};

export type SearchFailure =
  | Unavailable
  | { readonly reason: 'overloaded'; readonly retryAfterMs: number };

/** Told to a search that came to a large conversation whose index is being made. */
const RETRY_AFTER_MS = 2_000;
/** Candidates that each ranking gives, or twice as many as are asked for. */
const CANDIDATES = 50;
/** Terms of a query at most. */
const MAX_TERMS = 64;
/** Messages that are read at once. */
const READ_AT_ONCE = 8;

/** A message that may be shown. */
interface Candidate {
  readonly seq: number;
  readonly score: number;
  /** It is near; otherwise it was found by words alone. */
  readonly isNear: boolean;
}

interface Asked extends MessageQuery {
  readonly id: ConversationId;
  readonly terms: ReadonlySet<string>;
}

/** What vectors found; undefined when they could not be used. */
interface Near {
  readonly found: readonly FoundMessage[] | undefined;
  readonly isWhole: boolean;
  /** How much their places count (see `Embedder`). */
  readonly weight: number;
}

export class ConversationSearch {
  readonly #parts: ConversationSearchParts;
  readonly #patience: Patience;
  readonly #leveller: IndexLeveller;
  readonly #vectors: MessageVectors;

  constructor(parts: ConversationSearchParts) {
    const { index } = parts.store;
    this.#parts = parts;
    this.#patience = { ...PATIENCE, ...parts.patience };
    this.#leveller = new IndexLeveller(index);
    this.#vectors = new MessageVectors(index, parts.report);
  }

  /** The best messages, at most `limit`. A conversation that is not there has none. */
  async search(
    id: ConversationId,
    query: MessageQuery,
  ): Promise<Result<SearchAnswer<MessageHit>, SearchFailure>> {
    const terms = new Set([...new Set(termsOf(query.text))].slice(0, MAX_TERMS));
    const asked: Asked = { ...query, id, terms };
    const levelled = await this.#level(id);
    if (!levelled.ok) return levelled;
    const near = query.mode === 'keyword' ? ok(undefined) : await this.#near(asked);
    if (!near.ok) return near;
    const isDegraded = near.value !== undefined && !near.value.isWhole;
    // Words fill in for vectors that are not there, also where vectors alone were asked for.
    const words = query.mode === 'vector' && !isDegraded ? ok([]) : await this.#byTerms(asked);
    if (!words.ok) return words;
    const items = await this.#shown(asked, joined(words.value, near.value));
    return items.ok ? ok({ items: items.value, isDegraded }) : items;
  }

  /** Stops what goes on in the background. */
  async close(): Promise<void> {
    this.#leveller.close();
    await this.#vectors.close();
  }

  async #level(id: ConversationId): Promise<Result<void, SearchFailure>> {
    const overloaded = err({ reason: 'overloaded', retryAfterMs: RETRY_AFTER_MS } as const);
    const levelled = await within(this.#patience.levelMs, this.#leveller.level(id));
    if (levelled === undefined) return overloaded;
    if (levelled.ok) return levelled;
    return levelled.failure.reason === 'overloaded' ? overloaded : err(levelled.failure);
  }

  #byTerms({ id, terms, limit }: Asked): Promise<Result<readonly FoundMessage[], Unavailable>> {
    if (terms.size === 0) return Promise.resolve(ok([]));
    return this.#parts.store.index.byTerms(id, { terms: [...terms], limit: candidates(limit) });
  }

  async #near({ id, text, limit }: Asked): Promise<Result<Near, Unavailable>> {
    const none: Near = { found: undefined, isWhole: false, weight: 1 };
    const { index } = this.#parts.store;
    const serving = await this.#parts.embedder();
    if (!serving.ok) return serving;
    const embedder = serving.value;
    if (embedder === undefined) return ok(none);
    const { space } = embedder;
    const [embedded, isWhole] = await Promise.all([
      embedder.embed([text], AbortSignal.timeout(this.#patience.queryMs)),
      this.#cover(id, embedder),
    ]);
    const vector = embedded.ok ? embedded.value[0] : undefined;
    if (!embedded.ok) this.#parts.report('query_not_embedded', { cause: embedded.failure.cause });
    if (vector === undefined) return ok(none);
    if (!isWhole.ok) return isWhole;
    const { guard = unguarded, report } = this.#parts;
    const found = await guard(() =>
      index.byVector(id, { space, vector, limit: candidates(limit) }),
    );
    if (!found.ok) {
      report('vectors_not_searched', { cause: found.failure.cause });
      return ok(none);
    }
    // Nothing is near, or the space was dropped a moment ago because another one came into use.
    const now = found.value.length === 0 ? await this.#parts.embedder() : serving;
    if (!now.ok) return now;
    if (now.value?.space.name !== space.name) return ok(none);
    return ok({
      found: found.value.filter(({ score }) => score >= embedder.leastCosine),
      isWhole: isWhole.value,
      weight: embedder.weight,
    });
  }

  /** Whether every message has its vector, after as long a wait as a search has patience for. */
  async #cover(id: ConversationId, embedder: Embedder): Promise<Result<boolean, Unavailable>> {
    const { localVectorsMs, remoteVectorsMs } = this.#patience;
    const isWhole = async (): Promise<Result<boolean, Unavailable>> => {
      const missing = await this.#parts.store.index.withoutVector(id, embedder.space, 1);
      return missing.ok ? ok(missing.value.length === 0) : missing;
    };
    const before = await isWhole();
    if (!before.ok || before.value) return before;
    const patienceMs = embedder.isLocal ? localVectorsMs : remoteVectorsMs;
    await this.#vectors.cover(id, { embedder, patienceMs });
    return isWhole();
  }

  /** The candidates that hold, best first (C2). */
  async #shown(
    { id, terms, limit }: Asked,
    ranked: readonly Candidate[],
  ): Promise<Result<readonly MessageHit[], Unavailable>> {
    const hits: MessageHit[] = [];
    for (let at = 0; at < ranked.length && hits.length < limit; at += READ_AT_ONCE) {
      const some = ranked.slice(at, at + READ_AT_ONCE);
      const read = await Promise.all(some.map(({ seq }) => this.#read(id, seq)));
      for (const [index, { score, isNear }] of some.entries()) {
        const message = read[index];
        if (message === undefined) continue;
        if (!message.ok) return message;
        const content = message.value?.body.content;
        if (message.value === undefined || content === undefined) continue;
        if (!isNear && !hasTerm(content, terms)) continue;
        hits.push({ message: message.value, snippet: snippetOf(content, terms), score });
      }
    }
    return ok(hits.slice(0, limit));
  }

  async #read(id: ConversationId, seq: number): Promise<Result<Message | undefined, Unavailable>> {
    const page = { afterSeq: seq - 1, beforeSeq: seq + 1, limit: 1 };
    const read = await this.#parts.store.readMessages(id, page);
    return read.ok ? ok(read.value[0]) : read;
  }
}

/** One ranking keeps its own scores; of two, places count. */
function joined(words: readonly FoundMessage[], vectors: Near | undefined): readonly Candidate[] {
  const { found: near = [], weight = 1 } = vectors ?? {};
  const nearSeqs = new Set(near.map(({ seq }) => seq));
  const all = { keyOf: ({ seq }: FoundMessage) => seq, limit: words.length + near.length };
  const ranked =
    words.length === 0 || near.length === 0
      ? [...words, ...near]
      : fuse([{ items: words }, { items: near, weight }], all).map(({ item: { seq }, score }) => ({
          seq,
          score,
        }));
  return ranked.map(({ seq, score }) => ({ seq, score, isNear: nearSeqs.has(seq) }));
}

function candidates(limit: number): number {
  return Math.max(CANDIDATES, 2 * limit);
}

/** Undefined when it takes longer. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
