import type { AgentSettings } from '../src/domain/conversation.ts';

/** A changed setting as the log shows it. */
export function wireChange([field, value]: [string, unknown]): [string, unknown] {
  if (field === 'agents') return [field, (value as readonly AgentSettings[]).map(wireAgent)];
  return field === 'agent' && value !== null
    ? [field, wireAgent(value as AgentSettings)]
    : [field, value];
}

function wireAgent({ id, name, speaks, whileBusy }: AgentSettings) {
  return { id, name, speaks, while_busy: whileBusy };
}
