import { readFileSync } from 'node:fs';
import type { Agent } from '../actors/agent-port.ts';
import { type FileAgent, readAgentsFile } from './agent/agents-file.ts';
import type { ModelSpec } from './agent/model-agent.ts';
import { type AgentOptions, AgentOptionsError, openAgent } from './agent/open.ts';
import type { Toolbox } from './agent/tools/toolbox.ts';
import type { Config } from './config.ts';
import type { AgentSettings } from './domain/conversation.ts';
import { type ParticipantId, participantId } from './domain/ids.ts';
import { modelOf, openAgentOf } from './open-agent.ts';
import { choiceOf } from './open-tools.ts';
import type { Breakers } from './provider/breakers.ts';

/** The agent of a conversation when nothing else was said. */
const AGENT_ID = participantId('assistant');

/** An agent that sits down in conversations, and who speaks for it. */
export interface OpenedAgent {
  readonly agent: Agent;
  /** How it is in a conversation when nothing else was said. */
  readonly settings: AgentSettings;
  readonly price: FileAgent['price'];
}

export interface AgentParts {
  readonly config: Config;
  readonly breakers: Breakers;
  readonly toolbox: Toolbox;
  readonly report: (event: string, about: Readonly<Record<string, unknown>>) => void;
  /** Where the keys are that the file of agents names. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * The agents of this server, the one of new conversations first: those of the file, or the one of the settings; []
 * for none. Throws `AgentOptionsError` with every mistake at once, for the operator.
 */
export async function openAgentsOf(parts: AgentParts): Promise<readonly OpenedAgent[]> {
  const { config, breakers, toolbox, report } = parts;
  if (config.agentsFile !== undefined) return agentsIn(config.agentsFile, parts);
  const tools = toolbox.toolsFor(choiceOf(config));
  const agent = await openAgentOf(config, { breakers, tools, report });
  return agent === undefined ? [] : [{ agent, settings: ownSettings(config), price: undefined }];
}

/** How the agent of the settings is in a conversation. */
export function ownSettings({ agentName }: Config): AgentSettings {
  return { id: AGENT_ID, name: agentName, speaks: 'auto', whileBusy: 'enqueue' };
}

/** Who speaks for each of them. */
export function speakersOf(agents: readonly OpenedAgent[]): ReadonlyMap<ParticipantId, Agent> {
  return new Map(agents.map(({ agent, settings }) => [settings.id, agent]));
}

async function agentsIn(path: string, parts: AgentParts): Promise<readonly OpenedAgent[]> {
  const read = await readAgentsFile(textOf(path));
  if (!read.ok) throw refused(path, read.failure);
  const mistakes: string[] = [];
  const opened: OpenedAgent[] = [];
  for (const one of read.value) {
    const said = mistakesOf(one, parts);
    try {
      const agent = await openAgent(optionsOf(one, parts));
      if (agent !== undefined) opened.push({ agent, settings: settingsOf(one), price: one.price });
    } catch (error) {
      if (!(error instanceof AgentOptionsError)) throw error;
      said.push(error.message);
    }
    mistakes.push(...said.map((mistake) => `\`${one.id}\`: ${mistake}`));
  }
  if (mistakes.length > 0) throw refused(path, mistakes);
  return opened;
}

function mistakesOf(
  { tools, approval, api_key_env: name }: FileAgent,
  parts: AgentParts,
): string[] {
  const strange = parts.toolbox.unknownIn({ names: tools, approval });
  const mistakes = strange.map((tool) => `there is no tool \`${tool}\``);
  if (name !== undefined && !parts.env[name]) mistakes.push(`the variable ${name} is not set`);
  return mistakes;
}

function settingsOf({ id, name, speaks, while_busy: whileBusy }: FileAgent): AgentSettings {
  return { id, name, speaks, whileBusy };
}

function optionsOf(
  one: FileAgent,
  { config, breakers, toolbox, report, env }: AgentParts,
): AgentOptions {
  const { maxAnswerChars, agentTokensPerSecond } = config;
  const own = choiceOf(config);
  const choice = { names: one.tools ?? own.names, approval: one.approval ?? own.approval };
  const kind = one.model === 'offline' || one.model === 'scripted' ? one.model : 'model';
  return {
    kind,
    breakers,
    tools: toolbox.toolsFor(choice),
    report,
    maxAnswerChars,
    model: specOf(one, config, env),
    fallback: one.fallback ?? {},
    offline: { wordsPerSecond: agentTokensPerSecond },
    scripted: { tokens: config.agentTokens, tokensPerSecond: agentTokensPerSecond },
  };
}

/** What the agent says, on what the settings say of all models. Their key goes to their endpoint only. */
function specOf(one: FileAgent, config: Config, env: AgentParts['env']): ModelSpec {
  const key = one.api_key_env === undefined ? undefined : env[one.api_key_env];
  const { apiKey, baseUrl, ...all } = modelOf(config);
  const isElsewhere = one.base_url !== undefined;
  const { context_tokens: contextTokens = config.contextTokens } = one;
  return {
    ...all,
    model: one.model,
    baseUrl: isElsewhere ? one.base_url : baseUrl,
    apiKey: key ?? (isElsewhere ? undefined : apiKey),
    systemPrompt: one.system_prompt,
    contextTokens,
    ...(one.max_output_tokens === undefined ? {} : { maxOutputTokens: one.max_output_tokens }),
  };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'failed';
    throw new AgentOptionsError(`the file of agents, ${path}, cannot be read: ${code}`);
  }
}

function refused(path: string, mistakes: readonly string[]): AgentOptionsError {
  const lines = mistakes.map((mistake) => `\n  ${mistake}`).join('');
  return new AgentOptionsError(`the file of agents, ${path}, has mistakes:${lines}`);
}
