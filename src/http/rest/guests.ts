import { ok } from '../../domain/result.ts';
import { wireAuthor, wireTime } from '../../protocol/encode.ts';
import { CreateGuest } from '../../protocol/rest.ts';
import { json } from './reply.ts';
import { publicRoute, type Route } from './route.ts';

export const GUEST_ROUTES: readonly Route[] = [
  publicRoute({
    method: 'POST',
    path: '/v1/guests',
    body: CreateGuest,
    handle: async ({ edge, body }) => {
      const guest = await edge.identity.welcomeGuest(body.name);
      if (!guest.ok) return guest;
      const { participant, token, expiresAt } = guest.value;
      return ok(
        json(201, {
          participant: wireAuthor(participant),
          token,
          expires_at: wireTime(expiresAt),
        }),
      );
    },
  }),
];
