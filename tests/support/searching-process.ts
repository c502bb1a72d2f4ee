import { conversationId, documentId } from '../../src/domain/ids.ts';
import { SqliteStore } from '../../storage/sqlite/sqlite-store.ts';
import { chunksOf, document } from '../contract/document-fixtures.ts';
import { append, deletion, edit, granted, headOf, message, state } from '../contract/fixtures.ts';

/**
 * A process that, until it is killed, appends messages, edits and deletions, brings the index level, adds documents
 * and removes them, all at once, and prints what was acknowledged: `document ID` or `gone ID`. Ends itself when the
 * store has something to report. Arguments: the file, and the round, which is in the ids.
 */
const [, , path = '', round = ''] = process.argv;
const id = conversationId('c_one');

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

/** Of every eight events one edits and one deletes a message eight or more below. */
async function appendForEver(): Promise<never> {
  if ((await headOf(store, id)) === undefined) granted(await store.create(state(), []));
  let head = (await headOf(store, id)) ?? 0;
  for (;;) {
    const seq = head + 1;
    if (seq > 16 && seq % 8 === 0) {
      const targetSeq = seq - 9;
      const effects = [{ kind: 'edited', targetSeq, seq } as const];
      granted(await append(store, { events: [edit(seq, targetSeq, `edit${targetSeq}`)], effects }));
    } else if (seq > 16 && seq % 8 === 4) {
      const targetSeq = seq - 10;
      const effects = [{ kind: 'erased', targetSeq } as const];
      granted(await append(store, { events: [deletion(seq, targetSeq)], effects }));
    } else {
      granted(await append(store, { events: [message(seq, { content: `word${seq}` })] }));
    }
    head = seq;
    await new Promise(setImmediate);
  }
}

async function levelForEver(): Promise<never> {
  for (;;) {
    granted(await store.index.level(id, 20));
    await new Promise(setImmediate);
  }
}

async function addForEver(): Promise<never> {
  for (let at = 0; ; at += 1) {
    const name = `${round}.${at}`;
    const chunks = chunksOf(Array.from({ length: 1 + (at % 70) }, (_, index) => `part${index}`));
    granted(await store.documents.add(document(name, { chunkCount: chunks.length }), chunks));
    process.stdout.write(`document d_${name}\n`);
    if (at % 3 !== 0) continue;
    process.stdout.write(`gone d_${name}\n`);
    granted(await store.documents.remove(documentId(`d_${name}`)));
  }
}

process.stdout.write('open\n');
await Promise.all([appendForEver(), levelForEver(), addForEver()]);
