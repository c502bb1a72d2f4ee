import type { Usage, Verdict } from './event.ts';
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
  /** Milliseconds after which it may be asked again, where that is known. */
  readonly retry_after_ms?: number;
}

/** One answer of the model inside a turn that asked for tools. Part of the durable record of the turn. */
export interface TurnStep {
  /** Empty when the turn has ended: then it is in its message, from where it can be deleted. */
  readonly text: string;
  readonly calls: readonly TurnCall[];
}

/** One call of a tool. Its id is its own in the turn: a call that was begun is never begun again. */
export interface TurnCall {
  readonly callId: string;
  readonly name: string;
  /** JSON, bounded. */
  readonly args: unknown;
  readonly needsApproval: boolean;
  /** Its result shows messages or documents, which can be deleted: it is not kept when the turn has ended. */
  readonly forgets?: true;
  /** `waiting` for a decision; `running` from before it runs; `done` with an outcome, or rejected. */
  readonly state: 'waiting' | 'running' | 'done';
  /** When it was asked for, where it needs approval: it expires some time after. */
  readonly askedAt?: number;
  readonly decision?: TurnDecision;
  readonly outcome?: CallOutcome;
}

export interface TurnDecision {
  readonly by: ParticipantId;
  readonly verdict: Verdict;
  readonly reason?: string;
  readonly at: number;
}

/** What came of a call: a JSON result, or an error in words that the model and people may read. Bounded. */
export interface CallOutcome {
  readonly result?: unknown;
  readonly error?: string;
  readonly durationMs: number;
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
  /** What its attempts asked of tools so far; absent when nothing. */
  readonly steps?: readonly TurnStep[];
  /** The people who asked for it: tools see what all of them may see. Absent in records older than it. */
  readonly askedBy?: readonly ParticipantId[];
  /** Where an agent's message asked for it: how many of those lie behind it, and how many turns may still follow. */
  readonly chain?: { readonly hops: number; readonly left: number };
  /** Attempts that a stop of the server cut off while they waited for people: they are not held against it. */
  readonly patientAttempts?: number;
  /** Where servers share a store: which of them runs it, and how often it has said so. */
  readonly lease?: { readonly runner: string; readonly renewals: number };
}
