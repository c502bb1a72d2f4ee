import { memberOf } from '../../../actors/access.ts';
import type { ConversationActor } from '../../../actors/conversation-actor.ts';
import type { Failure } from '../../domain/failure.ts';
import type { ConversationId } from '../../domain/ids.ts';
import type { Author, Member } from '../../domain/participant.ts';
import { ok, type Result } from '../../domain/result.ts';
import type { Edge } from '../edge.ts';

export interface Reached {
  readonly actor: ConversationActor;
  readonly member: Member;
}

/**
 * The conversation, for somebody who is in it. To strangers one by invitation is as if it were not there. What
 * is done with the actor must begin before the next await: it may go to sleep.
 */
export async function reach(
  { registry }: Edge,
  id: ConversationId,
  who: Author,
): Promise<Result<Reached, Failure>> {
  const found = await registry.get(id);
  if (!found.ok) return found;
  const member = memberOf(found.value, who);
  return member.ok ? ok({ actor: found.value, member: member.value }) : member;
}
