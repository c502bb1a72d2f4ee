import { managerOf } from '../../../actors/access.ts';
import { ok } from '../../domain/result.ts';
import { wireTime } from '../../protocol/encode.ts';
import { ConversationPath, CreateInvite } from '../../protocol/rest.ts';
import { reach } from './reach.ts';
import { json } from './reply.ts';
import { type Route, route } from './route.ts';

export const INVITE_ROUTES: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/conversations/{id}/invites',
    params: ConversationPath,
    body: CreateInvite,
    handle: async ({ edge, who, params, body }) => {
      const reached = await reach(edge, params.id, who);
      if (!reached.ok) return reached;
      const { actor } = reached.value;
      const manager = managerOf(actor, who);
      if (!manager.ok) return manager;
      const { role, max_uses: uses = null, expires_in_seconds: seconds } = body;
      const invite = { by: who.id, role, uses };
      const { token, expiresAt } = await edge.identity.invites.sign(
        actor.conversation,
        invite,
        seconds,
      );
      const { id: conversation_id } = actor;
      const expires_at = wireTime(expiresAt);
      return ok(json(201, { invite: token, conversation_id, role, max_uses: uses, expires_at }));
    },
  }),
];
