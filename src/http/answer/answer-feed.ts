/**
 * One turn as the records of one call.
 *
 * Owns: how much of the answer was told, in which attempt. Does not own: the turn, who reads, the buffer.
 * Invariants:
 * Q1. The pieces of the last attempt, one after the other, are the answer, also when deltas were dropped on the way:
 *     the next snapshot, or the message itself, brings what is missing.
 * Q2. One last record ends it, and nothing comes after.
 * Q3. Between two frames nothing is kept but counts and the ids of tool calls.
 */
import type { Outlet } from '../../../actors/outlet.ts';
import {
  CLOSE_CODES,
  type CloseReason,
  type Failure,
  isRetryable,
  statusOf,
} from '../../domain/failure.ts';
import type { ConversationId, TurnId } from '../../domain/ids.ts';
import type { TurnError } from '../../domain/turn.ts';
import type { AnswerRecord, AnswerRecords } from '../../protocol/answer-records.ts';
import type { EventFrame, ServerFrame, ServerFrames } from '../../protocol/server-frames.ts';

/** Where records go. */
export interface AnswerSink {
  readonly tell: (record: AnswerRecord) => void;
  /** The last one. */
  readonly end: (record: AnswerRecord & { readonly type: 'complete_state' | 'error' }) => void;
  readonly flush: () => void;
  readonly bufferedBytes: () => number;
}

export interface Feeding {
  readonly conversationId: ConversationId;
  readonly turnId: TurnId;
  readonly sink: AnswerSink;
}

const LEFT = 'The answer goes on without you: ask again with the same key, or read the events.';

/** What became of a turn that left no message. */
const WORDS = {
  cancelled: 'The answer was cancelled.',
  superseded: 'A newer message took the place of this answer.',
  failed: 'The agent gave no answer.',
  completed: 'The answer is not there any more.',
} as const;

/** An outlet that hears one conversation, and tells of one turn in it. */
export class AnswerFeed implements Outlet {
  readonly #of: Feeding;
  #attempt = 0;
  #nextIndex = 0;
  /** Characters of this attempt that were told. */
  #told = 0;
  readonly #calls = new Set<string>();
  readonly #results = new Set<string>();
  #isOver = false;

