import { err } from '../../src/domain/result.ts';
import type { AppendFailure, Store } from '../../storage/store.ts';

/** A store that notes the names of its calls, and may give an append another answer than it has. */
export class ObservedStore implements Store {
  readonly calls: string[] = [];
  /** What an append answers after it was carried out. */
  afterAppend: (() => AppendFailure) | undefined;
  /** Whether it says that others write to it, too. */
  isShared: boolean;
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
    this.isShared = store.isShared;
  }

  get label(): string {
    return this.#store.label;
  }

  get documents(): Store['documents'] {
    return this.#store.documents;
  }

  get index(): Store['index'] {
    return this.#store.index;
  }

  get spaces(): Store['spaces'] {
    return this.#store.spaces;
  }

  get audit(): Store['audit'] {
    return this.#store.audit;
  }

  get ledger(): Store['ledger'] {
    return this.#store.ledger;
  }

  create: Store['create'] = (state, events) => this.#of('create').create(state, events);
  load: Store['load'] = (id) => this.#of('load').load(id);
  append: Store['append'] = async (batch) => {
    const answer = await this.#of('append').append(batch);
    return this.afterAppend === undefined ? answer : err(this.afterAppend());
  };
  readEvents: Store['readEvents'] = (id, page) => this.#of('readEvents').readEvents(id, page);
  readMessages: Store['readMessages'] = (id, page) =>
    this.#of('readMessages').readMessages(id, page);
  findKey: Store['findKey'] = (id, sender, key) => this.#of('findKey').findKey(id, sender, key);
  listConversations: Store['listConversations'] = (participant, page) =>
    this.#of('listConversations').listConversations(participant, page);
  listAll: Store['listAll'] = (page) => this.#of('listAll').listAll(page);
  heads: Store['heads'] = (ids) => this.#of('heads').heads(ids);
  remove: Store['remove'] = (id) => this.#of('remove').remove(id);
  readTurn: Store['readTurn'] = (id, turn) => this.#of('readTurn').readTurn(id, turn);
  readTurns: Store['readTurns'] = (id, page) => this.#of('readTurns').readTurns(id, page);
  readOpenTurns: Store['readOpenTurns'] = (id) => this.#of('readOpenTurns').readOpenTurns(id);
  listConversationsWithOpenTurns: Store['listConversationsWithOpenTurns'] = () =>
    this.#of('listConversationsWithOpenTurns').listConversationsWithOpenTurns();
  readSummary: Store['readSummary'] = (id) => this.#of('readSummary').readSummary(id);
  secret: Store['secret'] = (name, make) => this.#of('secret').secret(name, make);
  probe: Store['probe'] = () => this.#of('probe').probe();
  close: Store['close'] = () => this.#of('close').close();

  #of(call: string): Store {
    this.calls.push(call);
    return this.#store;
  }
}
