import { afterEach, beforeEach, expect, test } from 'vitest';
import { searchConversationTool } from '../../../src/agent/tools/search-conversation.ts';
import { searchDocumentsTool } from '../../../src/agent/tools/search-documents.ts';
import type { Tool } from '../../../src/agent/tools/tool.ts';
import { type DocumentId, type ParticipantId, participantId } from '../../../src/domain/ids.ts';
import { ok } from '../../../src/domain/result.ts';
import { Library } from '../../../src/library/library.ts';
import { Meters } from '../../../src/observability/meters.ts';
import { ConversationSearch } from '../../../src/search/conversation-search.ts';
import { toolPorts } from '../../../src/tool-ports.ts';
import { MemoryStore } from '../../../storage/memory/memory-store.ts';
import { chunksOf } from '../../contract/document-fixtures.ts';
import { appended, granted, made, message, ONE } from '../../contract/fixtures.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';
import { runTool } from './run-tool.ts';

const [ANA, BEN] = [participantId('ana'), participantId('ben')];

let store: MemoryStore;
let library: Library;
let search: ConversationSearch;
let documents: Tool;
let conversation: Tool;

beforeEach(() => {
  store = new MemoryStore();
  const write = () => {};
  const log = { debug: write, info: write, warn: write, error: write };
  library = new Library({
    store: { documents: store.documents, spaces: store.spaces, isShared: false },
    embedders: { configured: undefined, ofSpace: () => undefined },
    timing: new SimulatedClock(),
    log,
    meters: new Meters(),
    limits: { maxDocuments: 100, maxDocumentChunks: 100, extractMs: 1_000 },
  });
  search = new ConversationSearch({ store, embedder: async () => ok(undefined), report: write });
  const parts = { library: () => library, search: () => search, now: () => 0 };
  const ports = toolPorts({ ...parts, meters: new Meters(), log });
  documents = searchDocumentsTool(ports);
  conversation = searchConversationTool(ports);
});

afterEach(async () => {
  await Promise.all([library.close(), search.close()]);
});

async function add(owner: ParticipantId, title: string, ...texts: string[]): Promise<DocumentId> {
  const chunks = chunksOf(texts);
  const reading = {
    mediaType: 'text/plain' as const,
    chars: 1,
    chunks,
    digest: title,
    fields: '{}',
  };
  const about = { owner, title, conversations: [], metadata: {}, key: null };
  return granted(await library.add({ ...about, reading })).document.id;
}

async function found(args: unknown, askedBy: readonly ParticipantId[]) {
  const answer = await runTool(documents, args, { askedBy });
  return (answer as { results: { document_id: string; title: string; text: string }[] }).results;
}

test('the documents of those who ask are found, and nobody else’s', async () => {
  await add(ANA, 'Tides', 'high water comes at five');
  await add(BEN, 'Secret', 'high water in the safe');
  const titles = async (askedBy: readonly ParticipantId[]) =>
    (await found({ query: 'high water' }, askedBy)).map(({ title }) => title);
  expect(await titles([ANA])).toEqual(['Tides']);
  expect(await titles([BEN])).toEqual(['Secret']);
  expect(await titles([ANA, BEN])).toEqual([]);
  expect(await titles([])).toEqual([]);
});

test('no argument makes more of them visible', async () => {
  await add(BEN, 'Secret', 'high water in the safe');
  const args = { query: 'high water', seenBy: [BEN], askedBy: [BEN], owner: BEN, limit: 8 };
  expect(await found(args, [ANA])).toEqual([]);
});

test('what is shown is cited, each chunk by its name; what is not shown is not', async () => {
  const id = await add(ANA, 'Tides', 'high water at five', 'low water at eleven', 'the moon');
  const answer = await runTool(documents, { query: 'water' }, { askedBy: [ANA] });
  const cited = documents
    .citations?.(answer)
    .toSorted((a, b) => (a.chunk_id < b.chunk_id ? -1 : 1));
  expect(cited).toEqual(
    [0, 1].map((index) => ({
      document_id: id,
      chunk_id: `${id}.${index}`,
      title: 'Tides',
      score: expect.any(Number),
    })),
  );
  expect(documents.citations?.('a result that was cut')).toEqual([]);
});

test('a result is never so long that its citations are lost', async () => {
  const long = Array.from({ length: 8 }, (_, i) => `water ${i} ${'\n"'.repeat(2_000)}`);
  await add(ANA, 't'.repeat(500), ...long);
  const answer = await runTool(documents, { query: 'water', limit: 8 }, { askedBy: [ANA] });
  expect(JSON.stringify(answer).length).toBeLessThan(8_000);
  expect(documents.citations?.(answer)?.length).toBeGreaterThan(0);
});

test('messages of this conversation are found, as far as they were said before the question', async () => {
  await made(store);
  await appended(store, [
    message(1, { content: 'the turtles swim at noon' }),
    message(2, { content: 'nothing of it' }),
    message(3, { content: 'when do turtles swim?' }),
    message(4, { content: 'turtles, said afterwards' }),
  ]);
  const seen = { conversationId: ONE, triggerSeq: 3 };
  expect(await runTool(conversation, { query: 'turtles' }, seen)).toMatchObject({
    results: [{ seq: 1, content: 'the turtles swim at noon', from: expect.any(String) }],
  });
  const other = { conversationId: 'c_other', conversation_id: 'c_other', query: 'turtles' };
  const answer = await runTool(conversation, other, seen);
  expect(answer).toMatchObject({ results: [{ seq: 1 }] });
});
