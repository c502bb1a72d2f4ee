import { decodeBody, isKind, type LogEvent } from '../src/domain/event.ts';
import { type Failure, failure } from '../src/domain/failure.ts';
import type { ParticipantId } from '../src/domain/ids.ts';
import type { Result } from '../src/domain/result.ts';
import type { EventPage } from '../storage/store.ts';
import type { Clock } from './clock.ts';
import { FanOut } from './fan-out.ts';
import type { Encoder, Notice, Origin, Publish } from './outlet.ts';
import { type Listener, Subscription } from './subscription.ts';

/** A page of the log for one who is behind: events, and characters of their bodies. */
const PAGE_EVENTS = 256;
const PAGE_CHARS = 256 * 1024;
/** Newest events kept while somebody is behind, so that reading the store always ends. */
const RECENT_EVENTS = 256;
/** Characters of notices after which the listeners' budgets are looked at. */
const NOTICE_CHECK_CHARS = 16 * 1024;

export interface AudienceOptions {
  readonly topic: string;
  readonly encoder: Encoder;
  readonly publish: Publish;
  readonly clock: Clock;
  /** Unread bytes of a connection above which it is congested. */
  readonly outboundBytes: number;
  readonly counters: AudienceCounters;
  origin(): Origin;
  headSeq(): number;
  firstSeq(): number;
  /** The log is not what it is known as: another trimmed it. What is known is to be read anew, then `goOn` follows. */
  onHole(): void;
  readEvents(page: EventPage): Promise<Result<readonly LogEvent[], unknown>>;
  /** Frames of the running turns, for one who has missed deltas. */
  turnSnapshots(): readonly Notice[];
  /** The log could not be read for this one; it is closed to come back later. */
  onReadFailed(cause: unknown): void;
}

export interface AudienceCounters {
  deliveries: number;
  congested: number;
  replayed: number;
}

/**
 * The subscriptions of one conversation.
 *
 * Owns: who is live, who is behind, and at which seq. Does not own: sockets, how frames reach the live (fan-out.ts),
 * the log, membership.
 * Invariants: A1. A live subscription has been given every event up to the head, in order, each once.
 * A2. One that is behind is not in the topic, and its `position` says where it is.
 * A3. It becomes live in the same turn of the event loop in which its position is found to be the head.
 * A4. No queue grows here: who has too much unread is left at its position.
 * A5. Whose position is below the log's beginning is let go of with `trimmed`: nobody skips what is gone unknowingly.
 */
export class Audience {
  readonly #options: AudienceOptions;
  readonly #live: FanOut;
  readonly #behind = new Set<Subscription>();
  readonly #byParticipant = new Map<ParticipantId, Set<Subscription>>();
  #recent: LogEvent[] = [];
  #noticeChars = 0;

  constructor(options: AudienceOptions) {
    this.#options = options;
    const { topic, publish } = options;
    this.#live = new FanOut({ topic, publish, byParticipant: this.#byParticipant });
  }

  get size(): number {
    return this.#live.size + this.#behind.size;
  }

  isOnline(participantId: ParticipantId): boolean {
    return this.#byParticipant.has(participantId);
  }

