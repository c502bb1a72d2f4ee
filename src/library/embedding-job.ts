import type { DocumentStore } from '../../storage/document-store.ts';
import type { Unavailable } from '../../storage/unavailable.ts';
import type { KnownSpace, Space, VectorSpaces } from '../../storage/vector-spaces.ts';
import { type DocumentId, newDocumentId } from '../domain/ids.ts';
import { err, ok, type Result } from '../domain/result.ts';
import type { Log } from '../observability/log.ts';
import type { Embedder, EmbedFailure } from '../search/embedder.ts';
import { Backoff } from './backoff.ts';
import { embedDocument } from './embed-document.ts';
import type { ServingSpace } from './serving-space.ts';

/** Time as this needs it: milliseconds since 1970, and a call after a while that can be taken back. */
export interface Timing {
  readonly now: () => number;
  readonly after: (ms: number, fn: () => void) => () => void;
}

export interface EmbeddingParts {
  readonly documents: DocumentStore;
  readonly spaces: VectorSpaces;
  /** Other servers may embed the same documents at the same time. */
  readonly isShared: boolean;
  readonly configured: Embedder;
  readonly serving: ServingSpace;
  readonly timing: Timing;
  readonly log: Log;
  /** So many chunks were embedded just now. */
  readonly onEmbedded: (chunks: number) => void;
}

/** Documents asked for at a time. */
const PAGE = 32;
/** Documents in a row that may fail before the embedder is left alone for a while. */
const FAILURES = 3;
/** Newly added documents that are remembered; what is more is found in its turn. */
const MAX_FRESH = 1_000;
/** Milliseconds after which it looks by itself whether there is anything to do. */
const LOOK_MS = 60_000;
/** Milliseconds between two lines about the progress of a re-embedding. */
const REPORT_MS = 10_000;

type Failed = Unavailable | EmbedFailure;
/** `whole`: every document has vectors of the space. `again`: there is something newer to do, or the spaces changed. */
type Filled = 'whole' | 'again';

/**
 * The one background job of a process that gives documents their vectors.
 *
 * Owns: which documents are being embedded, how far they are, and the change from one space to another.
 * Does not own: the queue. What has no vectors is asked of the store, so that a crash loses nothing but time.
 *
 * Invariants:
 * 1. A space comes into use only when every document has its vectors; until then the one before it serves, and new
 *    documents get its vectors first.
 * 2. It decides for the configured space once, until that was in use: a server that finds another one in use later
 *    serves that one. Two servers with different settings do not take turns.
 * 3. Whatever it does can be done by another server at the same time, or by this one again.
 */
export class EmbeddingJob {
  readonly #parts: EmbeddingParts;
  readonly #backoff = new Backoff();
  readonly #end = new AbortController();
  readonly #fresh = new Set<DocumentId>();
  readonly #progress = new Map<DocumentId, number>();
  readonly #backlog = new Map<string, number>();
  readonly #cursors = new Map<string, DocumentId | undefined>();
  /** The configured space was in use. */
  #isSettled = false;
  #isMoving = false;
  #reportedAt = Number.NEGATIVE_INFINITY;
  #wake: () => void = () => {};
  #running: Promise<void> = Promise.resolve();

