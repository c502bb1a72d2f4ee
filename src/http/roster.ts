import type { ConversationActor } from '../../actors/conversation-actor.ts';
import type { Member } from '../domain/participant.ts';

/** Everyone in a conversation, the agent last, and who of them is there. O(members). */
export function roster({ conversation, members, audience }: ConversationActor) {
  const people = [...members.values()].map((member) => ({
    ...wireMember(member),
    online: audience.isOnline(member.id),
  }));
  const { agent } = conversation;
  if (agent === null) return people;
  const { id, name } = agent;
  return [...people, { id, name, kind: 'agent', role: 'agent', online: true } as const];
}

export function wireMember({ id, name, kind, role }: Member) {
  return { id, name, kind, role };
}
