import type { Agent } from '../../actors/agent-port.ts';
import { Breakers } from '../provider/breakers.ts';
import { fallbackAgent, type StandIn } from './fallback.ts';
import {
  type ModelShared,
  type ModelSpec,
  mistakesInModel,
  modelAgent,
  readModel,
} from './model-agent.ts';
import { type OfflineOptions, offlineAgent } from './offline.ts';
import { type ScriptedOptions, scriptedAgent } from './scripted.ts';

/** `model` is one of any provider; `auto` that, when one is configured, else `offline`. */
type AgentKind = 'auto' | 'model' | 'openai' | 'bedrock' | 'offline' | 'scripted' | 'none';

export interface AgentOptions extends Partial<ModelShared> {
  readonly kind: AgentKind;
  /** Characters of a message at most: an answer is one. */
  readonly maxAnswerChars?: number;
  /** The model, whoever serves it. */
  readonly model?: ModelSpec;
  /** Who answers when the model does not; nobody when absent. */
  readonly fallback?: Fallback;
  readonly offline?: Partial<OfflineOptions>;
  readonly scripted?: Partial<ScriptedOptions>;
}

interface Fallback {
  /** Another model, with what else is set for the first. */
  readonly model?: string | undefined;
  /** The offline agent, at the end of the line. */
  readonly offline?: boolean;
}

/** The agent cannot be what was asked for. The message is for the operator, in one line, without secrets. */
export class AgentOptionsError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'AgentOptionsError';
  }
}

/**
 * The agent that was asked for; undefined for `none`. Throws `AgentOptionsError` with every mistake at once.
 * Only a model loads LangChain, which takes half a second; none of them calls out before the first turn.
 */
export async function openAgent(options: AgentOptions): Promise<Agent | undefined> {
  const { kind } = options;
  return await KINDS[kind](options);
}

const KINDS: Readonly<Record<AgentKind, (options: AgentOptions) => Promise<Agent | undefined>>> = {
  auto: (options) => (hasModel(options) ? openModels(options) : KINDS.offline(options)),
  model: openModels,
  openai: openModels,
  bedrock: openModels,
  offline: async (options) => offlineAgent(offlineOf(options)),
  scripted: async (options) => scriptedAgent({ ...bounds(options), ...options.scripted }),
  none: async () => undefined,
};

function hasModel({ model = {} }: AgentOptions): boolean {
  const isElsewhere = readModel(model.model ?? '').provider !== 'openai';
  return isElsewhere || Boolean(model.apiKey) || Boolean(model.baseUrl);
}

/** The model, and behind it who stands in for it. */
async function openModels(options: AgentOptions): Promise<Agent> {
  const { kind, fallback = {} } = options;
  const first: ModelSpec = { ...bounds(options), ...options.model };
  const { provider } = readModel(first.model ?? '');
  const mistakes = [...mistakesInModel(first)];
  if (kind !== 'auto' && kind !== 'model' && kind !== provider)
    mistakes.push(`COLLOQUY_MODEL is a model of \`${provider}\``);
  const second = fallback.model ? { ...first, model: fallback.model } : undefined;
  const more = second === undefined ? [] : mistakesInModel(second);
  mistakes.push(...more.filter((mistake) => !mistakes.includes(mistake)));
  if (mistakes.length > 0)
    throw new AgentOptionsError(`the agent \`${provider}\` cannot be used: ${mistakes.join('; ')}`);
  const shared = { ...options, breakers: options.breakers ?? new Breakers() };
  const standIns: StandIn[] = [];
  if (second !== undefined)
    standIns.push({ agent: await modelAgent(second, shared), as: 'fallback_model' });
  if (fallback.offline === true) standIns.push({ agent: standIn(options), as: 'offline' });
  return fallbackAgent(await modelAgent(first, shared), standIns);
}

function standIn(options: AgentOptions): Agent {
  return offlineAgent({ ...offlineOf(options), standsIn: true });
}

function offlineOf(options: AgentOptions): Partial<OfflineOptions> {
  const { tools, offline } = options;
  return { ...bounds(options), ...(tools === undefined ? {} : { tools }), ...offline };
}

function bounds({ maxAnswerChars }: AgentOptions): { readonly maxAnswerChars?: number } {
  return maxAnswerChars === undefined ? {} : { maxAnswerChars };
}
