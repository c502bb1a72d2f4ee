import type { Usage } from './event.ts';
import type { ConversationId, ParticipantId, TurnId } from './ids.ts';

export const TURN_STATES = [
  'queued',
  'thinking',
  'streaming',
  'awaiting_approval',
  'committing',
  'completed',
  'cancelled',
  'superseded',
  'failed',
] as const;
export type TurnState = (typeof TURN_STATES)[number];

const OVER = ['completed', 'cancelled', 'superseded', 'failed'] as const;
export type EndState = (typeof OVER)[number];

export function isOver(state: TurnState): state is EndState {
  return (OVER as readonly TurnState[]).includes(state);
}

export interface TurnError {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
}

/**
 * The durable record of a turn. It is written when the message that asks for it commits, when an attempt
 * begins, and when it ends; `text` is kept only at the end. Times are milliseconds since 1970.
 */
export interface Turn {
  readonly id: TurnId;
  readonly conversationId: ConversationId;
  readonly agentId: ParticipantId;
  readonly agentName: string;
  /** The seq of the message it answers. */
  readonly triggerSeq: number;
  readonly state: TurnState;
  /** 0 while queued, then 1, 2, … */
  readonly attempt: number;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly usage: Usage | null;
  readonly error: TurnError | null;
  /** The seq of the final message, when there is one. */
  readonly messageSeq: number | null;
  /** Where servers share a store: which of them runs it, and how often it has said so. */
  readonly lease?: { readonly runner: string; readonly renewals: number };
}
