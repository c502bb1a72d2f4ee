// How long a search takes over 100,000 messages and 10,000 chunks, and how long the event loop waits meanwhile.

import { createHash } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { documentId, participantId } from '../../src/domain/ids.ts';
import type { Mode } from '../../src/search/answers.ts';
import { hashingEmbedder } from '../../src/search/hashing-embedder.ts';
import type { Store } from '../../storage/store.ts';
import { makeRooms, portOf, type Room } from './append/load.ts';
import { flagsOf } from './harness/flags.ts';
import { median, table } from './harness/stats.ts';
import { openPlace, runtimeOn, SEARCHED_PLACES } from './harness/stores.ts';
import { seeded, vocabulary, zipfTexts } from './harness/texts.ts';

const HELP = `search: milliseconds of a search, by mode, in one conversation and in documents.

  --against ${SEARCHED_PLACES.join(',')}
  --messages 100000   in one conversation, of 12 words
  --chunks 10000      in documents of 500, of 120 words
  --queries 100       of one to four words, for each mode
`;

const options = flagsOf(HELP, {
  against: { type: 'string', default: SEARCHED_PLACES.join(',') },
  messages: { type: 'string', default: '100000' },
  chunks: { type: 'string', default: '10000' },
  queries: { type: 'string', default: '100' },
});

const MODES: readonly Mode[] = ['keyword', 'vector', 'hybrid'];
const APPEND = 500;
const CHUNKS_A_DOCUMENT = 500;
const PER_DOCUMENT_WORDS = 120;
const MESSAGE_WORDS = 12;
const LIMIT = 20;
const POLL_MS = 250;
const ada = participantId('p_ada');
const textOf = zipfTexts(vocabulary(), seeded(1));

type Graph = Awaited<ReturnType<typeof runtimeOn>>;
type Search = (text: string, mode: Mode) => Promise<{ readonly isDegraded: boolean } | undefined>;

async function main(): Promise<void> {
  const rows: string[][] = [];
  const [messages, chunks] = [Number(options.messages), Number(options.chunks)];
  for (const name of options.against.split(',')) {
    const place = await openPlace(name);
    const graph = await runtimeOn(place.url, place.settings);
    try {
      const [room] = makeRooms(1);
      if (room === undefined) throw new Error('no conversation');
      await fillMessages(graph.edge.store, room, messages);
      const ofMessages = messageSearch(graph, room.id);
      const made = await indexed(graph, room.id, ofMessages);
      rows.push(...(await measured([place.name, `${messages} messages`, ...made], ofMessages)));
      const started = performance.now();
      await fillDocuments(graph, chunks);
      const whole = seconds(performance.now() - started);
      const ofChunks = documentSearch(graph);
      rows.push(...(await measured([place.name, `${chunks} chunks`, '', whole], ofChunks)));
    } finally {
      await graph.drain();
      await graph.close();
      await place.clear();
    }
  }
  const head = ['', 'of', 'first answer s', 'whole s', 'mode', 'p50 ms', 'p99 ms', 'CPU ms'];
  process.stdout.write(`\n${table([...head, 'event loop p99 ms', 'longest'], rows)}\n`);
}

/** The first search makes the index of words, and has the vectors made: seconds until it answers, and until all are there. */
async function indexed({ edge }: Graph, id: Room['id'], search: Search): Promise<string[]> {
  const started = performance.now();
  while ((await search('the first', 'hybrid')) === undefined) await sleep(POLL_MS);
  const answered = seconds(performance.now() - started);
  const { space } = hashingEmbedder();
  for (;;) {
    const missing = await edge.store.index.withoutVector(id, space, 1);
    if (!missing.ok) throw new Error('no answer', { cause: missing.failure.cause });
    if (missing.value.length === 0) return [answered, seconds(performance.now() - started)];
    await sleep(POLL_MS);
  }
}

