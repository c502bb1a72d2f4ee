import type { ConversationPort } from '../machines/conversation.ts';
import type { Conversation, ConversationState } from '../src/domain/conversation.ts';
import { decodeBody, isKind } from '../src/domain/event.ts';
import { type Failure, failure } from '../src/domain/failure.ts';
import type { ConversationId, ParticipantId, TurnId } from '../src/domain/ids.ts';
import type { Member } from '../src/domain/participant.ts';
import { err } from '../src/domain/result.ts';
import type { ActorHooks, ActorParts } from './actor-parts.ts';
import { ActorView } from './actor-view.ts';
import { type Asked, lateTurns, seatAgents, takeTurns } from './agent-seat.ts';
import { Audience } from './audience.ts';
import { AudienceView } from './audience-view.ts';
import type { Draft, Outcome, Unsettled } from './draft.ts';
import { Interpreter } from './interpreter.ts';
import type { Notice, TurnSnapshot } from './outlet.ts';
import { type Headless, PlainBatch } from './plain-batch.ts';
import { isAnother, readAnew } from './read-anew.ts';
import { RecentSeqs } from './recent-seqs.ts';
import type { Seats } from './seats.ts';
import type { Staged, StageView } from './stage.ts';
import type { Listener, Subscription } from './subscription.ts';
import { Waiting } from './waiting.ts';
import { Writer, type WriterHost } from './writer.ts';

export type Opened = 'open' | 'gone' | 'failed';

/** Milliseconds without use after which a conversation keeps no more than it needs to be woken at once. */
const REST_AFTER_MS = 5_000;

/**
 * One conversation, running: an XState actor around a mailbox, a log, an audience and the agent's turns.
 *
 * Owns: the head, the settings and the members while it is open. Does not own: what is durable (the store),
 * sockets (outlets), who may come in (`access.ts`).
 * Invariants: C1. The head moves only in `committed`, after the store said ok, or by reading it again.
 * C2. Between moving the head and giving the events to the audience nothing else runs.
 * C3. After a failure nothing is taken until the head was read again.
 */
export class ConversationActor implements ConversationPort, WriterHost {
  readonly id: ConversationId;
  readonly store: ActorParts['store'];
  readonly clock: ActorParts['clock'];
  readonly tick: ActorParts['tick'];
  readonly mailboxCapacity: number;
  /** The way to turns that other servers run. */
  readonly relay: ActorParts['relay'];
  /** The first answer of the store. */
  readonly opened: Promise<Opened>;
  lastUsedAt: number;
  retries = 0;
  readonly #parts: ActorParts;
  readonly #hooks: ActorHooks;
  readonly #writer: Writer;
  readonly recent = new RecentSeqs();
  // Most conversations never have these: they are made when they are needed.
  #audience: Audience | undefined;
  #turns: Seats | undefined;
  #open: (outcome: Opened) => void = () => {};
  readonly #stopped = new Waiting();
  readonly #chart: Interpreter;
  /** Its head may be an older one: `#headSeq` is the head. */
  #conversation: Conversation | undefined;
  #headSeq = 0;
  #members: ReadonlyMap<ParticipantId, Member> = new Map();
  #refusal: Failure | undefined;
  /** People are refused; the agent may still finish what it says. */
  #isClosing = false;
  #isDraining = false;
  readonly #looked = new Waiting();

  constructor(id: ConversationId, parts: ActorParts, hooks: ActorHooks) {
    this.id = id;
    this.#parts = parts;
    this.#hooks = hooks;
    this.store = parts.store;
    this.clock = parts.clock;
    this.tick = parts.tick;
    this.mailboxCapacity = parts.limits.mailboxCapacity;
    this.relay = parts.relay;
    this.lastUsedAt = parts.clock.now();
    this.opened = new Promise((resolve) => {
      this.#open = resolve;
    });
    this.#writer = new Writer(this);
    this.#chart = new Interpreter(this);
  }

  /** Who listens. Made with the first use: a conversation without listeners is small. */
  get audience(): Audience {
    this.#audience ??= new Audience(new AudienceView(this, this.#parts));
    return this.#audience;
  }

  /** The agents' turns; undefined when the process has no agent. */
  get turns(): Seats | undefined {
    this.#turns ??= seatAgents(this, this.#parts);
    return this.#turns;
  }

  get conversation(): Conversation {
    const conversation = this.headless as Conversation;
    const headSeq = this.#headSeq;
    if (conversation.headSeq !== headSeq) this.#conversation = { ...conversation, headSeq };
    return this.#conversation ?? conversation;
  }

