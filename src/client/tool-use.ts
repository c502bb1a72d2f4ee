import type { LogEventOf, ServerFrameOf } from './wire.ts';

/** One call of a tool in a turn, as it can be shown. */
export interface ToolUse {
  readonly callId: string;
  readonly name: string;
  readonly args: unknown;
  readonly needsApproval: boolean;
  /** What somebody decided, where approval is needed. */
  readonly decision?: {
    /** The participant's id. */
    readonly by: string;
    readonly verdict: 'approve' | 'reject';
    readonly reason?: string | undefined;
  };
  /** Undefined while it runs, or waits. */
  readonly outcome?:
    | { readonly ok: true; readonly result: unknown; readonly durationMs: number }
    | { readonly ok: false; readonly error: string; readonly durationMs: number };
}

export type ToolUses = readonly ToolUse[];

/** It waits for somebody to decide. */
export function isWaiting({ needsApproval, decision, outcome }: ToolUse): boolean {
  return needsApproval && decision === undefined && outcome === undefined;
}

export function withCall(uses: ToolUses, frame: ServerFrameOf<'turn.tool_call'>): ToolUses {
  if (uses.some(({ callId }) => callId === frame.call_id)) return uses;
  const { call_id: callId, name, args, needs_approval: needsApproval } = frame;
  return [...uses, { callId, name, args, needsApproval }];
}

export function withResult(uses: ToolUses, frame: ServerFrameOf<'turn.tool_result'>): ToolUses {
  const outcome = outcomeOf(frame);
  return uses.map((use) => (use.callId === frame.call_id ? { ...use, outcome } : use));
}

/** Somebody decided; the event of the log says so. */
export function withDecision(uses: ToolUses, event: LogEventOf<'turn.decided'>): ToolUses {
  const decision = { by: event.from.id, verdict: event.decision, reason: event.reason };
  return uses.map((use) => (use.callId === event.call_id ? { ...use, decision } : use));
}

/** As a snapshot tells them. */
export function usesOf(calls: ServerFrameOf<'turn.snapshot'>['tool_calls']): ToolUses {
  return calls.map((call) => {
    const { call_id: callId, name, args, needs_approval: needsApproval, decision } = call;
    return {
      ...{ callId, name, args, needsApproval },
      ...(decision === undefined
        ? {}
        : { decision: { by: decision.by, verdict: decision.decision, reason: decision.reason } }),
      ...(call.state === 'done' ? { outcome: outcomeOf(call) } : {}),
    };
  });
}

function outcomeOf({
  result,
  error,
  duration_ms: durationMs = 0,
}: {
  result?: unknown;
  error?: string | undefined;
  duration_ms?: number | undefined;
}): NonNullable<ToolUse['outcome']> {
  return error === undefined ? { ok: true, result, durationMs } : { ok: false, error, durationMs };
}
