import type { ConversationId } from '../../src/domain/ids.ts';
import type { Store } from '../../storage/store.ts';

/**
 * A store that is closed and opened again after every write. Calls that come while it is, wait; a closed one
 * stays closed. For the tests of stores only.
 */
export class RestartedStore implements Store {
  readonly #open: () => Store;
  #store: Store;
  #busy: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(open: () => Store) {
    this.#open = open;
    this.#store = open();
  }

  create: Store['create'] = (state, events) => this.#write((store) => store.create(state, events));
  append: Store['append'] = (batch) => this.#write((store) => store.append(batch));
  remove: Store['remove'] = (id: ConversationId) => this.#write((store) => store.remove(id));
  secret: Store['secret'] = (name, make) => this.#write((store) => store.secret(name, make));
  load: Store['load'] = (id) => this.#read((store) => store.load(id));
  readEvents: Store['readEvents'] = (id, page) => this.#read((store) => store.readEvents(id, page));
  readMessages: Store['readMessages'] = (id, page) =>
    this.#read((store) => store.readMessages(id, page));
  findKey: Store['findKey'] = (id, sender, key) =>
    this.#read((store) => store.findKey(id, sender, key));
  listConversations: Store['listConversations'] = (participant, page) =>
    this.#read((store) => store.listConversations(participant, page));
  readTurn: Store['readTurn'] = (id, turn) => this.#read((store) => store.readTurn(id, turn));
  readOpenTurns: Store['readOpenTurns'] = (id) => this.#read((store) => store.readOpenTurns(id));
  listConversationsWithOpenTurns: Store['listConversationsWithOpenTurns'] = () =>
    this.#read((store) => store.listConversationsWithOpenTurns());
  probe: Store['probe'] = () => this.#read((store) => store.probe());

  close(): Promise<void> {
    this.#isClosed = true;
    return this.#next(() => this.#store.close());
  }

  #write<T>(call: (store: Store) => Promise<T>): Promise<T> {
    return this.#next(async () => {
      const answer = await call(this.#store);
      if (!this.#isClosed) {
        await this.#store.close();
        this.#store = this.#open();
      }
      return answer;
    });
  }

  #read<T>(call: (store: Store) => Promise<T>): Promise<T> {
    return this.#next(() => call(this.#store));
  }

  #next<T>(call: () => Promise<T>): Promise<T> {
    const next = this.#busy.then(call);
    this.#busy = next.catch(() => {});
    return next;
  }
}
