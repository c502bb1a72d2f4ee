import { type Failure, failure } from '../src/domain/failure.ts';
import type { Author, Member } from '../src/domain/participant.ts';
import { mayManage } from '../src/domain/participant.ts';
import { err, ok, type Result } from '../src/domain/result.ts';
import type { ConversationActor } from './conversation-actor.ts';

/**
 * Who may see a conversation. One that is by invitation does not exist for others, so that its id can't be
 * found by trying; one that is open says that it has to be joined first.
 */
export function memberOf(actor: ConversationActor, who: Author): Result<Member, Failure> {
  const member = actor.members.get(who.id);
  if (member !== undefined) return ok(member);
  const isHidden = actor.conversation.visibility === 'invite';
  return err(failure(isHidden ? 'conversation_not_found' : 'not_a_participant'));
}

/** Who may change the conversation's settings, roles and members. */
export function managerOf(actor: ConversationActor, who: Author): Result<Member, Failure> {
  const member = memberOf(actor, who);
  if (member.ok && !mayManage(member.value.role)) return err(failure('forbidden'));
  return member;
}
