/**
 * Gives the messages of a conversation their vectors when it is searched, newest first.
 *
 * Owns: the jobs that embed. Does not own: the index, and which space is searched.
 * Invariants:
 * M1. One job at a time for each conversation; searches that come meanwhile wait for the same job.
 * M2. A job gives way to the event loop after each batch, and leaves half of the processor to others when nobody
 *     waits for it.
 * M3. A job ends: when no vector is missing, when the embedder or the store fails, when what it stores does not
 *     stay (the space is gone), and when all is closed.
 */
import { setImmediate as nextLoop, setTimeout as sleep } from 'node:timers/promises';

import type { MessageIndex, UnembeddedMessage } from '../../storage/message-index.ts';
import type { ConversationId } from '../domain/ids.ts';
import type { Embedder } from './embedder.ts';

/** Conversations that are embedded at once. */
const MAX_JOBS = 4;

interface Job {
  readonly space: string;
  ended: Promise<void>;
  /** Searches that wait for it. */
  waiting: number;
}

export class MessageVectors {
  readonly #index: MessageIndex;
  readonly #report: (event: string, about: Readonly<Record<string, unknown>>) => void;
  readonly #jobs = new Map<ConversationId, Job>();
  readonly #closing = new AbortController();

  constructor(
    index: MessageIndex,
    report: (event: string, about: Readonly<Record<string, unknown>>) => void,
  ) {
    this.#index = index;
    this.#report = report;
  }

  /** Embeds what has no vector; resolves when that is done, and after `patienceMs` at the latest: it then goes on. */
  async cover(
    id: ConversationId,
    { embedder, patienceMs }: { readonly embedder: Embedder; readonly patienceMs: number },
  ): Promise<void> {
    const job = this.#jobs.get(id) ?? this.#begin(id, embedder);
    if (job === undefined || job.space !== embedder.space.name) return;
    job.waiting += 1;
    const late = new AbortController();
    await Promise.race([job.ended, asleep(patienceMs, late.signal)]);
    late.abort();
    job.waiting -= 1;
  }

  /** Resolves when no job is at work any more. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#jobs.values()].map(({ ended }) => ended));
  }

  #begin(id: ConversationId, embedder: Embedder): Job | undefined {
    if (this.#jobs.size >= MAX_JOBS || this.#closing.signal.aborted) return undefined;
    const job: Job = { space: embedder.space.name, ended: Promise.resolve(), waiting: 0 };
    this.#jobs.set(id, job);
    job.ended = this.#embed(id, embedder, job)
      .catch((cause: unknown) => this.#report('embedding_failed', { conversation_id: id, cause }))
      .finally(() => this.#jobs.delete(id))
      .then(() => undefined);
    return job;
  }

  async #embed(id: ConversationId, embedder: Embedder, job: Job): Promise<void> {
    const { signal } = this.#closing;
    let before: string | undefined;
    while (!signal.aborted) {
      const startedAt = performance.now();
      const missing = await this.#index.withoutVector(id, embedder.space, embedder.maxBatch);
      if (!missing.ok) throw missing.failure.cause;
      const first = missing.value[0];
      const mark = first && markOf(first);
      if (mark === undefined || mark === before) return;
      before = mark;
      const embedded = await embedder.embed(
        missing.value.map(({ text }) => text),
        signal,
      );
      if (signal.aborted) return;
      if (!embedded.ok) throw embedded.failure.cause;
      const vectors = missing.value.flatMap(({ seq, textSeq }, at) => {
        const vector = embedded.value[at];
        return vector === undefined ? [] : [{ seq, textSeq, vector }];
      });
      const stored = await this.#index.putVectors(id, embedder.space, vectors);
      if (!stored.ok) throw stored.failure.cause;
      // M2: a store in memory and an embedder of our own wait for nothing by themselves.
      await nextLoop();
      if (job.waiting === 0 && embedder.isLocal)
        await asleep(performance.now() - startedAt, signal);
    }
  }
}

function markOf({ seq, textSeq }: UnembeddedMessage): string {
  return `${seq}:${textSeq}`;
}

/** Ends early when it is told to. */
async function asleep(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
}
