import type { TurnId } from '../src/domain/ids.ts';
import type { EndState, Turn } from '../src/domain/turn.ts';
import type { Agent } from './agent-port.ts';
import type { Notice } from './outlet.ts';
import type { ReadMessages } from './turn-history.ts';
import type { RecordHost } from './turn-record.ts';

export interface TurnLimits {
  /** Milliseconds one turn may take in one process; waiting for people does not count. */
  readonly deadlineMs: number;
  /** Characters of an answer; what comes after is cut off. */
  readonly maxAnswerChars: number;
  /** Milliseconds that tokens are gathered before they go out as one delta. */
  readonly deltaMs: number;
  /** Milliseconds that a tool call waits for somebody's decision. */
  readonly approvalMs: number;
  /** Milliseconds without a new message after which the agent answers, where it waits for quiet. */
  readonly debounceMs: number;
}

/** What a turn needs of its conversation. */
export interface TurnHost extends RecordHost {
  /** Absent when this server has none of this name. */
  readonly agent: Agent | undefined;
  /** The name of this server among those that share the store; absent where there are no others. */
  readonly runner: string | undefined;
  readonly limits: TurnLimits;
  readonly notify: (notice: Notice) => void;
  readonly messages: ReadMessages;
  /** The record as it is stored; undefined when the store does not answer. */
  readonly readRecord: (id: TurnId) => Promise<Turn | undefined>;
  /** It begins to wait for people. */
  readonly onWaiting?: () => void;
  readonly onEnded: (state: EndState, tookMs: number) => void;
  readonly onError: (turn: Turn, cause: unknown) => void;
}