  constructor(parts: EmbeddingParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** A document was added: it is next. */
  added(id: DocumentId): void {
    if (this.#fresh.size < MAX_FRESH) this.#fresh.add(id);
    this.#wake();
  }

  /** The part of a document's chunks that have vectors of the space in use, as far as this process knows. */
  progressOf(id: DocumentId): number {
    return this.#progress.get(id) ?? 0;
  }

  /** Documents without vectors, by space, as they were last counted. */
  get backlog(): ReadonlyMap<string, number> {
    return this.#backlog;
  }

  /** Whether documents wait for vectors of this space, as far as this process knows. */
  isBehind(space: string): boolean {
    const isBusy = this.#fresh.size > 0 || this.#progress.size > 0;
    return isBusy || (this.#backlog.get(space) ?? 0) > 0;
  }

  /** Resolves when it has stopped; what was under way is done again at the next start. */
  async close(): Promise<void> {
    this.#end.abort();
    this.#wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { log } = this.#parts;
    while (!this.#end.signal.aborted) {
      const done = await this.#pass().catch((cause) => err({ reason: 'broken' as const, cause }));
      if (this.#end.signal.aborted) return;
      if (!done.ok) {
        const { reason, cause } = done.failure;
        const retryAfterMs = 'retryAfterMs' in done.failure ? done.failure.retryAfterMs : undefined;
        const waitMs = this.#backoff.next(retryAfterMs);
        log.warn('embedding_failed', { reason, cause, retry_after_ms: Math.round(waitMs) });
        await this.#sleep(waitMs);
        continue;
      }
      this.#backoff.reset();
      if (done.value === 'whole' && this.#fresh.size === 0) await this.#sleep(LOOK_MS, 'wakes');
    }
  }

  /** Fills the space in use, then the one that is to be; and takes that one into use when it is whole. */
  async #pass(): Promise<Result<Filled, Failed>> {
    const { configured, serving } = this.#parts;
    const listed = await this.#knownSpaces();
    if (!listed.ok) return listed;
    const inUse = listed.value.find(({ isInUse }) => isInUse);
    if (inUse?.name === configured.space.name) this.#isSettled = true;
    this.#forget(listed.value);
    let failed: Failed | undefined;
    const current = inUse === undefined ? undefined : serving.embedderOf(inUse.name);
    if (current !== undefined) {
      const filled = await this.#fill(current, true);
      if (filled.ok && filled.value === 'again') return filled;
      if (!filled.ok) {
        failed = filled.failure;
        await this.#count(current.space);
      }
    }
    // Those that could not be done now are found in the store, like all the others.
    this.#fresh.clear();
    if (!this.#isSettled) {
      const moved = await this.#move(configured, inUse);
      if (moved.ok && moved.value === 'again') return moved;
      if (!moved.ok) failed ??= moved.failure;
    }
    return failed === undefined ? ok('whole') : err(failed);
  }

  /** With the configured space among them, as long as it was never in use. */
  async #knownSpaces(): Promise<Result<readonly KnownSpace[], Unavailable>> {
    const { spaces, configured } = this.#parts;
    const listed = await spaces.list();
    if (!listed.ok || this.#isSettled) return listed;
    if (listed.value.some(({ name }) => name === configured.space.name)) return listed;
    const added = await spaces.add(configured.space);
    return added.ok ? spaces.list() : added;
  }

  async #move(to: Embedder, from: KnownSpace | undefined): Promise<Result<Filled, Failed>> {
    const { spaces, log } = this.#parts;
    const about = { from: from?.name, to: to.space.name };
    if (!this.#isMoving) log.info('reembedding_started', about);
    this.#isMoving = true;
    const filled = await this.#fill(to, false);
    if (!filled.ok || filled.value !== 'whole') return filled;
    const used = await spaces.use(to.space);
    if (!used.ok) return used;
    this.#isSettled = true;
    log.info('reembedding_done', about);
    return ok('again');
  }

  /** Gives vectors of a space to every document that has none. Those that fail are tried again in the next pass. */
  async #fill(embedder: Embedder, isServing: boolean): Promise<Result<Filled, Failed>> {
    const { space } = embedder;
    let [rounds, last] = [0, undefined as Failed | undefined];
    for (;;) {
      if (this.#end.signal.aborted) return ok('again');
      if (isServing) {
        const fresh = await this.#fillFresh(embedder);
        if (!fresh.ok) return fresh;
      }
      const page = await this.#count(space, this.#cursorOf(space.name));
      if (!page.ok) return page;
      if (page.value.count === 0) return ok('whole');
      if (page.value.ids.length === 0) {
        this.#cursors.set(space.name, undefined);
        rounds += 1;
        if (last !== undefined && rounds > 1) return err(last);
        continue;
      }
      const filled = await this.#fillPage(page.value.ids, embedder, isServing);
      if (!filled.ok) return filled;
      if (filled.value === 'space_gone') return ok('again');
      last = filled.value ?? last;
      if (!isServing && this.#fresh.size > 0) return ok('again');
    }
  }

  /** What went wrong with one of them, if all the others went well. Stops early for what is newer. */
  async #fillPage(
    ids: readonly DocumentId[],
    embedder: Embedder,
    isServing: boolean,
  ): Promise<Result<Failed | 'space_gone' | undefined, Failed>> {
    const { name } = embedder.space;
    let [failures, last] = [0, undefined as Failed | undefined];
    for (const id of ids) {
      if (this.#end.signal.aborted || this.#fresh.size > 0) break;
      this.#cursors.set(name, id);
      const embedded = await this.#embed(id, embedder, isServing);
      if (!embedded.ok) {
        last = embedded.failure;
        failures += 1;
        if (failures === FAILURES || last.reason === 'storage_unavailable') return err(last);
        continue;
      }
      failures = 0;
      if (embedded.value === 'gone' && !(await this.#isThere(name))) return ok('space_gone');
      this.#report(name, isServing);
    }
    return ok(last);
  }

  async #fillFresh(embedder: Embedder): Promise<Result<void, Failed>> {
    for (const id of this.#fresh) {
      if (this.#end.signal.aborted) break;
      const embedded = await this.#embed(id, embedder, true);
      this.#fresh.delete(id);
      if (!embedded.ok) return embedded;
    }
    return ok(undefined);
  }

  async #embed(id: DocumentId, embedder: Embedder, isServing: boolean) {
    const { documents, onEmbedded } = this.#parts;
    const { signal } = this.#end;
    if (isServing) this.#progress.set(id, 0);
    const onProgress = (part: number, chunks: number) => {
      onEmbedded(chunks);
      // Stored is more than made: all of them are there together, or none.
      if (isServing) this.#progress.set(id, Math.min(part, 0.99));
    };
    const embedded = await embedDocument(id, { documents, embedder, signal, onProgress });
    this.#progress.delete(id);
    return embedded;
  }

  async #count(space: Space, afterId?: DocumentId) {
    const cursor = afterId === undefined ? {} : { afterId };
    const page = await this.#parts.documents.withoutVectors(space, { ...cursor, limit: PAGE });
    if (page.ok) this.#backlog.set(space.name, page.value.count);
    return page;
  }

  async #isThere(space: string): Promise<boolean> {
    const listed = await this.#parts.spaces.list();
    return listed.ok && listed.value.some(({ name }) => name === space);
  }

  /** Two servers begin at different documents, so that they meet late. */
  #cursorOf(space: string): DocumentId | undefined {
    if (!this.#cursors.has(space))
      this.#cursors.set(space, this.#parts.isShared ? newDocumentId() : undefined);
    return this.#cursors.get(space);
  }

  #forget(known: readonly KnownSpace[]): void {
    for (const name of this.#backlog.keys())
      if (!known.some((space) => space.name === name)) this.#backlog.delete(name);
  }

  #report(space: string, isServing: boolean): void {
    const { timing, log } = this.#parts;
    if (isServing || timing.now() - this.#reportedAt < REPORT_MS) return;
    this.#reportedAt = timing.now();
    log.info('reembedding_progress', { to: space, left: this.#backlog.get(space) });
  }

  /** `wakes`: a new document ends it. A failing embedder is not asked more often because people upload. */
  #sleep(ms: number, kind: 'wakes' | 'stays' = 'stays'): Promise<void> {
    return new Promise((resolve) => {
      const takeBack = this.#parts.timing.after(ms, resolve);
      this.#wake = () => {
        if (kind === 'stays' && !this.#end.signal.aborted) return;
        takeBack();
        resolve();
      };
    });
  }
}
