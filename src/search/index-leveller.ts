/**
 * Brings the index of a conversation level with its log before it is searched, so that edits and deletions are
 * honoured at once.
 *
 * Owns: which conversations are being levelled. Does not own: the index.
 * Invariants:
 * V1. One run at a time for each conversation; searches that come meanwhile wait for the same run.
 * V2. A search is let go only by a step that began after it came: what was acknowledged before it is in the index.
 * V3. A run ends when nobody waits for it any more; one that nobody had the patience for goes on until it is level.
 */
import { setImmediate as nextLoop } from 'node:timers/promises';

import type { MessageIndex } from '../../storage/message-index.ts';
import type { Unavailable } from '../../storage/unavailable.ts';
import type { ConversationId } from '../domain/ids.ts';
import { err, ok, type Result } from '../domain/result.ts';

/** Events taken in at a time: some milliseconds of a store that works on this thread. */
const STEP_EVENTS = 256;
/** Conversations that are levelled at once, those in the background among them. */
const MAX_RUNS = 32;

type Levelled = Result<void, Unavailable | { readonly reason: 'overloaded' }>;

const OVERLOADED: Levelled = err({ reason: 'overloaded' });

interface Waiting {
  readonly settle: (levelled: Levelled) => void;
  readonly fail: (cause: unknown) => void;
}

export class IndexLeveller {
  readonly #index: MessageIndex;
  readonly #runs = new Map<ConversationId, Waiting[]>();
  #isClosed = false;

  constructor(index: MessageIndex) {
    this.#index = index;
  }

  /** Resolves when the index has everything that was in the log when this was called. `overloaded`: too many are at it. */
  level(id: ConversationId): Promise<Levelled> {
    if (this.#isClosed) return Promise.resolve(OVERLOADED);
    return new Promise((settle, fail) => {
      const run = this.#runs.get(id);
      if (run !== undefined) {
        run.push({ settle, fail });
      } else if (this.#runs.size >= MAX_RUNS) {
        settle(OVERLOADED);
      } else {
        const waiting = [{ settle, fail }];
        this.#runs.set(id, waiting);
        void this.#run(id, waiting);
      }
    });
  }

  /** No run takes another step. */
  close(): void {
    this.#isClosed = true;
  }

  async #run(id: ConversationId, waiting: Waiting[]): Promise<void> {
    while (waiting.length > 0) {
      // Those who come during this step wait for the next one (V2).
      const served = waiting.length;
      try {
        const levelled = await this.#step(id);
        if (levelled === undefined) await nextLoop();
        else for (const { settle } of waiting.splice(0, served)) settle(levelled);
      } catch (cause) {
        for (const { fail } of waiting.splice(0, served)) fail(cause);
      }
    }
    this.#runs.delete(id);
  }

  /** Undefined when there is more to do. */
  async #step(id: ConversationId): Promise<Levelled | undefined> {
    if (this.#isClosed) return OVERLOADED;
    const stepped = await this.#index.level(id, STEP_EVENTS);
    if (!stepped.ok) return stepped;
    return stepped.value ? ok(undefined) : undefined;
  }
}
