import { err } from '../../src/domain/result.ts';
import { MemoryStore } from '../../storage/memory/memory-store.ts';
import type { Append, Store } from '../../storage/store.ts';
import { unavailable } from '../../storage/unavailable.ts';

/** The methods that can be held up and made to fail. */
export type Operation =
  | 'create'
  | 'load'
  | 'append'
  | 'readEvents'
  | 'readMessages'
  | 'findKey'
  | 'heads'
  | 'remove'
  | 'readTurn'
  | 'readTurns'
  | 'readOpenTurns'
  | 'listConversationsWithOpenTurns';

/**
 * What becomes of one call. `none`: refused, nothing done. `lost` and `stored`: the answer is that nobody knows,
 * and the truth is no and yes; `late`: it is still on its way, until `land`. `throws`: a broken store.
 */
export type Fate = 'ok' | 'none' | 'lost' | 'stored' | 'late' | 'throws';

interface Held {
  readonly operation: Operation;
  readonly go: (fate: Fate | undefined) => void;
}

/** Any store, held up and broken as a test likes. It answers at once and truly until told otherwise. */
export class ControlledStore implements Store {
  readonly inner: Store;
  readonly label = 'controlled:';
  /** Whether it says that others write to it, too. */
  isShared: boolean;
  /** Calls that wait to be let through, oldest first. */
  readonly held: Held[] = [];
  readonly appends: Append[] = [];
  readonly calls = new Map<Operation, number>();
  readonly #holding = new Set<Operation>();
  readonly #holdingAnswers = new Set<Operation>();
  readonly #late: Array<() => Promise<unknown>> = [];
  readonly #fates = new Map<Operation, Fate[]>();
  #isDown = false;

  constructor(inner: Store = new MemoryStore()) {
    this.inner = inner;
    this.isShared = inner.isShared;
  }

  get documents(): Store['documents'] {
    return this.inner.documents;
  }

  get index(): Store['index'] {
    return this.inner.index;
  }

  get spaces(): Store['spaces'] {
    return this.inner.spaces;
  }

  get audit(): Store['audit'] {
    return this.inner.audit;
  }

  get ledger(): Store['ledger'] {
    return this.inner.ledger;
  }

  /** Holds calls of these operations from now on. */
  hold(...operations: Operation[]): void {
    for (const operation of operations) this.#holding.add(operation);
  }

  /** From now on does what is asked at once, and holds the answers: what they say gets old. */
  holdAnswers(...operations: Operation[]): void {
    for (const operation of operations) this.#holdingAnswers.add(operation);
  }

  /** Holds nothing any more, and lets go what waits. */
  letGo(): void {
    this.#holding.clear();
    this.#holdingAnswers.clear();
    while (this.held.length > 0) this.release();
  }

  /** Lets one held call through: the oldest, or the one at `index`. */
  release(fate?: Fate, index = 0): Operation | undefined {
    const [held] = this.held.splice(index, 1);
    held?.go(fate);
    return held?.operation;
  }

  /** What becomes of the next calls of an operation, one after the other. */
  doom(operation: Operation, ...fates: Fate[]): void {
    this.#fates.set(operation, [...(this.#fates.get(operation) ?? []), ...fates]);
  }

  /** What was on its way arrives at the store, in order. */
  async land(): Promise<void> {
    for (const run of this.#late.splice(0)) await run();
  }

  /** Takes back what was to become of calls that nobody made. */
  forgive(): void {
    this.#fates.clear();
  }

  /** Every call is refused until `up`. */
  down(): void {
    this.#isDown = true;
  }

  up(): void {
    this.#isDown = false;
  }

  countOf(operation: Operation): number {
    return this.calls.get(operation) ?? 0;
  }

  readonly create: Store['create'] = (...given) =>
    this.#call('create', () => this.inner.create(...given));
  readonly load: Store['load'] = (...given) => this.#call('load', () => this.inner.load(...given));
  readonly append: Store['append'] = (batch) => {
    this.appends.push(batch);
    return this.#call('append', () => this.inner.append(batch));
  };
  readonly readEvents: Store['readEvents'] = (...given) =>
    this.#call('readEvents', () => this.inner.readEvents(...given));
  readonly readMessages: Store['readMessages'] = (...given) =>
    this.#call('readMessages', () => this.inner.readMessages(...given));
  readonly findKey: Store['findKey'] = (...given) =>
    this.#call('findKey', () => this.inner.findKey(...given));
  readonly heads: Store['heads'] = (...given) =>
    this.#call('heads', () => this.inner.heads(...given));
  readonly remove: Store['remove'] = (...given) =>
    this.#call('remove', () => this.inner.remove(...given));
  readonly readTurn: Store['readTurn'] = (...given) =>
    this.#call('readTurn', () => this.inner.readTurn(...given));
  readonly readTurns: Store['readTurns'] = (...given) =>
    this.#call('readTurns', () => this.inner.readTurns(...given));
  readonly readOpenTurns: Store['readOpenTurns'] = (...given) =>
    this.#call('readOpenTurns', () => this.inner.readOpenTurns(...given));
  readonly listConversationsWithOpenTurns: Store['listConversationsWithOpenTurns'] = () =>
    this.#call('listConversationsWithOpenTurns', () => this.inner.listConversationsWithOpenTurns());
  readonly listConversations: Store['listConversations'] = (...given) =>
    this.inner.listConversations(...given);
  readonly listAll: Store['listAll'] = (...given) => this.inner.listAll(...given);
  readonly readSummary: Store['readSummary'] = (...given) => this.inner.readSummary(...given);
  readonly secret: Store['secret'] = (...given) => this.inner.secret(...given);
  readonly probe: Store['probe'] = () => this.inner.probe();
  readonly close: Store['close'] = () => this.inner.close();

  async #call<T>(operation: Operation, run: () => Promise<T>): Promise<T> {
    this.calls.set(operation, this.countOf(operation) + 1);
    const answer = await this.#done(operation, run);
    if (this.#holdingAnswers.has(operation)) {
      await new Promise((go) => {
        this.held.push({ operation, go });
      });
    }
    return answer;
  }

  async #done<T>(operation: Operation, run: () => Promise<T>): Promise<T> {
    let fate: Fate | undefined;
    if (this.#holding.has(operation)) {
      fate = await new Promise<Fate | undefined>((go) => {
        this.held.push({ operation, go });
      });
    }
    fate ??= this.#isDown ? 'none' : (this.#fates.get(operation)?.shift() ?? 'ok');
    if (fate === 'throws') throw new Error('the store is broken');
    if (fate === 'ok') return run();
    if (fate === 'stored') await run();
    if (fate === 'late') this.#late.push(run);
    const outcome = fate === 'none' ? 'none' : 'unknown';
    return err(unavailable(new Error(`the store is away: ${fate}`), outcome)) as T;
  }
}
