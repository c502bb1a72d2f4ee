import type { z } from 'zod';
import { type AgentSettings, agentsOf, type Settings } from '../../domain/conversation.ts';
import { type Failure, failure } from '../../domain/failure.ts';
import type { ParticipantId } from '../../domain/ids.ts';
import { err, ok, type Result } from '../../domain/result.ts';
import type { CreateConversation } from '../../protocol/rest.ts';
import type { Edge } from '../edge.ts';

type Wanted = Pick<z.infer<typeof CreateConversation>, 'agent' | 'agents'>;
type Patch = NonNullable<Wanted['agent']>;
type Agents = Partial<Pick<Settings, 'agent' | 'agents'>>;

/** Which agents a conversation has, after what is asked for; a server without agents gives none. */
export function agentsFrom(
  defaults: Edge['defaults'],
  before: Pick<Settings, 'agent' | 'agents'>,
  { agent, agents }: Wanted,
): Result<Agents, Failure> {
  if (defaults.agent === null) return ok(agent === undefined ? {} : { agent: null });
  const known = [...agentsOf(before), ...defaults.knownAgents];
  const chosen: { agent?: AgentSettings | null; agents?: readonly AgentSettings[] } = {};
  if (agent !== undefined) {
    const first = agent && patched(known, agent, before.agent ?? defaults.agent);
    if (first === undefined) return err(unknown('agent', agent?.id));
    chosen.agent = first;
  }
  if (agents !== undefined) {
    const more = agents.map((one) => patched(known, one, undefined));
    const strange = more.indexOf(undefined);
    if (strange !== -1) return err(unknown(`agents.${strange}`, agents[strange]?.id));
    chosen.agents = more.filter((one) => one !== undefined);
  }
  const ids = agentsOf({ ...before, ...chosen }).map(({ id }) => id);
  if (new Set(ids).size === ids.length) return ok(chosen);
  return err(failure('invalid_field', { message: '`agents`: an agent is there twice' }));
}

/** What is known of the agent, with what is asked for in its place; undefined when there is no such agent. */
function patched(
  known: readonly AgentSettings[],
  patch: Patch,
  otherwise: AgentSettings | undefined,
): AgentSettings | undefined {
  const agent = patch.id === undefined ? otherwise : known.find(({ id }) => id === patch.id);
  return (
    agent && {
      ...agent,
      name: patch.name ?? agent.name,
      speaks: patch.speaks ?? agent.speaks,
      whileBusy: patch.while_busy ?? agent.whileBusy,
    }
  );
}

function unknown(field: string, id: ParticipantId | undefined): Failure {
  return failure('invalid_field', { message: `\`${field}\`: this server has no agent ${id}` });
}