  /** The same for who does not ask for the head, at no cost. */
  get headless(): Headless {
    if (this.#conversation === undefined) throw new Error(`conversation ${this.id} is not open`);
    return this.#conversation;
  }

  get headSeq(): number {
    return this.#headSeq;
  }

  get members(): ReadonlyMap<ParticipantId, Member> {
    return this.#members;
  }

  get mailboxDepth(): number {
    return this.#writer.depth;
  }

  /** `loading`, `open.idle`, `open.writing`, `draining`, `failed` or `passivated`. */
  get state(): string {
    return this.#chart.state;
  }

  start(): void {
    this.#chart.start();
  }

  /** Takes a draft, or answers why not; a taken draft is settled later. */
  offer(draft: Draft): Failure | undefined {
    this.lastUsedAt = this.#parts.clock.now();
    const refused = this.#refuses(draft) ?? this.#writer.offer(draft);
    if (refused === undefined && !this.#writer.isOn) this.#chart.say('MAIL');
    return refused;
  }

  /** The same as a promise. */
  post(draft: Unsettled<Draft>): Promise<Outcome> {
    return new Promise((resolve) => {
      const refused = this.offer({ ...draft, settle: resolve } as Draft);
      if (refused !== undefined) resolve(err(refused));
    });
  }

  /** Lets a connection listen, from `position` on. The caller says `catchUp` when it has said `joined`. */
  attach(listener: Listener, position: number): Subscription {
    const { participantId } = listener;
    this.lastUsedAt = this.#parts.clock.now();
    const wasOnline = this.audience.isOnline(participantId);
    const subscription = this.audience.attach(listener, position);
    if (!wasOnline) this.notify({ kind: 'presence', participantId, online: true }, participantId);
    return subscription;
  }

  detach(subscription: Subscription): void {
    const { participantId } = subscription;
    if (subscription.state === 'closed') return;
    this.audience.detach(subscription);
    this.lastUsedAt = this.#parts.clock.now();
    if (!this.audience.isOnline(participantId)) this.#tellGone(participantId);
  }

  notify(notice: Notice, except?: ParticipantId): void {
    if (this.#conversation !== undefined) this.#audience?.notify(notice, except);
  }

  turnSnapshots(): TurnSnapshot[] {
    return this.#turns?.snapshots() ?? [];
  }

  /** Undefined when the turn was told to stop. */
  cancelTurn(id: TurnId): Failure | undefined {
    return this.turns === undefined ? failure('turn_not_found') : this.turns.cancel(id);
  }

  get isOpen(): boolean {
    return this.state.startsWith('open');
  }

  /** Connections that listen. */
  get listeners(): number {
    return this.#audience?.size ?? 0;
  }

  /** Resolves when what is being written has its outcome; undefined when nothing is. */
  get landing(): Promise<void> | undefined {
    return this.#writer.landing;
  }

  /** The store has answered for it at least once. */
  get hasOpened(): boolean {
    return this.#conversation !== undefined;
  }

  /** Stops it when nobody needs it. */
  passivateIfIdle(): boolean {
    if (this.#isNeeded() || !this.hasOpened) return false;
    if (this.#writer.isOn) this.#chart.say('QUIET');
    this.#chart.say('PASSIVATE');
    return true;
  }

  /** Housekeeping, now and then: lets a quiet writer rest, and stops what nobody needs. */
  sweep(now: number, quietMs: number): void {
    this.#audience?.closeHopeless(now - this.#parts.limits.slowConsumerMs);
    if (this.#writer.isOn && this.#writer.isEmpty && now - this.#writer.lastWriteAt >= quietMs) {
      this.#chart.say('QUIET');
    }
    if (!this.#isNeeded() && now - this.lastUsedAt >= this.#parts.limits.idleMs) {
      this.#chart.say('PASSIVATE');
    }
    this.#writer.sweep(now);
    if (now - this.lastUsedAt < REST_AFTER_MS) return;
    if (this.#audience?.size === 0) this.#audience = undefined;
    this.#chart.restIfIdle();
  }

  /**
   * Reads anew what others may have written meanwhile. Resolves when it is known, or the store did not answer. While
   * it is being read already, or can't be, that is what is waited for.
   */
  lookAnew(): Promise<void> {
    const isLoading = this.state === 'loading';
    if (!isLoading && !this.isOpen) return Promise.resolve();
    const looked = this.#looked.wait();
    if (!isLoading) this.#chart.say('STALE');
    return looked;
  }

  retry(): void {
    this.#chart.say('RETRY');
  }

  /** The process is about to stop: people are refused, and the promise is kept when the agent is silent. */
  async closeDoor(): Promise<void> {
    this.#isClosing = true;
    await this.#turns?.whenIdle();
  }

  /** Cuts the agent off, commits what was taken, and stops. */
  async stop(): Promise<void> {
    this.#isClosing = true;
    this.#turns?.cutOff();
    if (this.state === 'passivated') return;
    const stopped = this.#stopped.wait();
    this.#chart.say('DRAIN');
    await stopped;
  }

  /** The conversation was deleted: nothing of it may be said any more. */
  close(): void {
    this.#refusal = failure('conversation_not_found');
    this.#writer.refuseAll(this.#refusal);
    this.#chart.say('GONE');
  }

  // What the states of the machine do.

  load(): void {
    this.#load()
      .catch((cause) => this.crashed(cause))
      .finally(() => this.#looked.tell());
  }

  write(): void {
    this.#writer.turnOn();
  }

  rest(): void {
    this.#writer.turnOff();
  }

  refuse(): void {
    this.#refusal ??= failure('storage_unavailable');
    this.#writer.turnOff();
    this.#writer.refuseAll(this.#refusal);
    this.#open('failed');
    this.#hooks.failed(this);
  }

  drain(): void {
    this.#isDraining = true;
    this.#writer.turnOn();
    this.emptied();
  }

  passivate(): void {
    this.#refusal ??= this.#isClosing
      ? failure('draining')
      : failure('overloaded', { retryAfterMs: 1 });
    this.#writer.close(this.#refusal);
    this.#turns?.cutOff();
    this.#audience?.dismiss(this.#refusal);
    this.#open('gone');
    this.#stopped.tell();
    this.#hooks.passivated(this);
  }

  #isNeeded(): boolean {
    return this.listeners > 0 || this.#turns?.hasWork === true || !this.#writer.isEmpty;
  }

  #refuses(draft: Draft): Failure | undefined {
    if (this.#refusal !== undefined) return this.#writer.refusalOf(draft, this.#refusal);
    return this.#isClosing && draft.author.kind === 'human' ? failure('draining') : undefined;
  }

  async #load(): Promise<void> {
    const before = this.hasOpened ? this.conversation : undefined;
    const { id, store } = this;
    this.#writer.turnOff();
    const parts = { writer: this.#writer, recent: this.recent };
    const found = await readAnew({ id, store, before, ...parts });
    if (this.state !== 'loading') return;
    if (!found.ok) return this.failed(found.failure.cause);
    if (found.value === undefined) this.#refusal = failure('conversation_not_found');
    // Who listens to another one has to come in anew.
    const isOther = before && found.value && isAnother(before, found.value.state.conversation);
    if (found.value === undefined || isOther) return this.#chart.say('GONE');
    const { state, stored } = found.value;
    this.#adopt(state);
    this.#refusal = undefined;
    this.retries = 0;
    this.#chart.say('LOADED');
    this.#open('open');
    if (stored !== undefined) {
      // A batch thought lost: what it led to is taken up now, and begins when its readers have caught up.
      this.#writer.settleUnsure();
      this.#takeTurns(lateTurns(stored));
    }
    if (this.#writer.depth > 0) this.#chart.say('MAIL');
  }

  #adopt({ conversation, members }: ConversationState): void {
    const before = this.hasOpened ? this.conversation : undefined;
    this.#conversation = conversation;
    this.#headSeq = conversation.headSeq;
    this.#members = new Map(members.map((member) => [member.id, member]));
    if (before === undefined) return;
    // Another writer was here, or a batch thought lost was stored: the readers have yet to see it.
    if (before.headSeq !== conversation.headSeq) this.#audience?.reread(before.headSeq);
    this.#audience?.goOn();
    for (const id of this.#audience?.online() ?? []) {
      if (this.#members.has(id)) continue;
      this.#audience?.dismiss(failure('not_a_participant'), id);
      this.#tellGone(id);
    }
  }

  view(): StageView {
    return new ActorView(this, this.#parts, this.#turns);
  }

  committed(staged: Staged): void {
    const { events } = staged;
    if (staged instanceof PlainBatch) {
      this.#headSeq = staged.event.seq;
    } else {
      this.#conversation = staged.conversation;
      this.#headSeq = staged.conversation.headSeq;
      this.#members = staged.members;
    }
    for (const event of events) this.recent.remember(event);
    this.#audience?.deliver(events);
    for (const event of events)
      if (isKind(event, 'participant.left')) this.#tellGone(decodeBody(event).participant.id);
    this.#parts.counters.commit(events.length);
    this.#takeTurns(staged);
  }

  said(): void {
    this.#parts.batchSaid?.();
  }

  #takeTurns(staged: Asked): void {
    if (staged.asked.length > 0 && this.turns !== undefined) takeTurns(this.turns, staged);
  }

  #tellGone(participantId: ParticipantId): void {
    this.notify({ kind: 'presence', participantId, online: false });
  }

  emptied(): void {
    if (this.#isDraining && this.#writer.isEmpty) this.#chart.say('DRAINED');
  }

  stale(): void {
    this.#chart.say('STALE');
  }

  failed(cause: unknown): void {
    this.#refusal = failure('storage_unavailable', { cause });
    this.#parts.report('conversation_failed', { conversation_id: this.id, cause });
    this.#chart.say('FAILED');
  }

  /** A broken invariant: nothing is trusted but the store. */
  crashed(cause: unknown): void {
    this.#parts.report('conversation_crashed', { conversation_id: this.id, cause });
    if (this.state === 'passivated') return;
    this.#refusal = failure('internal');
    if (this.#chart.isBroken) this.start();
    else this.#chart.say('FAILED');
  }
}
