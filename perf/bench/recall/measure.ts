import { ok } from '../../../src/domain/result.ts';
import { searchDocuments } from '../../../src/library/document-search.ts';
import { ServingSpace } from '../../../src/library/serving-space.ts';
import { unguarded } from '../../../src/provider/guard.ts';
import { MODES, type Mode } from '../../../src/search/answers.ts';
import type { Embedder } from '../../../src/search/embedder.ts';
import type { Store } from '../../../storage/store.ts';
import { READER, type StoredText } from './corpus.ts';
import type { Question } from './questions.ts';

/** Chunks of an answer that are looked at. */
const FIRST = 5;

export interface Recall {
  /** Questions whose answer is among the first five, of all: 0 to 1. */
  readonly recall: number;
  /** Those whose answer is not. */
  readonly missed: readonly string[];
}

interface Measured {
  readonly store: Store;
  readonly embedder: Embedder;
  readonly texts: readonly StoredText[];
  readonly questions: readonly Question[];
}

/** Stores the texts, asks every question in every mode, as a client would. */
export async function measureRecall(measured: Measured): Promise<ReadonlyMap<Mode, Recall>> {
  await fill(measured);
  const found = new Map<Mode, Recall>();
  for (const mode of MODES) found.set(mode, await recallOf(measured, mode));
  return found;
}

async function fill({ store, embedder, texts }: Measured): Promise<void> {
  const { space, maxBatch } = embedder;
  must(await store.spaces.add(space));
  for (const { document, chunks } of texts) {
    must(await store.documents.add(document, chunks));
    const vectors: Float32Array[] = [];
    for (let at = 0; at < chunks.length; at += maxBatch) {
      const some = chunks.slice(at, at + maxBatch).map(({ text }) => text);
      vectors.push(...must(await embedder.embed(some)));
    }
    must(await store.documents.putVectors(space, document.id, vectors));
  }
}

async function recallOf(measured: Measured, mode: Mode): Promise<Recall> {
  const { store, embedder, questions } = measured;
  const embedders = { configured: embedder, ofSpace: () => embedder };
  const parts = {
    documents: store.documents,
    serving: new ServingSpace(store.spaces, embedders),
    isBehind: async () => ok(false),
    report: () => {},
    guard: unguarded,
  };
  const missed: string[] = [];
  for (const { question, answers } of questions) {
    const query = { seenBy: READER, text: question, mode, limit: FIRST };
    const { items } = must(await searchDocuments(parts, query));
    const isFound = items.some(({ chunk }) =>
      answers.some((answer) => chunk.text.includes(answer)),
    );
    if (!isFound) missed.push(question);
  }
  return { recall: 1 - missed.length / questions.length, missed };
}

/** Questions that nothing in the texts answers: the documentation has changed, and they must change with it. */
export function unanswerable(
  texts: readonly StoredText[],
  questions: readonly Question[],
): readonly string[] {
  const chunks = texts.flatMap((text) => text.chunks);
  return questions
    .filter(
      ({ answers }) => !chunks.some(({ text }) => answers.some((answer) => text.includes(answer))),
    )
    .map(({ question }) => question);
}

function must<T>(result: { ok: true; value: T } | { ok: false; failure: unknown }): T {
  if (!result.ok) throw new Error('the store or the embedder failed', { cause: result.failure });
  return ok(result.value).value;
}
