import type { z } from 'zod';
import { managerOf } from '../../../actors/access.ts';
import { join } from '../../../actors/commands.ts';
import type { ConversationActor } from '../../../actors/conversation-actor.ts';
import { agentsOf } from '../../domain/conversation.ts';
import { type Failure, failure } from '../../domain/failure.ts';
import type { ParticipantId } from '../../domain/ids.ts';
import type { Author, Member } from '../../domain/participant.ts';
import { err, ok, type Result } from '../../domain/result.ts';
import { ConversationPath, ParticipantPath, PutParticipant } from '../../protocol/rest.ts';
import type { Edge } from '../edge.ts';
import { enter } from '../joining.ts';
import { roster, wireMember } from '../roster.ts';
import { reach } from './reach.ts';
import { type Answer, json, NO_CONTENT } from './reply.ts';
import { type Route, route } from './route.ts';

type Wanted = z.infer<typeof PutParticipant>;

export const PARTICIPANT_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/conversations/{id}/participants',
    params: ConversationPath,
    handle: async ({ edge, who, params }) => {
      const reached = await reach(edge, params.id, who);
      if (!reached.ok) return reached;
      // One page always: they are as many as a conversation may have.
      return ok(json(200, { items: roster(reached.value.actor), next_cursor: null }));
    },
  }),
  route({
    method: 'PUT',
    path: '/v1/conversations/{id}/participants/{participant_id}',
    params: ParticipantPath,
    body: PutParticipant,
    handle: async ({ edge, who, params, body }) => {
      const found = await edge.registry.get(params.id);
      if (!found.ok) return found;
      const actor = found.value;
      const { participant_id: id } = params;
      if (agentsOf(actor.conversation).some((agent) => agent.id === id)) {
        return err(failure('already_exists', { message: 'This is an agent.' }));
      }
      if (id === who.id && !actor.members.has(id)) return joinSelf(edge, actor, { who, body });
      const manager = managerOf(actor, who);
      const before = actor.members.get(id);
      if (!manager.ok) return isSo(before, { who, body }) ?? manager;
      return before === undefined
        ? added(actor, who, { id, body })
        : withRole(actor, who, { member: before, body });
    },
  }),
  route({
    method: 'DELETE',
    path: '/v1/conversations/{id}/participants/{participant_id}',
    params: ParticipantPath,
    handle: async ({ edge, who, params }) => {
      const reached = await reach(edge, params.id, who);
      if (!reached.ok) return reached;
      const { actor, member } = reached.value;
      const { participant_id: participantId } = params;
      const allowed = participantId === who.id ? ok(member) : managerOf(actor, who);
      if (!allowed.ok) return allowed;
      const draft = { kind: 'participant.left', author: member, key: null, participantId } as const;
      const outcome = await actor.post(draft);
      return outcome.ok ? ok(NO_CONTENT) : outcome;
    },
  }),
];

/** An open conversation takes who asks, as somebody who sends or only reads; others take who is invited. */
async function joinSelf(
  edge: Edge,
  actor: ConversationActor,
  { who, body: { role, invite } }: { who: Author; body: Wanted },
): Promise<Answer> {
  if (role === 'owner' && actor.conversation.visibility === 'open')
    return err(failure('forbidden'));
  return welcomed(actor, await enter(edge, actor, { who, role: role ?? 'member', invite }));
}

/** Who may not change anything may still say what is so already about themselves. */
function isSo(
  before: Member | undefined,
  { who, body }: { who: Author; body: Wanted },
): Answer | undefined {
  if (before === undefined || before.id !== who.id) return undefined;
  const isSame = body.role === undefined || body.role === before.role;
  return isSame ? ok(json(200, wireMember(before))) : undefined;
}

async function added(
  actor: ConversationActor,
  by: Author,
  { id, body }: { id: ParticipantId; body: Wanted },
): Promise<Answer> {
  const who: Author = { id, name: body.name ?? id.slice(0, 64), kind: 'human' };
  return welcomed(actor, await join(actor, { by, who, role: body.role ?? 'member' }));
}

function welcomed(actor: ConversationActor, joined: Result<Member, Failure>): Answer {
  if (!joined.ok) return joined;
  const online = actor.audience.isOnline(joined.value.id);
  return ok(json(201, { ...wireMember(joined.value), online }));
}

async function withRole(
  actor: ConversationActor,
  by: Author,
  { member, body }: { member: Member; body: Wanted },
): Promise<Answer> {
  const role = body.role ?? member.role;
  const participantId = member.id;
  const author = actor.members.get(by.id) ?? by;
  const draft = {
    kind: 'participant.role_changed',
    author,
    key: null,
    participantId,
    role,
  } as const;
  const outcome = await actor.post(draft);
  if (!outcome.ok) return outcome;
  const online = actor.audience.isOnline(member.id);
  return ok(json(200, { ...wireMember({ ...member, role }), online }));
}
