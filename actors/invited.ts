import { type Failure, failure } from '../src/domain/failure.ts';
import { type Invite, MAX_INVITE_USES } from '../src/domain/invite.ts';
import type { Author, Member } from '../src/domain/participant.ts';
import { err, ok, type Result } from '../src/domain/result.ts';
import type { ConversationActor } from './conversation-actor.ts';

const OVER = 'This invite does not hold any more.';

/**
 * Lets somebody in who has an invite, as if who gave it had added them: it holds while they may. Each use is a key of
 * theirs in the log, so that no more people come in than it says, over restarts and servers. Up to `uses` reads.
 */
export async function joinInvited(
  actor: ConversationActor,
  who: Author,
  { id, by, role, uses }: Invite,
): Promise<Result<Member, Failure>> {
  const host = actor.members.get(by);
  if (host === undefined) return err(failure('forbidden', { message: OVER }));
  const member: Member = { id: who.id, name: who.name, kind: who.kind, role };
  const places = Math.min(uses ?? 1, MAX_INVITE_USES);
  for (let place = 1; place <= places; place += 1) {
    const key = uses === null ? null : `invite:${id}:${place}`;
    const outcome = await actor.post({
      kind: 'participant.joined',
      author: host,
      key,
      member,
    });
    const joined = actor.members.get(who.id);
    if (joined !== undefined) return ok(joined);
    if (!outcome.ok) return err(whyNot(outcome.failure));
    // It is stored, and they have left again since; a duplicate is somebody else's place.
    if (!outcome.value.duplicate) return ok(member);
  }
  return err(failure('forbidden', { message: OVER }));
}

/** Who gave it is no owner any more. */
function whyNot(refused: Failure): Failure {
  const isOver = refused.reason === 'forbidden' || refused.reason === 'not_a_participant';
  const isGone = refused.reason === 'conversation_not_found';
  return isOver || isGone ? failure('forbidden', { message: OVER }) : refused;
}
