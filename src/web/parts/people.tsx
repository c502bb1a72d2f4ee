import type { Participant } from '../../client/index.ts';
import { Avatar } from './avatar.tsx';

interface PeopleProps {
  readonly participants: readonly Participant[];
  readonly me: string | undefined;
}

/** Who is in the conversation, those who are here first. */
export function People({ participants, me }: PeopleProps) {
  return (
    <ul class="people">
      {participants.map((participant) => (
        <li key={participant.id} class={participant.online ? 'person' : 'person person-away'}>
          <Avatar of={participant} />
          <span class="person-name">
            {participant.name}
            {participant.id === me && <span class="person-note"> (you)</span>}
          </span>
          <span class="person-note">{noteOf(participant)}</span>
        </li>
      ))}
    </ul>
  );
}

function noteOf({ kind, role, online }: Participant): string {
  if (kind === 'agent') return 'agent';
  const presence = online ? 'here' : 'away';
  return role === 'member' ? presence : `${role}, ${presence}`;
}

/** Those who are here first, then by name; the agent last. */
export function inOrder(participants: Iterable<Participant>): readonly Participant[] {
  const rank = ({ kind, online }: Participant) => (kind === 'agent' ? 2 : online ? 0 : 1);
  return [...participants].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
}
