import type { Store } from '../../storage/store.ts';
import { until } from '../support/until.ts';

type Call<T> = (store: Store) => Promise<T>;

/** What happens around the calls of a store. */
interface Around {
  readonly label: string;
  readonly read: <T>(call: Call<T>) => Promise<T>;
  readonly write: <T>(call: Call<T>) => Promise<T>;
  readonly close: () => Promise<void>;
}

/** A store whose calls go through `around`. */
function aroundStore(around: Around): Store {
  const { label, read, write, close } = around;
  return {
    label,
    isShared: false,
    documents: documentsAround(around),
    index: indexAround(around),
    spaces: spacesAround(around),
    ...notesAround(around),
    create: (state, events) => write((store) => store.create(state, events)),
    append: (batch) => write((store) => store.append(batch)),
    remove: (id) => write((store) => store.remove(id)),
    secret: (name, make) => write((store) => store.secret(name, make)),
    load: (id) => read((store) => store.load(id)),
    readEvents: (id, page) => read((store) => store.readEvents(id, page)),
    readMessages: (id, page) => read((store) => store.readMessages(id, page)),
    findKey: (id, sender, key) => read((store) => store.findKey(id, sender, key)),
    listConversations: (participant, page) =>
      read((store) => store.listConversations(participant, page)),
    listAll: (page) => read((store) => store.listAll(page)),
    heads: (ids) => read((store) => store.heads(ids)),
    readTurns: (id, page) => read((store) => store.readTurns(id, page)),
    readTurn: (id, turn) => read((store) => store.readTurn(id, turn)),
    readOpenTurns: (id) => read((store) => store.readOpenTurns(id)),
    listConversationsWithOpenTurns: () => read((store) => store.listConversationsWithOpenTurns()),
    readSummary: (id) => read((store) => store.readSummary(id)),
    probe: () => read((store) => store.probe()),
    close,
  };
}

function notesAround({ read, write }: Around): Pick<Store, 'audit' | 'ledger'> {
  return {
    audit: {
      add: (entries) => write(({ audit }) => audit.add(entries)),
      page: (query) => read(({ audit }) => audit.page(query)),
      trim: (before, limit) => write(({ audit }) => audit.trim(before, limit)),
    },
    ledger: {
      add: (day, accounts, spent) => write(({ ledger }) => ledger.add(day, accounts, spent)),
      spent: (day, accounts) => read(({ ledger }) => ledger.spent(day, accounts)),
      trim: (beforeDay) => write(({ ledger }) => ledger.trim(beforeDay)),
    },
  };
}

function documentsAround({ read, write }: Around): Store['documents'] {
  return {
    add: (document, chunks) => write(({ documents }) => documents.add(document, chunks)),
    remove: (id) => write(({ documents }) => documents.remove(id)),
    putVectors: (space, id, vectors) =>
      write(({ documents }) => documents.putVectors(space, id, vectors)),
    read: (id, seenBy) => read(({ documents }) => documents.read(id, seenBy)),
    list: (page) => read(({ documents }) => documents.list(page)),
    countOwned: (owner) => read(({ documents }) => documents.countOwned(owner)),
    readChunks: (id, page) => read(({ documents }) => documents.readChunks(id, page)),
    byTerms: (query) => read(({ documents }) => documents.byTerms(query)),
    byVector: (query) => read(({ documents }) => documents.byVector(query)),
    withoutVectors: (space, page) => read(({ documents }) => documents.withoutVectors(space, page)),
  };
}

function indexAround({ read, write }: Around): Store['index'] {
  return {
    level: (id, limit) => write(({ index }) => index.level(id, limit)),
    putVectors: (id, space, vectors) => write(({ index }) => index.putVectors(id, space, vectors)),
    byTerms: (id, query) => read(({ index }) => index.byTerms(id, query)),
    byVector: (id, query) => read(({ index }) => index.byVector(id, query)),
    withoutVector: (id, space, limit) => read(({ index }) => index.withoutVector(id, space, limit)),
  };
}

function spacesAround({ read, write }: Around): Store['spaces'] {
  return {
    add: (space) => write(({ spaces }) => spaces.add(space)),
    use: (space) => write(({ spaces }) => spaces.use(space)),
    list: () => read(({ spaces }) => spaces.list()),
  };
}

/** A store that is closed and opened again after every write. Calls that come meanwhile wait. */
export function restartedStore(open: () => Store): Store {
  let store = open();
  let isClosed = false;
  let busy: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(call: () => Promise<T>): Promise<T> => {
    const next = busy.then(call);
    busy = next.catch(() => {});
    return next;
  };
  return aroundStore({
    label: store.label,
    read: (call) => inTurn(() => call(store)),
    write: (call) =>
      inTurn(async () => {
        const answer = await call(store);
        if (isClosed) return answer;
        await store.close();
        store = open();
        return answer;
      }),
    close: () => {
      isClosed = true;
      return inTurn(() => store.close());
    },
  });
}

/** A store whose writes are answered when `isSettled` holds, too, or the store is closed. */
export function settledStore(store: Store, isSettled: () => boolean): Store {
  let isClosed = false;
  return aroundStore({
    label: store.label,
    read: (call) => call(store),
    write: async (call) => {
      const answer = await call(store);
      await until(() => isClosed || isSettled());
      return answer;
    },
    close: () => {
      isClosed = true;
      return store.close();
    },
  });
}
