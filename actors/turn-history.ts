import type { Message } from '../src/domain/message.ts';
import type { Turn } from '../src/domain/turn.ts';
import { AgentFailure } from './agent-port.ts';

/** The newest messages up to `upToSeq`, or up to now, ascending. Throws when the store does not answer. */
export type ReadMessages = (page: {
  limit: number;
  upToSeq?: number;
}) => Promise<readonly Message[]>;

/**
 * What the agent sees: all up to its trigger, and its own answers since, the trigger last. One read where nothing was
 * said since, two otherwise.
 */
export async function historyOf(
  { triggerSeq, agentId }: Turn,
  limit: number,
  read: ReadMessages,
): Promise<readonly Message[]> {
  const newest = await read({ limit });
  const isNewest = newest.at(-1)?.event.seq === triggerSeq;
  const before = isNewest ? newest : await read({ limit, upToSeq: triggerSeq });
  const trigger = before.filter(({ event }) => event.seq === triggerSeq);
  if (trigger.length === 0)
    throw new AgentFailure('trimmed', 'The message to answer is no longer in the log.');
  const answers = newest.filter(
    ({ event }) => event.seq > triggerSeq && event.author.id === agentId,
  );
  const others = [...before.filter(({ event }) => event.seq < triggerSeq), ...answers];
  return [...others.slice(Math.max(others.length + trigger.length - limit, 0)), ...trigger];
}
