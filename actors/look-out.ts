import type { ConversationId } from '../src/domain/ids.ts';
import type { Result } from '../src/domain/result.ts';
import type { Head } from '../storage/store.ts';
import type { Unavailable } from '../storage/unavailable.ts';
import type { ActorParts } from './actor-parts.ts';
import type { ConversationActor } from './conversation-actor.ts';

/** Milliseconds between two looks at the conversations that somebody listens to. */
const LOOK_MS = 500;
/** Conversations that one read asks about. */
const CHUNK = 256;
/** Looks at one conversation for one asker: another server may write faster than it can be read here. */
const MOST_LOOKS = 3;

type Heads = Result<ReadonlyMap<ConversationId, Head>, Unavailable>;

/** A question that is still to be put. */
interface Question {
  readonly ids: Set<ConversationId>;
  readonly answer: Promise<Heads>;
}

/**
 * Sees what other servers wrote into the conversations that are live here, on a store that is shared.
 *
 * Owns: when the store is asked where logs stand. Does not own: reading them anew, which the actors do.
 * Invariants: V1. Who asks learns what was stored before it asked: no answer serves who asked after its question was
 * put. V2. One question is on its way at a time, of a bounded size, and one look a conversation. V3. What this server
 * itself is writing is not taken for another's. V4. When a question is not answered, those that wait behind it are not
 * put: nobody waits for more than one of them.
 */
export class LookOut {
  readonly #parts: ActorParts;
  readonly #actors: () => Iterable<ConversationActor>;
  readonly #looking = new Set<ConversationActor>();
  #next: Question | undefined;
  #last: Promise<Heads | undefined> = Promise.resolve(undefined);
  /** Questions on their way, or waiting. */
  #open = 0;
  #isStopped = false;
  #takeBack: () => void = () => {};

  constructor(parts: ActorParts, actors: () => Iterable<ConversationActor>) {
    this.#parts = parts;
    this.#actors = actors;
    this.#schedule();
  }

  stop(): void {
    this.#isStopped = true;
    this.#takeBack();
  }

  /** Resolves when the conversation is known as it was stored when this was called, or the store did not answer. */
  async confirm(actor: ConversationActor): Promise<void> {
    for (let look = 1; look <= MOST_LOOKS && actor.isOpen; look += 1) {
      const { headSeq } = actor.conversation;
      const heads = await this.#ask(actor.id);
      if (!heads.ok || !(await isNews(actor, heads.value.get(actor.id), headSeq))) return;
      await actor.lookAnew();
    }
  }

  #schedule(): void {
    this.#takeBack = this.#parts.clock.after(LOOK_MS, () => {
      for (const actor of this.#actors()) {
        if (actor.listeners > 0 && !this.#looking.has(actor)) this.#look(actor);
      }
      if (!this.#isStopped) this.#schedule();
    });
  }

  #look(actor: ConversationActor): void {
    this.#looking.add(actor);
    this.confirm(actor)
      .catch((cause) => this.#parts.report('look_out_failed', { cause }))
      .finally(() => this.#looking.delete(actor));
  }

  /** Puts it into the next question, which is put when the one before is answered. */
  #ask(id: ConversationId): Promise<Heads> {
    if (this.#next === undefined || this.#next.ids.size >= CHUNK) this.#next = this.#question();
    this.#next.ids.add(id);
    return this.#next.answer;
  }

  #question(): Question {
    const ids = new Set<ConversationId>();
    const isBehind = this.#open > 0;
    this.#open += 1;
    const answer = this.#last
      .then((last) => {
        if (this.#next === question) this.#next = undefined; // V1
        if (isBehind && last?.ok === false) return last; // V4
        return this.#parts.store.heads([...ids]);
      })
      .finally(() => {
        this.#open -= 1;
      });
    const question = { ids, answer };
    this.#last = answer.catch(() => undefined);
    return question;
  }
}

/** Whether the store has what is not known here; `before` is the head that was known when it was asked. */
async function isNews(
  actor: ConversationActor,
  head: Head | undefined,
  before: number,
): Promise<boolean> {
  if (head === undefined) return true;
  if (actor.landing !== undefined) await actor.landing; // V3
  const { epoch, headSeq, firstSeq } = actor.conversation;
  const isFurther = head.headSeq > headSeq || head.firstSeq > firstSeq;
  // A store that was put back to an earlier state is another one, too.
  return isFurther || head.epoch !== epoch || head.headSeq < before;
}
