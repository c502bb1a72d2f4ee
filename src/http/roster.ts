import type { ConversationActor } from '../../actors/conversation-actor.ts';
import { agentsOf } from '../domain/conversation.ts';
import type { Member } from '../domain/participant.ts';

/** Everyone in a conversation, agents last, and who of them is there. O(members). */
export function roster({ conversation, members, audience }: ConversationActor) {
  const people = [...members.values()].map((member) => ({
    ...wireMember(member),
    online: audience.isOnline(member.id),
  }));
  const agents = agentsOf(conversation).map(
    ({ id, name }) => ({ id, name, kind: 'agent', role: 'agent', online: true }) as const,
  );
  return [...people, ...agents];
}

export function wireMember({ id, name, kind, role }: Member) {
  return { id, name, kind, role };
}
