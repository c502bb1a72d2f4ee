import { conversationId } from '../../src/domain/ids.ts';
import { SqliteStore } from '../../storage/sqlite/sqlite-store.ts';
import { append, granted, headOf, message, state } from '../contract/fixtures.ts';

/**
 * A process that appends to ten conversations until it is killed, with an indexer that is always busy, and prints
 * each acknowledged batch: `conversation firstSeq lastSeq`. Ends itself when the store has something to report. Arguments: the file, and the round, which is in the
 * keys and contents.
 */
const [, , path = '', round = ''] = process.argv;
const CONVERSATIONS = 10;

const store = SqliteStore.open(path, {
  segmentRows: 60,
  chunkPlaces: 1,
  idleMs: 1,
  walPages: 40,
  onError: (error) => {
    process.stderr.write(`${String(error)}\n`);
    process.exit(3);
  },
});

async function appendForEver(index: number): Promise<never> {
  const id = conversationId(`c_${index}`);
  if ((await headOf(store, id)) === undefined) granted(await store.create(state({ id: id }), []));
  let head = (await headOf(store, id)) ?? 0;
  for (let batch = 0; ; batch += 1) {
    const events = Array.from({ length: 1 + (batch % 5) }, (_, at) => {
      const key = `${round}.${batch}.${at}`;
      return message(head + 1 + at, { key, content: `${index} ${head + 1 + at} ${key}` });
    });
    granted(await append(store, { id, events }));
    process.stdout.write(`${index} ${head + 1} ${head + events.length}\n`);
    head += events.length;
    await new Promise(setImmediate);
  }
}

process.stdout.write('open\n');
await Promise.all(Array.from({ length: CONVERSATIONS }, (_, index) => appendForEver(index)));
