import type { LogEvent, Participant, ServerFrameOf } from './wire.ts';

/** Who is in the conversation, by id. */
export type Members = ReadonlyMap<string, Participant>;

export function membersAtJoin({ participants }: ServerFrameOf<'joined'>): Members {
  return new Map(participants.map((participant) => [participant.id, participant]));
}

/** The members after an event that is newer than the join; the same map when it changes nothing. */
export function foldMember(members: Members, event: LogEvent): Members {
  switch (event.kind) {
    case 'participant.joined': {
      const { participant } = event;
      const isOnline = members.get(participant.id)?.online ?? true;
      return new Map(members).set(participant.id, { ...participant, online: isOnline });
    }
    case 'participant.left': {
      const rest = new Map(members);
      return rest.delete(event.participant.id) ? rest : members;
    }
    case 'participant.role_changed':
      return changed(members, event.participant_id, { role: event.role });
    default:
      return members;
  }
}

export function foldPresence(members: Members, frame: ServerFrameOf<'presence'>): Members {
  return changed(members, frame.participant_id, { online: frame.online });
}

function changed(members: Members, id: string, change: Partial<Participant>): Members {
  const member = members.get(id);
  return member === undefined ? members : new Map(members).set(id, { ...member, ...change });
}
