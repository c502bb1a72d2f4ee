import type { Citation, Usage } from '../src/domain/event.ts';
import type { Reason } from '../src/domain/failure.ts';
import type { ConversationId, ParticipantId, TurnId } from '../src/domain/ids.ts';
import type { Message } from '../src/domain/message.ts';

/**
 * The agent, as the runtime sees it: one call a turn. An implementation keeps no history of its own;
 * the conversation's log, read through `history`, is the only truth.
 */
export interface Agent {
  /** For people and logs: `offline`, `scripted`, `openai:gpt-…`. Never a secret. */
  readonly label: string;

  /**
   * Answers one turn. The stream ends with one `done`; a throw, or an end without `done`, is a failed
   * attempt. It stops as soon as `signal` aborts, closing what it holds open. Deltas may be of any size;
   * their concatenation is the answer.
   *
   * A new attempt inside the call (a model cut off in mid-stream and asked again) is `restarted`: what was
   * streamed before it is void.
   */
  answer(input: TurnInput, signal: AbortSignal): AsyncIterable<AgentChunk>;
}

export interface TurnInput {
  readonly conversationId: ConversationId;
  readonly turnId: TurnId;
  readonly agentId: ParticipantId;
  readonly agentName: string;
  /** The message to answer. */
  readonly triggerSeq: number;
  /**
   * Messages as they stand now, of the newest `limit` in the log: those before the trigger and the agent's own since,
   * ascending, then the trigger. Throws when the store does not answer.
   */
  readonly history: (limit: number) => Promise<readonly Message[]>;
}

export type AgentChunk =
  | { readonly type: 'delta'; readonly text: string }
  | { readonly type: 'restarted' }
  | {
      readonly type: 'tool_call';
      readonly callId: string;
      readonly name: string;
      readonly args: unknown;
    }
  | {
      readonly type: 'tool_result';
      readonly callId: string;
      readonly name: string;
      readonly durationMs: number;
      readonly result?: unknown;
      readonly error?: string;
    }
  | { readonly type: 'usage'; readonly usage: Usage }
  | { readonly type: 'done'; readonly citations?: readonly Citation[] };

/** Why an agent could not answer, in words people may read. Thrown out of the stream. */
export class AgentFailure extends Error {
  readonly reason: Reason;

  constructor(reason: Reason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'AgentFailure';
    this.reason = reason;
  }
}
