import type { Settings } from '../src/domain/conversation.ts';
import type { Failure } from '../src/domain/failure.ts';
import type { ParticipantId, TurnId } from '../src/domain/ids.ts';
import type { Author, Member, Role } from '../src/domain/participant.ts';
import type { Result } from '../src/domain/result.ts';
import type { Turn } from '../src/domain/turn.ts';

/** What a sender learns when its draft is durable. */
export interface Receipt {
  readonly seq: number;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** The same key was stored before: this is that event's receipt. */
  readonly duplicate: boolean;
}

export type Outcome = Result<Receipt, Failure>;

interface Sent {
  readonly author: Author;
  readonly key: string | null;
  /** Called once, in the turn of the event loop that knows the outcome. Must not throw. */
  readonly settle: (outcome: Outcome) => void;
}

export interface AgentAsk {
  readonly agentId: ParticipantId;
  readonly turnId: TurnId;
}

export interface MessageDraft extends Sent {
  readonly kind: 'message';
  readonly content: string;
  /** The encoded `MessageBody`. */
  readonly body: string;
  /** Who its author was found to be in `among`, the members at the time: while those stand, nobody need look again. */
  readonly member?: Member | undefined;
  readonly among?: ReadonlyMap<ParticipantId, Member>;
  readonly replyTo?: number;
  /** An agent that is to answer it whatever its policy says, in this turn. */
  readonly asks?: AgentAsk;
  /** The record of the turn that this message ends, committed with it. */
  readonly ends?: Turn;
}

/** A change that somebody asks to be made durable. One draft becomes one event, or none. */
export type Draft =
  | MessageDraft
  | (Sent & { readonly kind: 'message.edited'; readonly targetSeq: number; readonly body: string })
  | (Sent & { readonly kind: 'message.deleted'; readonly targetSeq: number; readonly body: string })
  | (Sent & { readonly kind: 'participant.joined'; readonly member: Member })
  | (Sent & { readonly kind: 'participant.left'; readonly participantId: ParticipantId })
  | (Sent & {
      readonly kind: 'participant.role_changed';
      readonly participantId: ParticipantId;
      readonly role: Role;
    })
  | (Sent & { readonly kind: 'conversation.updated'; readonly changes: Partial<Settings> })
  /** Somebody decides about a tool call of the turn; its record is committed with the event. */
  | (Sent & { readonly kind: 'turn.decided'; readonly body: string; readonly turn: Turn })
  /** An agent is to answer a message that is there; becomes no event. */
  | (Sent & {
      readonly kind: 'ask';
      readonly agentId: ParticipantId;
      readonly triggerSeq: number;
      readonly turnId: TurnId;
    })
  /** The record of a turn alone; becomes no event. */
  | (Sent & { readonly kind: 'turn'; readonly turn: Turn })
  /** The log is to begin at `firstSeq`, or behind its head; becomes no event. */
  | (Sent & { readonly kind: 'trimmed'; readonly firstSeq: number });

/** A draft before anybody waits for it. */
export type Unsettled<D extends Draft> = D extends unknown ? Omit<D, 'settle'> : never;
