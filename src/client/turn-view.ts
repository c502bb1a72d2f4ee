import {
  isWaiting,
  type ToolUses,
  usesOf,
  withCall,
  withDecision,
  withResult,
} from './tool-use.ts';
import type { LogEventOf, ServerFrame, ServerFrameOf } from './wire.ts';

/** An agent's turn as it can be shown: everything heard about it, folded. */
export interface TurnView {
  readonly turnId: string;
  readonly agent: { readonly id: string; readonly name: string };
  /** The seq of the message it answers. */
  readonly triggerSeq: number;
  readonly attempt: number;
  readonly state: ServerFrameOf<'turn.snapshot'>['state'];
  /** What this attempt said so far. */
  readonly text: string;
  /** False when deltas were missed: `text` stands still until a snapshot mends it. */
  readonly isWhole: boolean;
  /** The index of the delta that comes next. */
  readonly nextIndex: number;
  readonly tools: ToolUses;
  /** The seq of the final message, once that is known. */
  readonly messageSeq?: number | undefined;
  readonly usage?: { readonly input_tokens: number; readonly output_tokens: number } | undefined;
  readonly error?:
    | { readonly code: number; readonly reason: string; readonly message: string }
    | undefined;
}

/** By turn id, in the order they were first heard of. */
export type Turns = ReadonlyMap<string, TurnView>;
export type TurnFrame = Extract<ServerFrame, { type: `turn.${string}` }>;

/** Turns that are over and are still told about; the oldest give way. */
const MAX_ENDED = 16;

export function isOver({ state }: TurnView): boolean {
  return (
    state === 'completed' || state === 'cancelled' || state === 'superseded' || state === 'failed'
  );
}

/** The turns after one more frame; the same map when it changes nothing, as frames of an earlier attempt do. */
export function foldTurn(turns: Turns, frame: TurnFrame): Turns {
  const before = turns.get(frame.turn_id);
  const after = next(before, frame);
  if (after === undefined || after === before) return turns;
  return bounded(new Map(turns).set(after.turnId, after));
}

/**
 * The turns after a join: those the server tells about are the ones that run; one that was running and is not
 * among them ended while we were away, and its message, if any, is in the log.
 */
export function turnsAtJoin(
  turns: Turns,
  running: readonly ServerFrameOf<'turn.snapshot'>[],
): Turns {
  const kept = new Map([...turns].filter(([, turn]) => isOver(turn)));
  for (const snapshot of running) {
    const before = turns.get(snapshot.turn_id);
    if (before === undefined || !isOver(before)) {
      kept.set(snapshot.turn_id, ofSnapshot(snapshot));
    }
  }
  return kept;
}

/** The final message of a turn is in the log. */
export function turnAnswered(turns: Turns, turnId: string, messageSeq: number): Turns {
  const turn = turns.get(turnId);
  return turn === undefined ? turns : new Map(turns).set(turnId, { ...turn, messageSeq });
}

/** Somebody decided about a call that waited. */
export function turnDecided(turns: Turns, event: LogEventOf<'turn.decided'>): Turns {
  const turn = turns.get(event.turn_id);
  if (turn === undefined) return turns;
  return new Map(turns).set(turn.turnId, withTools(turn, withDecision(turn.tools, event)));
}

function next(before: TurnView | undefined, frame: TurnFrame): TurnView | undefined {
  switch (frame.type) {
    case 'turn.started':
      return isStale(before, frame.attempt) || before?.attempt === frame.attempt
        ? before
        : begun(frame);
    case 'turn.delta':
      return before && withDelta(before, frame);
    case 'turn.snapshot':
      return isStale(before, frame.attempt) || isBehind(before, frame) ? before : ofSnapshot(frame);
    case 'turn.tool_call':
      return before && withTools(before, withCall(before.tools, frame));
    case 'turn.tool_result':
      return before && withTools(before, withResult(before.tools, frame));
    case 'turn.ended':
      return before && (isStale(before, frame.attempt) ? before : ended(before, frame));
    default:
      return frame satisfies never;
  }
}

/** Nothing of an earlier attempt, or after the end, counts. */
function isStale(turn: TurnView | undefined, attempt: number): boolean {
  return (
    turn !== undefined && (attempt < turn.attempt || (attempt === turn.attempt && isOver(turn)))
  );
}

function isBehind(turn: TurnView | undefined, frame: ServerFrameOf<'turn.snapshot'>): boolean {
  if (turn === undefined || turn.attempt !== frame.attempt || !turn.isWhole) return false;
  return frame.next_index < turn.nextIndex;
}

function begun(frame: ServerFrameOf<'turn.started'>): TurnView {
  return {
    turnId: frame.turn_id,
    agent: frame.agent,
    triggerSeq: frame.trigger_seq,
    attempt: frame.attempt,
    state: frame.attempt === 0 ? 'queued' : 'thinking',
    text: '',
    isWhole: true,
    nextIndex: 0,
    tools: [],
  };
}

function withDelta(turn: TurnView, frame: ServerFrameOf<'turn.delta'>): TurnView {
  if (isStale(turn, frame.attempt)) return turn;
  // A new attempt says everything anew: what the last one said is not part of the answer.
  const base =
    frame.attempt === turn.attempt
      ? turn
      : { ...turn, attempt: frame.attempt, text: '', nextIndex: 0, isWhole: true, tools: [] };
  if (frame.index < base.nextIndex) return turn;
  if (frame.index > base.nextIndex || !base.isWhole) {
    return base.isWhole || base !== turn ? { ...base, state: 'streaming', isWhole: false } : turn;
  }
  return {
    ...base,
    state: 'streaming',
    text: base.text + frame.text,
    nextIndex: frame.index + 1,
  };
}

function ofSnapshot(frame: ServerFrameOf<'turn.snapshot'>): TurnView {
  return {
    turnId: frame.turn_id,
    agent: frame.agent,
    triggerSeq: frame.trigger_seq,
    attempt: frame.attempt,
    state: frame.state,
    text: frame.text,
    isWhole: true,
    nextIndex: frame.next_index,
    tools: usesOf(frame.tool_calls),
  };
}

function withTools(turn: TurnView, tools: ToolUses): TurnView {
  if (isOver(turn) || tools === turn.tools) return turn;
  const before = turn.state === 'awaiting_approval' ? 'thinking' : turn.state;
  return { ...turn, tools, state: tools.some(isWaiting) ? 'awaiting_approval' : before };
}

function ended(turn: TurnView, frame: ServerFrameOf<'turn.ended'>): TurnView {
  return {
    ...turn,
    attempt: frame.attempt,
    state: frame.state,
    messageSeq: frame.seq ?? turn.messageSeq,
    usage: frame.usage,
    error: frame.error,
  };
}

function bounded(turns: Map<string, TurnView>): Turns {
  const over = [...turns.values()].filter(isOver);
  for (const turn of over.slice(0, Math.max(0, over.length - MAX_ENDED))) {
    turns.delete(turn.turnId);
  }
  return turns;
}
