import type { Agent } from '../../actors/agent-port.ts';
import { Breakers, breakerName } from '../provider/breakers.ts';
import { MODEL_DEFAULTS, type ModelOptions, mistakesIn } from './langgraph/options.ts';
import { type OfflineOptions, offlineAgent } from './offline.ts';
import { type ScriptedOptions, scriptedAgent } from './scripted.ts';
import type { ToolSource } from './tools/tool.ts';

export const AGENT_KINDS = ['auto', 'openai', 'offline', 'scripted', 'none'] as const;
/** `auto` is `openai` when a key or an endpoint is configured, else `offline`. */
type AgentKind = (typeof AGENT_KINDS)[number];

export interface AgentOptions {
  readonly kind: AgentKind;
  /** Characters of a message at most: an answer is one. */
  readonly maxAnswerChars?: number;
  /** Those of the process; an agent that is given none has its own. */
  readonly breakers?: Breakers;
  /** What the agent may call; nothing when absent. */
  readonly tools?: ToolSource;
  /** A line for the operator's log. */
  readonly report?: (event: string, about: Readonly<Record<string, unknown>>) => void;
  readonly openai?: Partial<ModelOptions>;
  readonly offline?: Partial<OfflineOptions>;
  readonly scripted?: Partial<ScriptedOptions>;
}

/** The model when a key is given and nothing else: small, quick, and without a long think before the first token. */
export const DEFAULT_MODEL = 'gpt-4.1-mini';

/** The agent cannot be what was asked for. The message is for the operator, in one line, without secrets. */
export class AgentOptionsError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'AgentOptionsError';
  }
}

/**
 * The agent that was asked for; undefined for `none`. Throws `AgentOptionsError` with every mistake at once.
 * Only `openai` loads LangChain, which takes half a second; none of them calls out before the first turn.
 */
export async function openAgent(options: AgentOptions): Promise<Agent | undefined> {
  const { kind } = options;
  return await KINDS[kind](options);
}

const KINDS: Readonly<Record<AgentKind, (options: AgentOptions) => Promise<Agent | undefined>>> = {
  auto: (options) => (hasModel(options) ? KINDS.openai(options) : KINDS.offline(options)),
  openai: openModel,
  offline: async (options) => offlineAgent({ ...bounds(options), ...options.offline }),
  scripted: async (options) => scriptedAgent({ ...bounds(options), ...options.scripted }),
  none: async () => undefined,
};

function hasModel({ openai }: AgentOptions): boolean {
  return isSet(openai?.apiKey) || isSet(openai?.baseUrl);
}

async function openModel(options: AgentOptions): Promise<Agent> {
  const { openai } = options;
  const model = isSet(openai?.model) ? openai.model.replace(/^openai:/u, '') : undefined;
  const settings: ModelOptions = {
    ...MODEL_DEFAULTS,
    ...bounds(options),
    ...openai,
    apiKey: isSet(openai?.apiKey) ? openai.apiKey : undefined,
    baseUrl: isSet(openai?.baseUrl) ? openai.baseUrl : undefined,
    model: model ?? DEFAULT_MODEL,
  };
  const mistakes = [...mistakesIn(settings)];
  if (settings.apiKey === undefined && settings.baseUrl === undefined)
    mistakes.push('set OPENAI_API_KEY, or COLLOQUY_OPENAI_BASE_URL for an endpoint of your own');
  if (settings.baseUrl !== undefined && model === undefined)
    mistakes.push(
      'set COLLOQUY_MODEL to a model that the endpoint at COLLOQUY_OPENAI_BASE_URL has',
    );
  if (mistakes.length > 0)
    throw new AgentOptionsError(`the agent \`openai\` cannot be used: ${mistakes.join('; ')}`);
  const { langGraphAgent } = await import('./langgraph/agent.ts');
  const { breakers = new Breakers() } = options;
  const name = breakerName('model', 'openai', settings.model);
  return langGraphAgent(settings, {
    breaker: breakers.named(name, settings),
    tools: options.tools,
    report: options.report,
  });
}

function bounds({ maxAnswerChars }: AgentOptions): { readonly maxAnswerChars?: number } {
  return maxAnswerChars === undefined ? {} : { maxAnswerChars };
}

function isSet(text: string | undefined): text is string {
  return text !== undefined && text !== '';
}