/** Each mode by itself, with the CPU time of this process for each query, all threads: that of a Postgres is not in it; an answer that is not whole is none. */
async function measured(of: readonly string[], search: Search): Promise<string[][]> {
  const rows: string[][] = [];
  for (const mode of MODES) {
    const loop = monitorEventLoopDelay({ resolution: 1 });
    const times: number[] = [];
    loop.enable();
    const cpu = process.cpuUsage();
    for (let at = 0; at < Number(options.queries); at += 1) {
      const before = performance.now();
      const answer = await search(textOf(1 + (at % 4)), mode);
      if (answer?.isDegraded !== false) throw new Error('refused, or degraded');
      times.push(performance.now() - before);
      await nextTurn();
    }
    loop.disable();
    const { user, system } = process.cpuUsage(cpu);
    const cpuMs = (user + system) / 1_000 / times.length;
    times.sort((a, b) => a - b);
    const p99 = times[Math.floor(times.length * 0.99)] ?? Number.NaN;
    const delays = [loop.percentile(99), loop.max].map((ns) => (ns / 1e6).toFixed(1));
    rows.push([...of, mode, median(times).toFixed(1), p99.toFixed(1), cpuMs.toFixed(1), ...delays]);
  }
  return rows;
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1);
}

function messageSearch({ edge }: Graph, id: Room['id']): Search {
  return async (text, mode) => {
    const answer = await edge.search.search(id, { text, mode, limit: LIMIT });
    return answer.ok ? answer.value : undefined;
  };
}

function documentSearch({ edge }: Graph): Search {
  return async (text, mode) => {
    const answer = await edge.library.search({ seenBy: ada, text, mode, limit: LIMIT });
    return answer.ok ? answer.value : undefined;
  };
}

async function fillMessages(store: Store, room: Room, count: number): Promise<void> {
  const target = await portOf(store, [room]);
  while (room.head < count) {
    const expectedHead = room.head;
    const events = Array.from({ length: Math.min(APPEND, count - room.head) }, () => {
      room.head += 1;
      return {
        seq: room.head,
        kind: 'message' as const,
        author: room.author,
        createdAt: 1_770_000_000_000 + room.head,
        key: null,
        body: JSON.stringify({ content: textOf(MESSAGE_WORDS) }),
      };
    });
    await target.write([{ room, expectedHead, events }]);
  }
}

async function fillDocuments({ edge }: Graph, count: number): Promise<void> {
  const { documents, spaces } = edge.store;
  const embedder = hashingEmbedder();
  await spaces.add(embedder.space);
  for (let made = 0; made < count; made += CHUNKS_A_DOCUMENT) {
    const texts = Array.from({ length: Math.min(CHUNKS_A_DOCUMENT, count - made) }, () =>
      textOf(PER_DOCUMENT_WORDS),
    );
    let start = 0;
    const chunks = texts.map((text, index) => {
      const chunk = { index, start, end: start + text.length, text };
      start = chunk.end;
      return chunk;
    });
    const id = documentId(`d_bench_${made}`);
    const about = { title: `Document ${made}`, mediaType: 'text/plain', metadata: {} };
    const digest = createHash('sha256').update(id).digest('hex');
    const times = { createdAt: 0, createdKey: null, digest };
    const size = { chars: start, chunkCount: chunks.length };
    const added = await documents.add(
      { id, owner: ada, conversations: [], ...about, ...size, ...times },
      chunks,
    );
    if (!added.ok) throw new Error(added.failure.reason);
    const vectors: Float32Array[] = [];
    for (let at = 0; at < texts.length; at += embedder.maxBatch) {
      const some = await embedder.embed(texts.slice(at, at + embedder.maxBatch));
      if (!some.ok) throw new Error(some.failure.reason);
      vectors.push(...some.value);
    }
    const put = await documents.putVectors(embedder.space, id, vectors);
    if (!put.ok) throw new Error(put.failure.reason);
  }
}

// In a server it is the listening socket that keeps the process while only background work is under way.
const listening = setInterval(() => {}, 60_000);
await main();
clearInterval(listening);
