import type { Conversation } from '../domain/conversation.ts';
import type { ServerFrames } from '../protocol/server-frames.ts';

export interface Asked {
  readonly afterSeq?: number | undefined;
  readonly epoch?: string | undefined;
}

/** Where a reader starts, the head when it did not say; or the `reset` it gets when that place does not exist here. */
export function positionIn(
  { id, epoch, headSeq, firstSeq }: Conversation,
  asked: Asked,
): number | ServerFrames['reset'] {
  const reset = (reason: 'epoch' | 'ahead' | 'trimmed') =>
    ({
      type: 'reset',
      conversation_id: id,
      reason,
      epoch,
      head_seq: headSeq,
      first_seq: firstSeq,
    }) as const;
  if (asked.epoch !== undefined && asked.epoch !== epoch) return reset('epoch');
  const { afterSeq = headSeq } = asked;
  if (afterSeq > headSeq) return reset('ahead');
  return afterSeq < firstSeq - 1 ? reset('trimmed') : afterSeq;
}
