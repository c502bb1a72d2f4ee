import type { Verdict } from '../src/domain/event.ts';
import type { ParticipantId } from '../src/domain/ids.ts';
import type { EndState } from '../src/domain/turn.ts';
import type { Store } from '../storage/store.ts';
import type { Agent } from './agent-port.ts';
import type { ChainLimits } from './asking.ts';
import type { AudienceCounters } from './audience.ts';
import type { Clock } from './clock.ts';
import type { CommitTick } from './commit-tick.ts';
import type { ConversationActor } from './conversation-actor.ts';
import type { Encoder, Publish } from './outlet.ts';
import type { Relay } from './relay.ts';
import type { TurnLimits } from './turn-host.ts';

export interface ActorLimits extends ChainLimits {
  /** Drafts that may wait in a conversation. */
  readonly mailboxCapacity: number;
  readonly maxParticipants: number;
  /** Turns of one agent that have not ended, in one conversation. */
  readonly maxQueuedTurns: number;
  /** Conversations that may be live at once. */
  readonly maxLive: number;
  /** Milliseconds without use after which a conversation that nobody listens to is stopped. */
  readonly idleMs: number;
  /** Unread bytes of a connection above which it is congested. */
  readonly outboundBytes: number;
  /** Milliseconds a connection may stay congested. */
  readonly slowConsumerMs: number;
  readonly turns: TurnLimits;
  /** Milliseconds without a sign of life after which another server takes a turn, where servers share a store. */
  readonly turnLeaseMs: number;
}

/** Plain numbers, read when somebody looks: counting costs the hot path an addition. */
interface Counters extends AudienceCounters {
  /** A batch of so many events was committed. */
  readonly commit: (events: number) => void;
  readonly turnEnded: (state: EndState, tookMs: number) => void;
  /** Somebody decided about a tool call, and it is in the log. */
  readonly decided: (verdict: Verdict) => void;
}

/** Tells the log about something that is nobody's answer: an event name, ids, and the cause. */
type Report = (event: string, about: Readonly<Record<string, unknown>>) => void;

/** What every conversation of a process shares. */
export interface ActorParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly tick: CommitTick;
  readonly encoder: Encoder;
  readonly publish: Publish;
  /** A conversation has given a batch to who listens, and its senders are answered. */
  readonly batchSaid?: () => void;
  readonly counters: Counters;
  readonly report: Report;
  readonly limits: ActorLimits;
  /** Who answers as an agent that has none of its own in `agents`. */
  readonly agent?: Agent | undefined;
  /** Agents by the participant id under which they sit in conversations. */
  readonly agents?: ReadonlyMap<ParticipantId, Agent> | undefined;
  /** The name of this server among those that share the store; absent where there are no others. */
  readonly runner?: string | undefined;
  /** The way to turns that other servers run; made where the store has one. */
  readonly relay?: Relay | undefined;
}

export interface ActorHooks {
  /** It is stopped, and takes nothing any more. */
  readonly passivated: (actor: ConversationActor) => void;
  /** It can't go on by itself; `retry` brings it back. */
  readonly failed: (actor: ConversationActor) => void;
}
