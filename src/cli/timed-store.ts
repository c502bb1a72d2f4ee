import type { Append, Store } from '../../storage/store.ts';

/** The same store; tells how long each append took until it was answered. */
export function timedStore(store: Store, onAppend: (seconds: number) => void): Store {
  const append = async (batch: Append) => {
    const startedAt = performance.now();
    const outcome = await store.append(batch);
    if (outcome.ok) onAppend((performance.now() - startedAt) / 1000);
    return outcome;
  };
  return {
    append,
    create: (state, events) => store.create(state, events),
    load: (id) => store.load(id),
    readEvents: (id, page) => store.readEvents(id, page),
    readMessages: (id, page) => store.readMessages(id, page),
    findKey: (id, sender, key) => store.findKey(id, sender, key),
    listConversations: (participant, page) => store.listConversations(participant, page),
    remove: (id) => store.remove(id),
    readTurn: (id, turn) => store.readTurn(id, turn),
    readOpenTurns: (id) => store.readOpenTurns(id),
    listConversationsWithOpenTurns: () => store.listConversationsWithOpenTurns(),
    secret: (name, make) => store.secret(name, make),
    probe: () => store.probe(),
    close: () => store.close(),
  };
}
