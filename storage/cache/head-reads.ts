import type { ConversationId } from '../../src/domain/ids.ts';
import { ok, type Result } from '../../src/domain/result.ts';
import type { Head } from '../store.ts';
import type { Unavailable } from '../unavailable.ts';

type Answer = Result<Head | undefined, Unavailable>;
type Read = (
  ids: readonly ConversationId[],
) => Promise<Result<ReadonlyMap<ConversationId, Head>, Unavailable>>;

interface Asked {
  readonly answer: Promise<Answer>;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** Conversations in one read at most. */
const MAX_IDS = 256;

/**
 * Asks the store where logs stand, as few times as the askers allow.
 *
 * Owns: who waits for which read. Does not own: what is made of the answers.
 *
 * Invariants:
 * R1. An answer was read after it was asked for: who comes while a read of the conversation is under way gets
 *     the next one.
 * R2. At most one read of a conversation is under way; those who wait for the next one share it.
 */
export class HeadReads {
  readonly #read: Read;
  /** What goes out at the end of this tick. */
  #gathered = new Map<ConversationId, Asked>();
  readonly #underWay = new Set<ConversationId>();
  /** What goes out when the read that is under way is back. */
  readonly #waiting = new Map<ConversationId, Asked>();

  constructor(read: Read) {
    this.#read = read;
  }

  /** Where the log of a conversation stands; undefined when it is not there. */
  ask(id: ConversationId): Promise<Answer> {
    const known = this.#gathered.get(id) ?? this.#waiting.get(id);
    if (known !== undefined) return known.answer;
    const asked = newAsked();
    if (this.#underWay.has(id)) this.#waiting.set(id, asked);
    else this.#gather(id, asked);
    return asked.answer;
  }

  #gather(id: ConversationId, asked: Asked): void {
    if (this.#gathered.size === 0) queueMicrotask(() => this.#send());
    this.#gathered.set(id, asked);
    if (this.#gathered.size >= MAX_IDS) this.#send();
  }

  #send(): void {
    const batch = this.#gathered;
    if (batch.size === 0) return;
    this.#gathered = new Map();
    const ids = [...batch.keys()];
    for (const id of ids) this.#underWay.add(id);
    this.#read(ids).then(
      (result) => {
        for (const [id, { resolve }] of batch)
          resolve(result.ok ? ok(result.value.get(id)) : result);
        this.#back(ids);
      },
      (error: unknown) => {
        for (const { reject } of batch.values()) reject(error);
        this.#back(ids);
      },
    );
  }

  #back(ids: readonly ConversationId[]): void {
    for (const id of ids) {
      this.#underWay.delete(id);
      const next = this.#waiting.get(id);
      if (next === undefined) continue;
      this.#waiting.delete(id);
      this.#gather(id, next);
    }
  }
}

function newAsked(): Asked {
  let resolve: Asked['resolve'] = () => {};
  let reject: Asked['reject'] = () => {};
  const answer = new Promise<Answer>((resolvePromise, rejectPromise) => {
    resolve = resolvePromise;
    reject = rejectPromise;
  });
  return { answer, resolve, reject };
}