  /** Everyone who listens. */
  online(): ParticipantId[] {
    return [...this.#byParticipant.keys()];
  }

  /** Starts at `position`; what is after it follows, then `live`. */
  attach(listener: Listener, position: number): Subscription {
    const { participantId } = listener;
    const subscription = new Subscription(listener, position);
    this.#behind.add(subscription);
    const own = this.#byParticipant.get(participantId);
    if (own === undefined) this.#byParticipant.set(participantId, new Set([subscription]));
    else own.add(subscription);
    return subscription;
  }

  /** Begins, or goes on, to bring one up to the head. */
  catchUp(subscription: Subscription): void {
    if (subscription.isReading) return;
    this.#pump(subscription).catch((cause) => this.#giveUp(subscription, cause));
  }

  detach(subscription: Subscription): void {
    if (!subscription.step('CLOSE')) return;
    this.#live.remove(subscription);
    this.#behind.delete(subscription);
    const own = this.#byParticipant.get(subscription.participantId);
    own?.delete(subscription);
    if (own?.size === 0) this.#byParticipant.delete(subscription.participantId);
    if (subscription.congestedSince !== undefined) this.#options.counters.congested -= 1;
    this.#forgetRecent();
  }

  /** Lets go of all, or of one participant's, and tells each why. */
  dismiss(reason: Failure, participantId?: ParticipantId): void {
    const leaving =
      participantId === undefined
        ? [...this.#live.live, ...this.#behind]
        : [...(this.#byParticipant.get(participantId) ?? [])];
    for (const subscription of leaving) this.#letGo(subscription, reason);
  }

  /**
   * Gives a committed batch to every live subscription. The head is already moved. Who left is let go of between
   * their own leaving and what comes after it.
   */
  deliver(events: readonly LogEvent[]): void {
    for (const event of events) {
      if (this.#live.size > 0) this.#deliverEvent(event);
      if (isKind(event, 'participant.left')) {
        this.dismiss(failure('not_a_participant'), decodeBody(event).participant.id);
      }
    }
    if (this.#behind.size > 0) this.#keepRecent(events);
    this.#checkBudgets(this.#options.headSeq());
  }

  /** The head was moved by somebody else: everyone reads on from `from`. */
  reread(from: number): void {
    // There is a hole between what was kept and what comes next.
    this.#recent = [];
    for (const subscription of [...this.#live.live]) {
      subscription.step('STALE');
      this.#fallBehind(subscription, from);
      this.catchUp(subscription);
    }
  }

  /** What is known of the conversation was read anew: who is behind, and is not reading, goes on. */
  goOn(): void {
    for (const subscription of [...this.#behind]) {
      if (subscription.state === 'replaying') this.catchUp(subscription);
    }
  }

  /** Says something without a seq to the live ones, except `except`'s own connections. */
  notify(notice: Notice, except?: ParticipantId): void {
    const frame = this.#options.encoder.notice(this.#options.origin(), notice);
    this.#live.send(frame, except && { participantId: except, frame: undefined });
    if (notice.kind === 'turn.ended') {
      for (const subscription of this.#behind) subscription.missEnd(frame);
    }
    this.#noticeChars += frame.length;
    if (this.#noticeChars > NOTICE_CHECK_CHARS) this.#checkBudgets(this.#options.headSeq());
  }

  /** The connection has room again. */
  drained(subscription: Subscription): void {
    if (subscription.state !== 'congested' || this.#isOver(subscription, 0.5)) return;
    subscription.step('DRAINED');
    subscription.congestedSince = undefined;
    this.#options.counters.congested -= 1;
    this.catchUp(subscription);
  }

  /** Lets the congested ones go on that have room, and closes those that have had none since `deadline`. */
  closeHopeless(deadline: number): void {
    for (const subscription of [...this.#behind]) {
      this.drained(subscription);
      const { congestedSince } = subscription;
      if (congestedSince === undefined || congestedSince > deadline) continue;
      subscription.outlet.close('slow_consumer');
    }
  }

  #letGo(subscription: Subscription, reason: Failure): void {
    this.detach(subscription);
    subscription.listener.dismissed(reason);
  }

  #deliverEvent(event: LogEvent): void {
    const { encoder } = this.#options;
    const origin = this.#options.origin();
    const frame = encoder.event(origin, event, false);
    const own = event.key === null ? undefined : encoder.event(origin, event, true);
    this.#options.counters.deliveries += this.#live.size;
    const special = own === undefined ? undefined : { participantId: event.author.id, frame: own };
    this.#live.send(frame, special, event.seq);
  }

  #checkBudgets(headSeq: number): void {
    this.#noticeChars = 0;
    for (const subscription of this.#live.live) this.#congestIfOver(subscription, headSeq);
  }

  #congestIfOver(subscription: Subscription, position: number): boolean {
    if (!this.#isOver(subscription)) return false;
    // What is only queued here goes out now: `drained` is told of what the other side has not read.
    subscription.outlet.flush();
    if (!this.#isOver(subscription)) return false;
    this.#congest(subscription, position);
    return true;
  }

  #congest(subscription: Subscription, position: number): void {
    subscription.step('OVER');
    subscription.congestedSince = this.#options.clock.now();
    this.#options.counters.congested += 1;
    this.#fallBehind(subscription, position);
  }

  #fallBehind(subscription: Subscription, position: number): void {
    if (!this.#live.remove(subscription)) return;
    subscription.position = position;
    this.#behind.add(subscription);
  }

  #isOver(subscription: Subscription, share = 1): boolean {
    return subscription.outlet.bufferedBytes() > this.#options.outboundBytes * share;
  }

  async #pump(subscription: Subscription): Promise<void> {
    subscription.isReading = true;
    try {
      while (subscription.state === 'replaying') {
        const { position } = subscription;
        const isGone = position < this.#options.firstSeq() - 1;
        if (isGone) return this.#letGo(subscription, failure('trimmed')); // A5
        if (position >= this.#options.headSeq()) return this.#goLive(subscription);
        // Before each page: a connection has one budget, however often and wherever it joins.
        if (this.#congestIfOver(subscription, position)) return;
        const events = this.#recentAfter(position) ?? (await this.#readAfter(position));
        // It may have been let go of while its page was read.
        if (subscription.state !== 'replaying') return;
        if (events[0]?.seq === position + 1) this.#give(subscription, events);
        else if (position >= this.#options.firstSeq() - 1) return this.#lookAtHole(subscription);
      }
    } finally {
      // At once: whoever is behind again in the next microtask needs a pump of its own.
      subscription.isReading = false;
    }
  }

  /** A page of the log up to the head; throws when it can't be read. */
  async #readAfter(afterSeq: number): Promise<readonly LogEvent[]> {
    const page = { afterSeq, limit: PAGE_EVENTS, maxChars: PAGE_CHARS };
    const read = await this.#options.readEvents(page);
    if (!read.ok) throw new Error('the log could not be read', { cause: read.failure });
    const headSeq = this.#options.headSeq();
    // Another writer may be ahead of us: its events are given when the head is there, with everybody's.
    return read.value.at(-1)?.seq === headSeq
      ? read.value
      : read.value.filter(({ seq }) => seq <= headSeq);
  }

  /** Another trimmed the log, or a trimming of ours is durable and not yet heard of. */
  #lookAtHole(subscription: Subscription): void {
    if (subscription.isAtHole) throw new Error(`no event after ${subscription.position}`);
    subscription.isAtHole = true;
    this.#options.onHole();
  }

  /** The log can't be read for it now: it may come back with its last seq. */
  #giveUp(subscription: Subscription, cause: unknown): void {
    if (subscription.state === 'closed') return;
    this.#options.onReadFailed(cause);
    subscription.outlet.close('slow_consumer');
  }

  #give(subscription: Subscription, events: readonly LogEvent[]): void {
    const { encoder } = this.#options;
    const origin = this.#options.origin();
    for (const event of events) {
      if (event.seq !== subscription.position + 1) {
        throw new Error(`gap: ${event.seq} after ${subscription.position}`);
      }
      const isOwn = event.key !== null && event.author.id === subscription.participantId;
      subscription.outlet.send(encoder.event(origin, event, isOwn), event.seq);
      subscription.position = event.seq;
    }
    subscription.isAtHole = false;
    subscription.outlet.flush();
    this.#options.counters.replayed += events.length;
    if (this.#isOver(subscription)) this.#congest(subscription, subscription.position);
  }

  #goLive(subscription: Subscription): void {
    const { encoder } = this.#options;
    const origin = this.#options.origin();
    const { outlet } = subscription;
    subscription.step('LEVEL');
    this.#behind.delete(subscription);
    if (!subscription.isAnnounced) {
      subscription.isAnnounced = true;
      outlet.send(encoder.notice(origin, { kind: 'live', headSeq: this.#options.headSeq() }));
    }
    for (const frame of subscription.takeMissedEnds()) outlet.send(frame);
    for (const notice of this.#options.turnSnapshots()) {
      outlet.send(encoder.notice(origin, notice));
    }
    this.#live.add(subscription);
    this.#forgetRecent();
  }

  /** The kept events after `position`, when they reach back to it. */
  #recentAfter(position: number): readonly LogEvent[] | undefined {
    const [first] = this.#recent;
    if (first === undefined || first.seq > position + 1) return undefined;
    const after = this.#recent.slice(position + 1 - first.seq);
    return after.length === 0 ? undefined : after;
  }

  #keepRecent(events: readonly LogEvent[]): void {
    const deletion = events.findLastIndex(({ kind }) => kind === 'message.deleted');
    // What was deleted, an edit of this batch perhaps, must not be read from here any more.
    if (deletion !== -1) this.#recent = [];
    this.#recent.push(...events.slice(Math.max(deletion, 0)));
    if (this.#recent.length > RECENT_EVENTS) this.#recent = this.#recent.slice(-RECENT_EVENTS);
  }

  #forgetRecent(): void {
    if (this.#behind.size === 0) this.#recent = [];
  }
}
