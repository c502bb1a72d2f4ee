import type { AgentSettings } from '../src/domain/conversation.ts';
import type { Member } from '../src/domain/participant.ts';

export interface Said {
  readonly content: string;
  /** It replies to something that the agent said. */
  readonly repliesToAgent: boolean;
}

/** Whether the agent answers this message of a human, by its `speaks` policy. Linear in the content. */
export function isAsked(agent: AgentSettings, humans: number, said: Said): boolean {
  switch (agent.speaks) {
    case 'always':
      return true;
    case 'never':
      return false;
    case 'mention':
      return isMentioned(agent, said.content);
    case 'auto':
      return humans <= 1 || said.repliesToAgent || isMentioned(agent, said.content);
    default:
      return agent.speaks satisfies never;
  }
}

export function countHumans(members: Iterable<Member>): number {
  let humans = 0;
  for (const member of members) if (member.kind === 'human') humans += 1;
  return humans;
}

/** `@id` or `@name`, as a word of its own, in any case. */
function isMentioned(agent: AgentSettings, content: string): boolean {
  if (!content.includes('@')) return false;
  const text = content.toLowerCase();
  return [agent.id, agent.name].some((name) => hasWord(text, `@${name.toLowerCase()}`));
}

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
