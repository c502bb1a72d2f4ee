import type { Encoder, Notice, Origin, TurnSnapshot } from '../../actors/outlet.ts';
import { encodeFrame, eventFrame, eventStem, wireCall } from '../protocol/encode.ts';
import type { ServerFrame, ServerFrames } from '../protocol/server-frames.ts';

/** What the actors say, as frames of the protocol. */
export const wireEncoder: Encoder = {
  stem: eventStem,
  event: eventFrame,
  notice: (of, notice) => encodeFrame(noticeFrame(of, notice)),
};

function noticeFrame({ id }: Origin, notice: Notice): ServerFrame {
  const at = { conversation_id: id };
  switch (notice.kind) {
    case 'live':
      return { type: 'live', ...at, head_seq: notice.headSeq };
    case 'presence':
      return {
        type: 'presence',
        ...at,
        participant_id: notice.participantId,
        online: notice.online,
      };
    case 'typing':
      return { type: 'typing', ...at, participant_id: notice.participantId, active: notice.active };
    case 'read':
      return { type: 'read', ...at, participant_id: notice.participantId, seq: notice.seq };
    case 'turn.started':
      return {
        type: 'turn.started',
        ...at,
        turn_id: notice.turnId,
        agent: notice.agent,
        trigger_seq: notice.triggerSeq,
        attempt: notice.attempt,
      };
    case 'turn.delta': {
      const { turnId: turn_id, attempt, index, text } = notice;
      return { type: 'turn.delta', ...at, turn_id, attempt, index, text };
    }
    case 'turn.tool_call': {
      const { turnId: turn_id, callId: call_id, name, args, needsApproval } = notice;
      return {
        type: 'turn.tool_call',
        ...at,
        turn_id,
        call_id,
        name,
        args,
        needs_approval: needsApproval,
      };
    }
    case 'turn.tool_result': {
      const { turnId: turn_id, callId: call_id, name, result, error, durationMs } = notice;
      return {
        type: 'turn.tool_result',
        ...at,
        turn_id,
        call_id,
        name,
        ...(result === undefined ? {} : { result }),
        ...(error === undefined ? {} : { error }),
        duration_ms: durationMs,
      };
    }
    case 'turn.snapshot':
      return snapshotFrame(id, notice);
    case 'turn.ended':
      return {
        type: 'turn.ended',
        ...at,
        turn_id: notice.turnId,
        attempt: notice.attempt,
        state: notice.state,
        ...(notice.seq === null ? {} : { seq: notice.seq }),
        ...(notice.usage === null ? {} : { usage: notice.usage }),
        ...(notice.error === null ? {} : { error: notice.error }),
      };
    default:
      return notice satisfies never;
  }
}

export function snapshotFrame(id: Origin['id'], turn: TurnSnapshot): ServerFrames['turn.snapshot'] {
  return {
    type: 'turn.snapshot',
    conversation_id: id,
    turn_id: turn.turnId,
    attempt: turn.attempt,
    agent: turn.agent,
    trigger_seq: turn.triggerSeq,
    state: turn.state,
    text: turn.text,
    next_index: turn.nextIndex,
    tool_calls: turn.calls.map(wireCall),
  };
}
