import type { ConversationId, Epoch, ParticipantId } from './ids.ts';
import type { Member } from './participant.ts';

export const VISIBILITIES = ['open', 'invite'] as const;
/** `open`: whoever knows the id may join. `invite`: members only; to others it does not exist. */
export type Visibility = (typeof VISIBILITIES)[number];

export const SPEAKS = ['auto', 'always', 'mention', 'never'] as const;
/** When the agent answers. `auto`: every message while there is one human member, mentions and replies when there are more. */
type Speaks = (typeof SPEAKS)[number];

export const WHILE_BUSY = ['enqueue', 'reject', 'interrupt', 'rollback', 'debounce'] as const;
/** What a message does that comes while the agent speaks. */
type WhileBusy = (typeof WHILE_BUSY)[number];

export interface AgentSettings {
  readonly id: ParticipantId;
  readonly name: string;
  readonly speaks: Speaks;
  readonly whileBusy: WhileBusy;
}

/** What people set; the part of a conversation that `conversation.updated` changes. */
export interface Settings {
  readonly title: string | null;
  readonly visibility: Visibility;
  readonly agent: AgentSettings | null;
  /** Agents beside that one, each with another id; absent when there are none. */
  readonly agents?: readonly AgentSettings[];
  /** A JSON object, 4 KiB at most. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Agents that a conversation may have beside its first one. */
export const MAX_MORE_AGENTS = 7;

/** Every agent of a conversation, the first one first. */
export function agentsOf({
  agent,
  agents,
}: Pick<Settings, 'agent' | 'agents'>): readonly AgentSettings[] {
  if (agents === undefined) return agent === null ? [] : [agent];
  return agent === null ? agents : [agent, ...agents];
}

/** A conversation without its log. Times are milliseconds since 1970. */
export interface Conversation extends Settings {
  readonly id: ConversationId;
  readonly epoch: Epoch;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly createdBy: ParticipantId;
  /** The `Idempotency-Key` it was made with, so that a repeated request finds it. */
  readonly createdKey: string | null;
  /** The seq of the newest event; 0 when there is none. */
  readonly headSeq: number;
  /** The seq of the oldest event that is still there; 1 unless older ones were trimmed. */
  readonly firstSeq: number;
}

/** A conversation and who is in it. The agent is in the settings, not among the members. */
export interface ConversationState {
  readonly conversation: Conversation;
  readonly members: readonly Member[];
}
