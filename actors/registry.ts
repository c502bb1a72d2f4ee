import type { ConversationState } from '../src/domain/conversation.ts';
import type { LogEvent } from '../src/domain/event.ts';
import { type Failure, failure } from '../src/domain/failure.ts';
import type { ConversationId } from '../src/domain/ids.ts';
import { err, ok, type Result } from '../src/domain/result.ts';
import type { Unavailable } from '../storage/unavailable.ts';
import type { ActorHooks, ActorParts } from './actor-parts.ts';
import { hasAgents } from './agent-seat.ts';
import { ConversationActor } from './conversation-actor.ts';
import { LookOut } from './look-out.ts';
import { OrderTaker } from './order-taker.ts';
import { Relay } from './relay.ts';
import { TurnWatch } from './turn-watch.ts';

/** Milliseconds between two sweeps; a writer is quiet after as long. */
const SWEEP_MS = 1_000;
/** Conversations that a sweep looks at before it lets others have their turn, and milliseconds that it lets them. */
const SWEEP_PART = 4_096;
const SWEEP_PAUSE_MS = 5;
/** Milliseconds before the first and the last retry of a failed conversation; doubled in between. */
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5_000;
/** Conversations stopped at once to make room, when as many are live as may be. */
const MAKE_ROOM = 64;
/** Milliseconds without use before that may happen to one: an asker has what it asked for in hand, long before. */
const SETTLED_MS = 1_000;

/**
 * The live conversations of this process.
 *
 * Owns: which are live, how they come to life and how they go. Does not own: what happens in one.
 * Invariants: R1. At most one actor of an id. R2. Activations of one id at one time are one activation.
 * R3. Nothing is kept for an id that does not exist. R4. Never more than `maxLive`.
 */
