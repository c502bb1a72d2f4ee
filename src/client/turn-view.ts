import type { ServerFrame, ServerFrameOf } from './wire.ts';

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
  readonly tools: readonly ToolUse[];
  /** The seq of the final message, once that is known. */
  readonly messageSeq?: number | undefined;
  readonly usage?: { readonly input_tokens: number; readonly output_tokens: number } | undefined;
  readonly error?:
    | { readonly code: number; readonly reason: string; readonly message: string }
    | undefined;
}

export interface ToolUse {
  readonly callId: string;
  readonly name: string;
  readonly args: unknown;
  readonly needsApproval: boolean;
  /** Undefined while it runs. */
  readonly outcome?:
    | { readonly ok: true; readonly result: unknown; readonly durationMs: number }
    | { readonly ok: false; readonly error: string; readonly durationMs: number };
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
      kept.set(snapshot.turn_id, ofSnapshot(before, snapshot));
    }
  }
  return kept;
}

/** The final message of a turn is in the log. */
export function turnAnswered(turns: Turns, turnId: string, messageSeq: number): Turns {
  const turn = turns.get(turnId);
  return turn === undefined ? turns : new Map(turns).set(turnId, { ...turn, messageSeq });
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
      return isStale(before, frame.attempt) || isBehind(before, frame)
        ? before
        : ofSnapshot(before, frame);
    case 'turn.tool_call':
      return before && withCall(before, frame);
    case 'turn.tool_result':
      return before && withResult(before, frame);
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

function ofSnapshot(before: TurnView | undefined, frame: ServerFrameOf<'turn.snapshot'>): TurnView {
  return {
    turnId: frame.turn_id,
    agent: frame.agent,
    triggerSeq: frame.trigger_seq,
    attempt: frame.attempt,
    state: frame.state,
    text: frame.text,
    isWhole: true,
    nextIndex: frame.next_index,
    tools: before?.attempt === frame.attempt ? before.tools : [],
  };
}

function withCall(turn: TurnView, frame: ServerFrameOf<'turn.tool_call'>): TurnView {
  if (isOver(turn) || turn.tools.some(({ callId }) => callId === frame.call_id)) return turn;
  const use = {
    callId: frame.call_id,
    name: frame.name,
    args: frame.args,
    needsApproval: frame.needs_approval,
  };
  return { ...turn, tools: [...turn.tools, use] };
}

function withResult(turn: TurnView, frame: ServerFrameOf<'turn.tool_result'>): TurnView {
  if (isOver(turn)) return turn;
  const durationMs = frame.duration_ms;
  const outcome =
    frame.error === undefined
      ? { ok: true as const, result: frame.result, durationMs }
      : { ok: false as const, error: frame.error, durationMs };
  const tools = turn.tools.map((use) => (use.callId === frame.call_id ? { ...use, outcome } : use));
  return { ...turn, tools };
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