  constructor(of: Feeding) {
    this.#of = of;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  readonly send = (frame: string): void => {
    // Most frames of a busy conversation are about something else.
    if (this.#isOver || !frame.includes(this.#of.turnId)) return;
    this.#hear(JSON.parse(frame) as ServerFrame);
  };

  readonly flush = (): void => this.#of.sink.flush();

  readonly bufferedBytes = (): number => this.#of.sink.bufferedBytes();

  /** The turn goes on, and is told of no longer. */
  readonly close = (reason: CloseReason): void => {
    this.#fail({ code: CLOSE_CODES[reason], reason, message: LEFT }, true);
  };

  /** Ends it without an answer, for a reason that is not the turn's. */
  fail({ reason, message }: Failure): void {
    this.#fail({ code: statusOf(reason), reason, message }, isRetryable(reason));
  }

  /** The turn has ended, as its record says. */
  ended(state: ServerFrames['turn.ended']['state'], error: TurnError | null | undefined): void {
    if (this.#isOver) return;
    const reason = state === 'failed' ? 'agent_unavailable' : 'turn_over';
    // The same turn answers the same key: asking again for it gives nothing new.
    this.#fail(error ?? { code: statusOf(reason), reason, message: WORDS[state] }, false);
  }

  /** The answer of this attempt, as it stands in the log. */
  message(event: Answered, attempt: number): void {
    if (this.#isOver) return;
    this.#attemptIs(attempt);
    const { content = '', usage, citations, degraded, degraded_to, partial } = event;
    this.#catchUp(content);
    const { conversationId: conversation_id, turnId: turn_id } = this.#of;
    this.#end({
      type: 'complete_state',
      conversation_id,
      turn_id,
      seq: event.seq,
      message: content,
      created_at: event.created_at,
      total_tokens:
        usage === undefined ? tokensOf(content) : usage.input_tokens + usage.output_tokens,
      ...(usage === undefined ? {} : { usage }),
      ...(citations === undefined ? {} : { citations }),
      ...(degraded === undefined ? {} : { degraded }),
      ...(degraded_to === undefined ? {} : { degraded_to }),
      ...(partial === undefined ? {} : { partial }),
    });
  }

  #hear(frame: ServerFrame): void {
    switch (frame.type) {
      case 'turn.started':
        if (this.#isOurs(frame)) this.#attemptIs(frame.attempt);
        break;
      case 'turn.delta':
        if (!this.#isOurs(frame)) break;
        this.#attemptIs(frame.attempt);
        this.#piece(frame.text);
        break;
      case 'turn.snapshot':
        if (this.#isOurs(frame)) this.#snapshot(frame);
        break;
      case 'turn.tool_call':
        if (this.#isOurs(frame)) this.#call(frame);
        break;
      case 'turn.tool_result':
        if (this.#isOurs(frame)) this.#result(frame);
        break;
      case 'turn.ended':
        if (this.#isOurs(frame)) this.ended(frame.state, frame.error);
        break;
      case 'event':
        if (frame.kind === 'message' && this.#isOurs(frame)) this.message(frame, this.#attempt);
        break;
      default:
    }
  }

  #isOurs({ turn_id }: { readonly turn_id?: string | undefined }): boolean {
    return turn_id === this.#of.turnId;
  }

  #attemptIs(attempt: number): void {
    if (attempt === this.#attempt) return;
    this.#attempt = attempt;
    this.#nextIndex = 0;
    this.#told = 0;
  }

  #snapshot({ attempt, text }: ServerFrames['turn.snapshot']): void {
    this.#attemptIs(attempt);
    this.#catchUp(text);
  }

  /** Tells what of the whole text was not told yet. */
  #catchUp(text: string): void {
    if (text.length > this.#told) this.#piece(text.slice(this.#told));
  }

  #piece(content: string): void {
    const { turnId: turn_id, sink } = this.#of;
    const index = this.#nextIndex;
    this.#nextIndex += 1;
    this.#told += content.length;
    const attempt = this.#attempt;
    sink.tell({
      type: 'message_chunk',
      turn_id,
      attempt,
      index,
      content,
      tokens: tokensOf(content),
    });
  }

  #call({ call_id, name: tool_name, args, needs_approval }: ServerFrames['turn.tool_call']): void {
    if (this.#calls.has(call_id)) return;
    this.#calls.add(call_id);
    const { turnId: turn_id, sink } = this.#of;
    sink.tell({ type: 'tool_call', turn_id, call_id, tool_name, args, needs_approval });
  }

  #result({
    call_id,
    name: tool_name,
    result,
    error,
    duration_ms,
  }: ServerFrames['turn.tool_result']): void {
    if (this.#results.has(call_id)) return;
    this.#results.add(call_id);
    const { turnId: turn_id, sink } = this.#of;
    sink.tell({
      type: 'tool_result',
      turn_id,
      call_id,
      tool_name,
      ...(result === undefined ? {} : { result }),
      ...(error === undefined ? {} : { error }),
      duration_ms,
    });
  }

  #fail({ code, reason, message }: TurnError, retryable: boolean): void {
    const { conversationId: conversation_id, turnId: turn_id } = this.#of;
    this.#end({ type: 'error', conversation_id, turn_id, code, reason, message, retryable });
  }

  #end(record: AnswerRecords['complete_state'] | AnswerRecords['error']): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#of.sink.end(record);
  }
}

type Answered = Pick<
  Extract<EventFrame, { kind: 'message' }>,
  'seq' | 'created_at' | 'content' | 'usage' | 'citations'
> & {
  readonly degraded?: true | undefined;
  readonly degraded_to?: string | undefined;
  readonly partial?: true | undefined;
};

/** Tokens by estimate: a quarter of the bytes in UTF-8. */
function tokensOf(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 4);
}
