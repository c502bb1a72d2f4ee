import type { Conversation } from '../domain/conversation.ts';
import type { ServerFrames } from '../protocol/server-frames.ts';

export interface Asked {
  readonly afterSeq?: number | undefined;
  readonly epoch?: string | undefined;
}

type Reset = ServerFrames['reset'];

/** Where a reader starts, the head when it did not say; or the `reset` it gets when that place does not exist here. */
export function positionIn(conversation: Conversation, asked: Asked): number | Reset {
  const { epoch, headSeq, firstSeq } = conversation;
  if (asked.epoch !== undefined && asked.epoch !== epoch) return resetOf(conversation, 'epoch');
  const { afterSeq = headSeq } = asked;
  if (afterSeq > headSeq) return resetOf(conversation, 'ahead');
  return afterSeq < firstSeq - 1 ? resetOf(conversation, 'trimmed') : afterSeq;
}

/** The place a reader asked for, or has come to, does not exist here (any more). */
export function resetOf(
  { id, epoch, headSeq, firstSeq }: Conversation,
  reason: Reset['reason'],
): Reset {
  return {
    type: 'reset',
    conversation_id: id,
    reason,
    epoch,
    head_seq: headSeq,
    first_seq: firstSeq,
  };
}
