import type { Chunk, Document } from '../../src/domain/document.ts';
import { type DocumentId, documentId, participantId } from '../../src/domain/ids.ts';
import { err } from '../../src/domain/result.ts';
import { EmbeddingJob } from '../../src/library/embedding-job.ts';
import { ServingSpace } from '../../src/library/serving-space.ts';
import type { Embedder, Embedders } from '../../src/search/embedder.ts';
import { hashingEmbedder } from '../../src/search/hashing-embedder.ts';
import { MemoryStore } from '../../storage/memory/memory-store.ts';
import type { Store } from '../../storage/store.ts';
import { SimulatedClock } from '../support/simulated-clock.ts';

const ADA = participantId('ada');

/** A real embedder that can be held up, broken, and looked at. */
export class SteeredEmbedder implements Embedder {
  readonly space: Embedder['space'];
  readonly label: string;
  readonly isLocal = true;
  readonly maxBatch = 4;
  readonly weight = 1;
  readonly leastCosine = 0;
  /** Texts that were asked for, in order. */
  readonly asked: string[] = [];
  isDown = false;
  /** Texts that it never takes. */
  refuses: (text: string) => boolean = () => false;
  readonly #inner: Embedder;
  #gate: Promise<void> | undefined;
  #open: () => void = () => {};

  constructor(dimensions: number) {
    this.#inner = hashingEmbedder(dimensions);
    this.space = this.#inner.space;
    this.label = this.#inner.label;
  }

  hold(): void {
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  /** Lets one call through, and holds the next one. */
  step(): void {
    const open = this.#open;
    this.hold();
    open();
  }

  release(): void {
    this.#gate = undefined;
    this.#open();
  }

  embed: Embedder['embed'] = async (texts, signal) => {
    this.asked.push(...texts);
    const aborted = new Promise<void>((resolve) => {
      signal?.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.race([this.#gate, aborted]);
    const isRefused = this.isDown || signal?.aborted === true || texts.some(this.refuses);
    if (isRefused) return err({ reason: 'embedder_unavailable', cause: new Error('down') });
    return this.#inner.embed(texts, signal);
  };
}

export interface Line {
  readonly event: string;
  readonly about: Readonly<Record<string, unknown>> | undefined;
}

/** A job on a store, with time that the test moves. */
export class EmbeddingScene {
  readonly store: Store;
  readonly clock = new SimulatedClock();
  readonly lines: Line[] = [];
  readonly serving: ServingSpace;
  readonly job: EmbeddingJob;
  embeddedChunks = 0;

  constructor(
    configured: Embedder,
    { store = new MemoryStore() as Store, others = [] as readonly Embedder[] } = {},
  ) {
    this.store = store;
    const all = [configured, ...others];
    const embedders: Embedders = {
      configured,
      ofSpace: (name) => all.find(({ space }) => space.name === name),
    };
    const { documents, spaces } = store;
    this.serving = new ServingSpace(spaces, embedders);
    const write = (event: string, about?: Readonly<Record<string, unknown>>) => {
      this.lines.push({ event, about });
    };
    this.job = new EmbeddingJob({
      documents,
      spaces,
      isShared: store.isShared,
      configured,
      serving: this.serving,
      timing: this.clock,
      log: { debug: write, info: write, warn: write, error: write },
      onEmbedded: (chunks) => {
        this.embeddedChunks += chunks;
      },
    });
  }

  /** Stores a document with so many chunks, and tells the job of it. */
  async add(id: string, texts: readonly string[] | number = 1): Promise<DocumentId> {
    const all = typeof texts === 'number' ? namedTexts(id, texts) : texts;
    const added = await this.store.documents.add(documentOf(id, all.length), chunksOf(all));
    if (!added.ok) throw new Error(added.failure.reason);
    this.job.added(documentId(id));
    return documentId(id);
  }

  async spacesOf(id: string): Promise<readonly string[] | undefined> {
    const read = await this.store.documents.read(documentId(id));
    return read.ok ? read.value?.spaces : undefined;
  }

  async inUse(): Promise<string | undefined> {
    const listed = await this.store.spaces.list();
    return listed.ok ? listed.value.find(({ isInUse }) => isInUse)?.name : undefined;
  }

  /** The documents that are nearest to a text, by the space in use. */
  async nearest(text: string): Promise<readonly string[]> {
    const embedder = await this.serving.embedder();
    if (!embedder.ok || embedder.value === undefined) throw new Error('nothing serves');
    const made = await hashingEmbedder(embedder.value.space.dimensions).embed([text]);
    const vector = made.ok ? made.value[0] : undefined;
    if (vector === undefined) throw new Error('no vector');
    const { space } = embedder.value;
    const query = { seenBy: ADA, space, vector, limit: 3 };
    const found = await this.store.documents.byVector(query);
    return found.ok ? found.value.map(({ document }) => document.id) : [];
  }

  count(event: string): number {
    return this.lines.filter((line) => line.event === event).length;
  }
}

function namedTexts(id: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => `${id} number ${i}`);
}

function documentOf(id: string, chunkCount: number): Document {
  return {
    id: documentId(id),
    owner: ADA,
    conversations: [],
    title: id,
    mediaType: 'text/plain',
    metadata: {},
    chars: 10,
    chunkCount,
    createdAt: 0,
    createdKey: null,
    digest: 'x',
  };
}

function chunksOf(texts: readonly string[]): readonly Chunk[] {
  return texts.map((text, index) => ({ index, start: 0, end: text.length, text }));
}
