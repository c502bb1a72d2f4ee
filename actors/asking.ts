import { type AgentSettings, agentsOf, type Settings } from '../src/domain/conversation.ts';
import { type Failure, failure } from '../src/domain/failure.ts';
import { newTurnId, type ParticipantId, type TurnId } from '../src/domain/ids.ts';
import type { Turn } from '../src/domain/turn.ts';
import type { AgentAsk } from './draft.ts';
import { askedOf, mentionedOf, type Said } from './mentions.ts';

/** Whom a message asks, and what a turn is when it is asked for. Pure. */

export interface Ask {
  readonly agent: AgentSettings;
  readonly triggerSeq: number;
  readonly askedBy: readonly ParticipantId[];
  readonly turnId?: TurnId | undefined;
  readonly chain?: NonNullable<Turn['chain']>;
}

/**
 * Who answers a message of a person: whom its sender asks, first; and those who do by their policies. Undefined when
 * there is no such agent.
 */
export function whoAnswers(
  agents: readonly AgentSettings[],
  humans: number,
  { asks, ...said }: Said & { readonly asks: AgentAsk | undefined },
): readonly AgentSettings[] | undefined {
  const byPolicy = askedOf(agents, humans, said);
  if (asks === undefined) return byPolicy;
  const named = agents.find(({ id }) => id === asks.agentId);
  return named && [named, ...byPolicy.filter((agent) => agent !== named)];
}

export function noSuchAgent(): Failure {
  return failure('not_found', { message: 'There is no such agent in this conversation.' });
}

export function newTurn(
  { agent, triggerSeq, askedBy, turnId, chain }: Ask,
  conversationId: Turn['conversationId'],
  now: number,
): Turn {
  return {
    id: turnId ?? newTurnId(),
    conversationId,
    agentId: agent.id,
    agentName: agent.name,
    triggerSeq,
    state: 'queued',
    attempt: 0,
    createdAt: now,
    startedAt: null,
    endedAt: null,
    usage: null,
    error: null,
    messageSeq: null,
    askedBy,
    ...(chain === undefined ? {} : { chain }),
  };
}

/** A turn with its first attempt in its record, for one that begins with the batch in which it is asked for. */
export function begun(turn: Turn, runner: string | undefined): Turn {
  const lease = runner === undefined ? {} : { lease: { runner, renewals: 0 } };
  return { ...turn, state: 'thinking', attempt: 1, startedAt: turn.createdAt, ...lease };
}

/** The same turn, when another one was quicker: it waits. */
export function unbegun(turn: Turn): Turn {
  return { ...turn, state: 'queued', attempt: 0, startedAt: null };
}

/** Whether the newest message takes the place of those that wait: then the queue never is full. */
export function isNewestOnly({ whileBusy }: AgentSettings): boolean {
  return whileBusy === 'interrupt' || whileBusy === 'rollback' || whileBusy === 'debounce';
}

export interface ChainLimits {
  /** Messages of agents in a row that may ask an agent. */
  readonly maxHops: number;
  /** Turns that may follow from one message of a person, all hops together. */
  readonly maxAgentTurns: number;
}

/**
 * Whom the answer of an agent asks: the agents that it names. What may still follow is divided among them, so that the
 * turns after one message of a person are bounded however many agents name each other, and over restarts.
 */
export function asksOfAnswer(
  { ended, content, triggerSeq }: { ended: Turn; content: string; triggerSeq: number },
  settings: Pick<Settings, 'agent' | 'agents'>,
  limits: ChainLimits,
): readonly Ask[] {
  if (settings.agents === undefined) return [];
  const { hops, left } = ended.chain ?? { hops: 0, left: limits.maxAgentTurns };
  if (hops >= limits.maxHops) return [];
  const others = agentsOf(settings).filter(({ id }) => id !== ended.agentId);
  const named = mentionedOf(others, content).slice(0, left);
  const share = Math.floor((left - named.length) / named.length);
  return named.map((agent) => ({
    agent,
    triggerSeq,
    askedBy: ended.askedBy ?? [],
    chain: { hops: hops + 1, left: share },
  }));
}
