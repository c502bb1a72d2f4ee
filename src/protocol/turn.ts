import type { Turn, TurnCall } from '../domain/turn.ts';
import { wireCall, wireTime } from './encode.ts';

/** What a turn says that its record does not hold. */
interface Said {
  readonly text: string;
  /** Its tool calls, where more is known of them than in the record. */
  readonly calls?: readonly TurnCall[];
}

export type WireTurn = ReturnType<typeof wireTurn>;

/** A turn over REST. */
export function wireTurn(turn: Turn, { text, calls }: Said) {
  const { usage, error, messageSeq, endedAt, startedAt, steps = [] } = turn;
  return {
    turn_id: turn.id,
    agent: { id: turn.agentId, name: turn.agentName },
    trigger_seq: turn.triggerSeq,
    state: turn.state,
    attempt: turn.attempt,
    created_at: wireTime(turn.createdAt),
    started_at: startedAt === null ? null : wireTime(startedAt),
    ...(endedAt === null ? {} : { ended_at: wireTime(endedAt) }),
    ...(usage === null ? {} : { usage }),
    ...(error === null ? {} : { error }),
    ...(messageSeq === null ? {} : { message_seq: messageSeq }),
    text,
    tool_calls: (calls ?? steps.flatMap((step) => step.calls)).map(wireCall),
  };
}
