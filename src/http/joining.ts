import { join } from '../../actors/commands.ts';
import type { ConversationActor } from '../../actors/conversation-actor.ts';
import { joinInvited } from '../../actors/invited.ts';
import type { Failure } from '../domain/failure.ts';
import type { Author, Member, Role } from '../domain/participant.ts';
import type { Result } from '../domain/result.ts';
import type { Edge } from './edge.ts';

export interface Entry {
  readonly who: Author;
  /** Where anybody may join: as what. */
  readonly role?: Role;
  readonly invite?: string | undefined;
}

/** Somebody comes in by themselves: where it is open to them, or with an invite. One that is no good is none. */
export async function enter(
  { identity }: Edge,
  actor: ConversationActor,
  { who, role = 'member', invite }: Entry,
): Promise<Result<Member, Failure>> {
  const isNew = !actor.members.has(who.id);
  const given =
    isNew && invite ? await identity.invites.read(invite, actor.conversation) : undefined;
  return given === undefined ? join(actor, { by: who, who, role }) : joinInvited(actor, who, given);
}
