import type { ConversationId, Epoch } from '../src/domain/ids.ts';
import type { Result } from '../src/domain/result.ts';
import type { Log } from '../src/observability/log.ts';
import type { Head, Store } from '../storage/store.ts';
import type { Unavailable } from '../storage/unavailable.ts';
import type { Clock } from './clock.ts';
import { trim } from './commands.ts';
import type { Registry } from './registry.ts';

export interface RetentionPolicy {
  /** Milliseconds after which an event goes; 0 is never. */
  readonly maxAgeMs: number;
  /** Events kept of each conversation; 0 is all. */
  readonly maxEvents: number;
  /** Milliseconds between the end of a sweep and the next one. */
  readonly sweepMs: number;
}

export interface RetentionParts {
  readonly policy: RetentionPolicy;
  readonly registry: Registry;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly counters: RetentionCounters;
}

interface RetentionCounters {
  /** Events that were trimmed. */
  trimmed: number;
}

/** Conversations looked at together, and milliseconds between two such looks: a thousand a second at most. */
const PAGE = 100;
const PAUSE_MS = 100;
/** Events that one write may take out of a log, so that it holds up nobody's for long. */
const STEP_EVENTS = 5_000;
/** A log may be longer than `maxEvents` by a tenth, and by no more than this: one in use is not trimmed at each event. */
const MOST_SLACK = 100;
/** Conversations in a row that could not be looked at, after which it is the store that is away. */
const MOST_FAILURES = 3;
/** Conversations of which it is remembered how old their oldest event is. */
const MOST_KNOWN = 100_000;

interface Oldest {
  readonly epoch: Epoch;
  readonly seq: number;
  readonly createdAt: number;
}

/** The store did not answer: what was to be done has to wait for the next sweep. */
class SweepFailed extends Error {
  override readonly name = 'SweepFailed';
}

/**
 * Trims what is older, or more, than the settings keep: one paced sweep over the whole store, at start and again and
 * again.
 *
 * Owns: when it sweeps, and what is to go. Does not own: the logs; a conversation trims its own, like any other write.
 * Invariants: K1. One sweep at a time, and in it one trimming at a time. K2. What a sweep reads and writes in a second
 * is bounded. K3. After `stop` it touches the store no more. Several servers on one store may each sweep: to trim what
 * is trimmed changes nothing.
 */
export class Retention {
  readonly #parts: RetentionParts;
  readonly #oldest = new Map<ConversationId, Oldest>();
  #isStopped = false;
  #wake: () => void = () => {};
  #running: Promise<void> = Promise.resolve();

  constructor(parts: RetentionParts) {
    this.#parts = parts;
  }

  /** Sweeps, now and from then on; does nothing when all is kept. */
  start(): void {
    const { maxAgeMs, maxEvents } = this.#parts.policy;
    if (maxAgeMs > 0 || maxEvents > 0) this.#running = this.#run();
  }

  /** Resolves when it is at rest, for good. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      await this.#sweep();
      await this.#rest(this.#parts.policy.sweepMs);
    }
  }

  /** Looks at every conversation once. */
  async #sweep(): Promise<void> {
    const { log, clock } = this.#parts;
    const startedAt = clock.now();
    const trimmed = { conversations: 0, events: 0 };
    let failures = 0;
    try {
      for await (const [id, head] of this.#all()) {
        if (this.#isStopped || failures === MOST_FAILURES) break;
        const events = await this.#tend(id, head);
        failures = events === undefined ? failures + 1 : 0;
        trimmed.conversations += (events ?? 0) > 0 ? 1 : 0;
        trimmed.events += events ?? 0;
      }
    } catch (cause) {
      log.warn('retention_failed', { cause });
    }
    const about = { ...trimmed, took_ms: clock.now() - startedAt };
    log[trimmed.events > 0 ? 'info' : 'debug']('retention_swept', about);
  }