export class Registry {
  readonly #parts: ActorParts;
  readonly #hooks: ActorHooks = {
    passivated: (actor) => this.#forget(actor),
    failed: (actor) => this.#supervise(actor),
  };
  readonly #live = new Map<ConversationId, ConversationActor>();
  readonly #unfinished = new Set<ConversationId>();
  #isDraining = false;
  /** Where other servers write, too. */
  readonly #lookOut: LookOut | undefined;
  #turnWatch: TurnWatch | undefined;
  #orderTaker: OrderTaker | undefined;
  #takeBackSweep: (() => void) | undefined;

  constructor(parts: ActorParts) {
    const { orders } = parts.store;
    this.#parts =
      orders === undefined ? parts : { ...parts, relay: new Relay(orders, parts.clock) };
    const live = () => this.#live.values();
    this.#lookOut = parts.store.isShared ? new LookOut(parts, live) : undefined;
    this.#scheduleSweep();
  }

  get size(): number {
    return this.#live.size;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** The actor of a conversation that is live. */
  peek(id: ConversationId): ConversationActor | undefined {
    return this.#live.get(id);
  }

  *actors(): Iterable<ConversationActor> {
    yield* this.#live.values();
  }

  /** Drafts that wait, in all conversations. O(live). */
  mailboxDepth(): number {
    let depth = 0;
    for (const actor of this.#live.values()) depth += actor.mailboxDepth;
    return depth;
  }

  /**
   * Wakes the conversations in which an earlier process left a turn unfinished. Where servers share the store, begins
   * to look after the turns of those that are gone.
   */
  async recoverTurns(): Promise<void> {
    if (!hasAgents(this.#parts)) return;
    if (this.#parts.runner !== undefined) {
      this.#takeOrders();
      this.#turnWatch ??= new TurnWatch(this.#parts, this, this.#parts.runner);
      await this.#turnWatch.start();
      return;
    }
    const found = await this.#parts.store.listConversationsWithOpenTurns();
    if (!found.ok) {
      this.#parts.report('turn_recovery_failed', { cause: found.failure.cause });
      this.#parts.clock.after(LONGEST_RETRY_MS, () => this.#recoverLater());
      return;
    }
    for (const id of found.value) this.#unfinished.add(id);
    for (const id of found.value) await this.get(id);
    if (this.#unfinished.size > 0) {
      this.#parts.clock.after(LONGEST_RETRY_MS, () => this.#recoverLater());
    }
  }

  #takeOrders(): void {
    const { orders } = this.#parts.store;
    if (orders === undefined || this.#orderTaker !== undefined) return;
    this.#orderTaker = new OrderTaker(this.#parts, this, orders);
    this.#orderTaker.start();
  }

  #recoverLater(): void {
    if (this.#isDraining) return;
    this.recoverTurns().catch((cause) => this.#parts.report('turn_recovery_failed', { cause }));
  }

  /** The actor of a conversation, woken if need be. Its first `offer` must follow without an await. */
  async get(id: ConversationId): Promise<Result<ConversationActor, Failure>> {
    const known = this.#live.get(id);
    const actor = known ?? this.#activate(id);
    if (!(actor instanceof ConversationActor)) return err(actor);
    actor.lastUsedAt = this.#parts.clock.now();
    switch (await actor.opened) {
      case 'open':
        if (this.#unfinished.delete(id)) await this.#recover(actor);
        if (known !== undefined && this.#lookOut !== undefined) {
          await this.#lookOut.confirm(known);
          // It was deleted elsewhere, or went to sleep.
          if (known.state === 'passivated') return this.get(id);
        }
        actor.lastUsedAt = this.#parts.clock.now();
        return ok(actor);
      case 'gone':
        return err(failure(this.#isDraining ? 'draining' : 'conversation_not_found'));
      default:
        return err(failure('storage_unavailable'));
    }
  }

  /** Stores a new conversation and wakes it. */
  async create(
    state: ConversationState,
    events: readonly LogEvent[],
  ): Promise<Result<ConversationActor, Failure>> {
    if (this.#isDraining) return err(failure('draining'));
    if (!this.#hasRoom()) return err(failure('overloaded'));
    const created = await this.#parts.store.create(state, events);
    if (created.ok) {
      const { id } = state.conversation;
      // It is stored, so it is not refused, though others may have taken the room meanwhile.
      if (!this.#live.has(id)) this.#wake(id);
      return this.get(id);
    }
    const { failure: refused } = created;
    return err(refused.reason === 'already_exists' ? failure('already_exists') : failed(refused));
  }

  /** Erases a conversation; who listens is told to go. False when there was none. */
  async remove(id: ConversationId): Promise<Result<boolean, Failure>> {
    const removed = await this.#parts.store.remove(id);
    if (!removed.ok) {
      // Whether it is gone shows when it is read anew.
      if (removed.failure.outcome === 'unknown') void this.#live.get(id)?.lookAnew();
      return err(failed(removed.failure));
    }
    this.#live.get(id)?.close();
    return removed;
  }

  /** Refuses people, gives running turns `drainMs`, commits what is in the mailboxes, and stops them all. */
  async drain(drainMs: number): Promise<void> {
    this.#isDraining = true;
    this.#takeBackSweep?.();
    this.#lookOut?.stop();
    this.#turnWatch?.stop();
    const actors = [...this.#live.values()];
    const silent = Promise.all(actors.map((actor) => actor.closeDoor()));
    let takeBack = () => {};
    const late = new Promise<void>((resolve) => {
      takeBack = this.#parts.clock.after(drainMs, resolve);
    });
    await Promise.race([silent, late]);
    takeBack();
    this.#orderTaker?.stop();
    await Promise.all([...this.#live.values()].map((actor) => actor.stop()));
  }

  #activate(id: ConversationId): ConversationActor | Failure {
    if (this.#isDraining) return failure('draining');
    return this.#hasRoom() ? this.#wake(id) : failure('overloaded');
  }

  #hasRoom(): boolean {
    const { maxLive } = this.#parts.limits;
    if (this.#live.size >= maxLive) this.#makeRoom();
    return this.#live.size < maxLive;
  }

  #wake(id: ConversationId): ConversationActor {
    const actor = new ConversationActor(id, this.#parts, this.#hooks);
    this.#live.set(id, actor);
    actor.start();
    return actor;
  }

  #forget(actor: ConversationActor): void {
    if (this.#live.get(actor.id) === actor) this.#live.delete(actor.id);
  }

  /** One that never opened is forgotten: its callers know. One that was open is brought back. */
  #supervise(actor: ConversationActor): void {
    if (!actor.hasOpened) {
      this.#forget(actor);
      return;
    }
    const delay = Math.min(FIRST_RETRY_MS * 2 ** actor.retries, LONGEST_RETRY_MS);
    actor.retries += 1;
    // Half of it by chance: thousands that failed together do not come back together.
    this.#parts.clock.after(delay * (0.5 + Math.random() / 2), () => actor.retry());
  }

  async #recover(actor: ConversationActor): Promise<void> {
    // What is asked for from now on is taken up as it commits.
    const { headSeq } = actor.conversation;
    const open = await this.#parts.store.readOpenTurns(actor.id);
    if (!open.ok) {
      this.#unfinished.add(actor.id);
      return;
    }
    actor.turns?.enqueue(open.value.filter(({ triggerSeq }) => triggerSeq <= headSeq));
  }

  #scheduleSweep(): void {
    const start = () => this.#sweep(this.#live.values());
    this.#takeBackSweep = this.#parts.clock.after(SWEEP_MS, start);
  }

  /** One sweep for the process, in parts: a hundred thousand that are quiet must not hold up those who talk. */
  #sweep(left: Iterator<ConversationActor>): void {
    const now = this.#parts.clock.now();
    for (let looked = 0; looked < SWEEP_PART; looked += 1) {
      const { done, value } = left.next();
      if (done === true) {
        this.#scheduleSweep();
        return;
      }
      value.sweep(now, SWEEP_MS);
    }
    this.#takeBackSweep = this.#parts.clock.after(SWEEP_PAUSE_MS, () => this.#sweep(left));
  }

  /** Stops the least recently used that nobody needs, and nobody asked for a moment ago and has yet to use. */
  #makeRoom(): void {
    const latest = this.#parts.clock.now() - SETTLED_MS;
    const byUse = [...this.#live.values()].sort((a, b) => a.lastUsedAt - b.lastUsedAt);
    let room = MAKE_ROOM;
    for (const actor of byUse) {
      if (room === 0 || actor.lastUsedAt > latest) return;
      if (actor.passivateIfIdle()) room -= 1;
    }
  }
}

/** 503 promises that nothing was stored: where nobody knows, it is not said. */
function failed({ cause, outcome }: Unavailable): Failure {
  return outcome === 'none'
    ? failure('storage_unavailable', { cause })
    : failure('internal', { cause, message: 'It is not known whether this was done; look again.' });
}
