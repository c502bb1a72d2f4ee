import type { AgentSettings } from '../src/domain/conversation.ts';
import type { ParticipantId } from '../src/domain/ids.ts';
import type { Member } from '../src/domain/participant.ts';

export interface Said {
  readonly content: string;
  /** Whose message it replies to, when that is an agent's and is known. */
  readonly repliesTo: ParticipantId | undefined;
}

/**
 * The agents that answer this message of a human, by their `speaks` policies. Who is meant by name, or by a reply, is
 * meant alone: of several, `auto` ones stay silent then; and where nobody is meant, only the first of them speaks.
 * Linear in the content.
 */
export function askedOf(
  agents: readonly AgentSettings[],
  humans: number,
  { content, repliesTo }: Said,
): readonly AgentSettings[] {
  const meant = new Set(mentionedOf(agents, content));
  const answered = agents.find(({ id, speaks }) => id === repliesTo && speaks === 'auto');
  if (answered !== undefined) meant.add(answered);
  return agents.filter((agent, at) => {
    switch (agent.speaks) {
      case 'always':
        return true;
      case 'never':
        return false;
      case 'mention':
        return meant.has(agent);
      case 'auto':
        return meant.has(agent) || (at === 0 && meant.size === 0 && humans <= 1);
      default:
        return agent.speaks satisfies never;
    }
  });
}

/** The agents whom a message names, but for those that never speak. */
export function mentionedOf(
  agents: readonly AgentSettings[],
  content: string,
): readonly AgentSettings[] {
  if (!content.includes('@')) return [];
  const text = content.toLowerCase();
  return agents.filter(({ id, name, speaks }) => {
    const isSilent = speaks === 'never';
    return !isSilent && [id, name].some((named) => hasWord(text, `@${named.toLowerCase()}`));
  });
}

export function countHumans(members: Iterable<Member>): number {
  let humans = 0;
  for (const member of members) if (member.kind === 'human') humans += 1;
  return humans;
}

/** As a word of its own. */
function hasWord(text: string, word: string): boolean {
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + 1)) {
    const isStart = at === 0 || !isWordChar(text[at - 1]);
    if (isStart && !isWordChar(text[at + word.length])) return true;
  }
  return false;
}

function isWordChar(char: string | undefined): boolean {
  return char !== undefined && /[\p{L}\p{N}_]/u.test(char);
}
