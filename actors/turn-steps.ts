import type { CallOutcome, Turn, TurnCall, TurnStep } from '../src/domain/turn.ts';
import { cut, shorten } from '../src/text/plain-text.ts';
import type { CallBegin } from './agent-port.ts';

/** The recorded steps of a turn: pure, and bounded whatever a model asks for. */

/** A model that asks for more is going round in circles. */
const MAX_STEPS = 24;
const MAX_CALLS = 48;
/** Characters of JSON. A record is written anew with each call: 48 calls of this size are half a megabyte. */
const ARGS_CHARS = 4_096;
const RESULT_CHARS = 8_192;
const ERROR_CHARS = 1_000;
const NAME_CHARS = 128;
const CALL_ID_CHARS = 128;

/** What a call is told whose process ended before its outcome was known: it may have been done. */
const INTERRUPTED = 'interrupted: it is not known whether it was done';
const NEVER_ASKED = 'the turn ended before anybody decided';

export function callOf({ steps = [] }: Turn, callId: string): TurnCall | undefined {
  for (const { calls } of steps) {
    const found = calls.find((call) => call.callId === callId);
    if (found !== undefined) return found;
  }
  return undefined;
}

export function allCalls({ steps = [] }: Turn): readonly TurnCall[] {
  return steps.flatMap(({ calls }) => calls);
}

/** It waits, and nobody has decided. */
export function isUndecided({ state, decision }: TurnCall): boolean {
  return state === 'waiting' && decision === undefined;
}

/** Why a call can't be taken into the record, in words for the model. */
export function refusalOf(turn: Turn, { callId, name, args, step }: CallBegin): string | undefined {
  if (step >= MAX_STEPS || allCalls(turn).length >= MAX_CALLS)
    return 'this turn has used up its tool calls; answer with what you have';
  if (callId.length > CALL_ID_CHARS || name.length > NAME_CHARS) return 'the call has no such form';
  if ((jsonOf(args) ?? '').length > ARGS_CHARS)
    return `the arguments are longer than ${ARGS_CHARS} characters`;
  return undefined;
}

/** Adds a call to its step. A step that is not there yet is the next one. */
export function withCall(turn: Turn, { step, stepText, ...asked }: CallBegin, now: number): Turn {
  const { callId, name, args, needsApproval, forgets } = asked;
  const call: TurnCall = {
    callId,
    name,
    args: args ?? null,
    needsApproval,
    ...(forgets === true ? { forgets } : {}),
    ...(needsApproval ? { state: 'waiting', askedAt: now } : { state: 'running' }),
  };
  const { steps = [] } = turn;
  const before = steps[step];
  if (before === undefined)
    return { ...turn, steps: [...steps, { text: stepText, calls: [call] }] };
  const grown: TurnStep = { text: before.text, calls: [...before.calls, call] };
  return { ...turn, steps: steps.with(step, grown) };
}

/** Changes one call; the rest stays as it is. */
export function withChanged(
  turn: Turn,
  callId: string,
  change: (call: TurnCall) => TurnCall,
): Turn {
  return withEach(turn, (call) => (call.callId === callId ? change(call) : call));
}

export function done(call: TurnCall, outcome: CallOutcome): TurnCall {
  return call.state === 'done' ? call : { ...call, state: 'done', outcome };
}

/** What a process that is gone was in the middle of is over: nobody knows how it went. */
export function withInterrupted(turn: Turn): Turn {
  return withEach(turn, (call) => (call.state === 'running' ? interrupted(call) : call));
}

/** The turn ends: no call of it is open any more, and what can be deleted elsewhere is not kept here. */
export function withClosed(turn: Turn): Turn {
  const closed = withEach(turn, (call) => {
    if (call.state === 'waiting') return done(call, { error: NEVER_ASKED, durationMs: 0 });
    return call.state === 'running' ? interrupted(call) : forgotten(call);
  });
  const { steps } = closed;
  return steps === undefined
    ? closed
    : { ...closed, steps: steps.map(({ calls }) => ({ text: '', calls })) };
}

function forgotten(call: TurnCall): TurnCall {
  if (call.forgets !== true || call.outcome?.result === undefined) return call;
  const { result: _, ...outcome } = call.outcome;
  return { ...call, outcome };
}

function interrupted(call: TurnCall): TurnCall {
  return done(call, { error: INTERRUPTED, durationMs: 0 });
}

function withEach(turn: Turn, change: (call: TurnCall) => TurnCall): Turn {
  const { steps } = turn;
  if (steps === undefined) return turn;
  return {
    ...turn,
    steps: steps.map((step) => {
      const calls = step.calls.map(change);
      return calls.every((call, at) => call === step.calls[at]) ? step : { ...step, calls };
    }),
  };
}

/** An outcome as it is kept and told: JSON, and no longer than it may be; what is too long is cut, and says so. */
export function boundedOutcome({ result, error, durationMs }: CallOutcome): CallOutcome {
  const took = Math.max(0, Math.round(durationMs));
  if (error !== undefined) return { error: shorten(error, ERROR_CHARS), durationMs: took };
  if (result === undefined) return { durationMs: took };
  if (typeof result === 'string')
    return { result: shorten(result, RESULT_CHARS), durationMs: took };
  const json = jsonOf(result);
  if (json === undefined) return { error: 'the result is no JSON', durationMs: took };
  const isFit = json.length <= RESULT_CHARS;
  return { result: isFit ? JSON.parse(json) : `${cut(json, RESULT_CHARS)}…`, durationMs: took };
}

/** Undefined for what is no JSON: a cycle, a function. */
function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