  /** Trims one conversation if need be: how many events went, undefined when the store failed. */
  async #tend(id: ConversationId, head: Head): Promise<number | undefined> {
    const { log } = this.#parts;
    try {
      const firstSeq = await this.#firstToKeep(id, head);
      const { epoch } = head;
      const events = firstSeq > head.firstSeq ? await this.#trim(id, { epoch, firstSeq }) : 0;
      if (events > 0) log.debug('conversation_trimmed', { conversation_id: id, events });
      return events;
    } catch (cause) {
      // One that can't be read holds up no other.
      log.warn('retention_failed', { conversation_id: id, cause });
      return undefined;
    }
  }

  async *#all(): AsyncIterable<readonly [ConversationId, Head]> {
    const { store } = this.#parts;
    let afterId: ConversationId | undefined;
    while (!this.#isStopped) {
      const page = { ...(afterId === undefined ? {} : { afterId }), limit: PAGE };
      const ids = known(await store.listAll(page));
      yield* known(await store.heads(ids));
      afterId = ids.at(-1);
      if (ids.length < PAGE) return;
      await this.#rest(PAUSE_MS);
    }
  }

  /** The seq from which on its events are kept. */
  async #firstToKeep(id: ConversationId, head: Head): Promise<number> {
    const { maxAgeMs, maxEvents } = this.#parts.policy;
    const { firstSeq, headSeq } = head;
    const slack = Math.min(Math.floor(maxEvents / 10), MOST_SLACK);
    const isLong = maxEvents > 0 && headSeq - firstSeq + 1 > maxEvents + slack;
    const byCount = isLong ? headSeq - maxEvents + 1 : firstSeq;
    if (maxAgeMs === 0) return byCount;
    return Math.max(byCount, await this.#firstYoung(id, head));
  }

  /** The first event that is young enough, by halves: O(log n) reads, and none of a log whose oldest is known young. */
  async #firstYoung(id: ConversationId, { epoch, firstSeq, headSeq }: Head): Promise<number> {
    const cut = this.#parts.clock.now() - this.#parts.policy.maxAgeMs;
    const before = this.#oldest.get(id);
    const isKnown = before?.epoch === epoch && before.seq === firstSeq;
    const createdAt = isKnown ? before.createdAt : await this.#timeOf(id, firstSeq);
    if (createdAt === undefined || createdAt >= cut) {
      if (createdAt !== undefined) this.#know(id, { epoch, seq: firstSeq, createdAt });
      return firstSeq;
    }
    let old = firstSeq;
    let young = headSeq + 1;
    while (young - old > 1) {
      const middle = Math.floor((old + young) / 2);
      const time = await this.#timeOf(id, middle);
      if (time === undefined) return firstSeq;
      if (time < cut) old = middle;
      else young = middle;
    }
    return young;
  }

  /** Undefined when it is not there any more. */
  async #timeOf(id: ConversationId, seq: number): Promise<number | undefined> {
    const read = await this.#parts.store.readEvents(id, { afterSeq: seq - 1, limit: 1 });
    const [event] = known(read);
    return event?.seq === seq ? event.createdAt : undefined;
  }

  #know(id: ConversationId, oldest: Oldest): void {
    if (this.#oldest.size >= MOST_KNOWN) this.#oldest.clear();
    this.#oldest.set(id, oldest);
  }

  /** By the conversation itself, which is woken if need be. Answers how many events went. */
  async #trim(
    id: ConversationId,
    { epoch, firstSeq }: Pick<Head, 'epoch' | 'firstSeq'>,
  ): Promise<number> {
    const { registry, counters } = this.#parts;
    const wasLive = registry.peek(id) !== undefined;
    let events = 0;
    while (!this.#isStopped) {
      const actor = await registry.get(id);
      // One that was made again under this id was not looked at.
      if (!actor.ok || actor.value.conversation.epoch !== epoch) break;
      const before = actor.value.conversation.firstSeq;
      if (before >= firstSeq) {
        if (!wasLive) actor.value.passivateIfIdle();
        break;
      }
      const outcome = await trim(actor.value, Math.min(firstSeq, before + STEP_EVENTS));
      if (!outcome.ok && outcome.failure.reason === 'storage_unavailable') {
        throw new SweepFailed(outcome.failure.reason, { cause: outcome.failure.cause });
      }
      if (!outcome.ok) break;
      const gone = actor.value.conversation.firstSeq - before;
      events += gone;
      counters.trimmed += gone;
      if (gone === STEP_EVENTS) await this.#rest(PAUSE_MS);
    }
    return events;
  }

  #rest(ms: number): Promise<void> {
    if (this.#isStopped) return Promise.resolve();
    return new Promise((resolve) => {
      const takeBack = this.#parts.clock.after(ms, resolve);
      this.#wake = () => {
        takeBack();
        resolve();
      };
    });
  }
}

/** What the store answered. */
function known<T>(read: Result<T, Unavailable>): T {
  if (!read.ok) throw new SweepFailed('the store does not answer', { cause: read.failure.cause });
  return read.value;
}
