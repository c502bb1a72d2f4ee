import {
  type SubscriptionEvent,
  type SubscriptionState,
  subscriptionChart,
} from '../machines/subscription.ts';
import type { Failure } from '../src/domain/failure.ts';
import type { ParticipantId } from '../src/domain/ids.ts';
import type { Outlet } from './outlet.ts';

/** Notices of ended turns kept for one who is behind; more turns than this can't have been running. */
const MISSED_ENDS = 32;

/** Whose connection it is. */
export interface Listener {
  readonly outlet: Outlet;
  readonly participantId: ParticipantId;
  /** It was let go of: the conversation stopped, they are no participant any more, or its place was trimmed. */
  readonly dismissed: (reason: Failure) => void;
}

/**
 * A connection in a conversation. Owns its state and its position; the audience moves it.
 * Invariant B1: while it is not live, every event up to `position` was given to the outlet, and none after it.
 */
export class Subscription {
  readonly listener: Listener;
  readonly outlet: Outlet;
  readonly participantId: ParticipantId;
  /** The seq it was last given. Kept up only while it is not live: a live one is at the head. */
  position: number;
  /** Since when it has been congested, by the clock; undefined when it is not. */
  congestedSince: number | undefined;
  /** It has been told that it is live. */
  isAnnounced = false;
  /** The log did not go on where it stands: what is known of the conversation is being read anew. */
  isAtHole = false;
  /** A page is being read for it. */
  isReading = false;
  /** The seq at which its participant spoke last, while that keeps it out of the topic (fan-out.ts). */
  spokeAt: number | undefined;
  #state: SubscriptionState = subscriptionChart.initial;
  #missedEnds: string[] = [];

  constructor(listener: Listener, position: number) {
    this.listener = listener;
    this.outlet = listener.outlet;
    this.participantId = listener.participantId;
    this.position = position;
  }

  get state(): SubscriptionState {
    return this.#state;
  }

  /** False, and nothing changed, when the chart does not allow it. */
  step(event: SubscriptionEvent): boolean {
    const next = subscriptionChart.next(this.#state, event);
    if (next === undefined) return false;
    this.#state = next;
    return true;
  }

  /** A turn ended while it was behind: it learns so when it is level. */
  missEnd(frame: string): void {
    if (this.#missedEnds.length < MISSED_ENDS) this.#missedEnds.push(frame);
  }

  takeMissedEnds(): string[] {
    const missed = this.#missedEnds;
    this.#missedEnds = [];
    return missed;
  }
}
