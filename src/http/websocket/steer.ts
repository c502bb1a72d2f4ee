import type { ConversationActor } from '../../../actors/conversation-actor.ts';
import { cancelTurn, decide } from '../../../actors/turn-commands.ts';
import type { Failure } from '../../domain/failure.ts';
import type { Author } from '../../domain/participant.ts';
import type { Result } from '../../domain/result.ts';
import type { ClientFrames } from '../../protocol/client-frames.ts';

/** What somebody wants of a turn. */
export function steer(
  actor: ConversationActor,
  frame: ClientFrames['cancel' | 'decide'],
  by: Author,
): Promise<Result<void, Failure>> {
  if (frame.type === 'cancel') return cancelTurn(actor, by, frame.turn_id);
  const { call_id: callId, decision: verdict, reason, key = null } = frame;
  return decide(actor, frame.turn_id, { by, callId, verdict, reason, key });
}
