import type { Citation, Degradation, Usage } from '../src/domain/event.ts';
import type { Reason } from '../src/domain/failure.ts';
import type { ConversationId, ParticipantId, TurnId } from '../src/domain/ids.ts';
import type { Message } from '../src/domain/message.ts';
import type { CallOutcome, TurnStep } from '../src/domain/turn.ts';

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

  /** Has the model behind it write something that is no answer: a summary. Absent where there is no model. Throws like `answer`. */
  readonly complete?: (task: Task, signal: AbortSignal) => Promise<Completed>;
}

/** What a model is told to do with a text: the words are the server's, the text is data. */
export interface Task {
  readonly instructions: string;
  readonly text: string;
}

export interface Completed {
  readonly text: string;
  /** Where the provider says it. */
  readonly usage?: Usage;
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
  /**
   * What earlier attempts of this turn recorded; [] in the first. An attempt that goes on from them says their texts
   * again, for the deltas of the last attempt are the message.
   */
  readonly steps: readonly TurnStep[];
  /** The people whose rights tools use: a search sees only what all of them may see; nothing when there is nobody. */
  readonly askedBy: readonly ParticipantId[];
  readonly tools: TurnTools;
  /** What is remembered of messages that the prompt has no room for; never throws. Absent where nothing is. */
  readonly memory?: (need: MemoryNeed) => Promise<Memory>;
}

export interface MemoryNeed {
  /** The oldest message that there is room for. */
  readonly beforeSeq: number;
  /** The words that are to be answered. */
  readonly question: string;
}

export interface Memory {
  readonly summary: string | undefined;
  /** The best first. */
  readonly recalled: readonly Message[];
}

/** The record of the tool calls of one turn: a call id is run at most once, over retries and restarts. */
export interface TurnTools {
  /**
   * Writes the call down (durable when it resolves) and, where it needs approval, waits for the decision. Rejects
   * when the attempt is over. The last step may be begun again by a new attempt; steps are numbered from 0.
   */
  begin(call: CallBegin): Promise<CallPermit>;
  /** Writes its outcome down. Ignored when the attempt is over, or the call has an outcome already. */
  end(callId: string, outcome: CallOutcome): Promise<void>;
}

export interface CallBegin {
  readonly step: number;
  /** What the model said in this step before it asked for tools. */
  readonly stepText: string;
  readonly callId: string;
  readonly name: string;
  readonly args: unknown;
  readonly needsApproval: boolean;
  /** Its result shows messages or documents, which can be deleted: it is kept as long as the turn runs. */
  readonly forgets?: boolean;
}

export type CallPermit =
  /** It may be run now, once. */
  | { readonly kind: 'run' }
  /** It ran before, or may have: this is its outcome. */
  | { readonly kind: 'known'; readonly outcome: CallOutcome }
  /** People said no, or nobody answered; or it breaks a bound. The reason is for the model. */
  | { readonly kind: 'rejected'; readonly reason: string };

export type AgentChunk =
  | { readonly type: 'delta'; readonly text: string }
  | { readonly type: 'restarted' }
  | { readonly type: 'usage'; readonly usage: Usage }
  | {
      readonly type: 'done';
      readonly citations?: readonly Citation[];
      /** Another than the agent itself answered. */
      readonly degraded?: Degradation;
    };

/** Why an agent could not answer, in words people may read. Thrown out of the stream. */
export class AgentFailure extends Error {
  readonly reason: Reason;
  /** Milliseconds after which it is worth asking again, where that is known. */
  readonly retryAfterMs: number | undefined;

  constructor(
    reason: Reason,
    message: string,
    options: ErrorOptions & { readonly retryAfterMs?: number | undefined } = {},
  ) {
    super(message, options);
    this.name = 'AgentFailure';
    this.reason = reason;
    this.retryAfterMs = options.retryAfterMs;
  }
}
