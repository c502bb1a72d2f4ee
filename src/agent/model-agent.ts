import type { Agent } from '../../actors/agent-port.ts';
import { type Breakers, breakerName } from '../provider/breakers.ts';
import type { Provider } from './langgraph/chat-model.ts';
import { MODEL_DEFAULTS, type ModelOptions, mistakesIn } from './langgraph/options.ts';
import type { ToolSource } from './tools/tool.ts';

/** The model when a key is given and nothing else: small, quick, and without a long think before the first token. */
export const DEFAULT_MODEL = 'gpt-4.1-mini';

/** A model and who serves it. What is left out is `MODEL_DEFAULTS`. */
export interface ModelSpec extends Partial<ModelOptions> {
  /** `openai:gpt-4.1-mini`, `bedrock:anthropic.claude-…`; without a provider it is one of `openai`. */
  readonly model?: string;
  readonly bedrock?: BedrockSpec | undefined;
}

interface BedrockSpec {
  readonly region?: string | undefined;
  readonly endpoint?: string | undefined;
}

/** What all agents of a process share. */
export interface ModelShared {
  readonly breakers: Breakers;
  readonly tools?: ToolSource | undefined;
  readonly report?: ((event: string, about: Readonly<Record<string, unknown>>) => void) | undefined;
}

type ProviderName = Provider['name'];

/** Who serves a model, and what it is called there. */
export function readModel(text: string): { readonly provider: ProviderName; readonly id: string } {
  const [, provider = 'openai', id = text] = /^(openai|bedrock):(.*)$/su.exec(text) ?? [];
  return { provider: provider as ProviderName, id };
}

/** Every mistake in it, in words for the operator; a key is never among them. */
export function mistakesInModel(spec: ModelSpec): readonly string[] {
  const { provider } = readModel(spec.model ?? '');
  const mistakes = [...mistakesIn(settingsOf(spec))];
  if (provider === 'bedrock') return [...mistakes, ...mistakesInBedrock(spec.bedrock)];
  if (!isSet(spec.apiKey) && !isSet(spec.baseUrl))
    mistakes.push('set OPENAI_API_KEY, or COLLOQUY_OPENAI_BASE_URL for an endpoint of your own');
  if (isSet(spec.baseUrl) && !isSet(spec.model))
    mistakes.push(
      'set COLLOQUY_MODEL to a model that the endpoint at COLLOQUY_OPENAI_BASE_URL has',
    );
  return mistakes;
}

function mistakesInBedrock({ region, endpoint }: BedrockSpec = {}): readonly string[] {
  const mistakes: string[] = [];
  if (!isSet(region) || !/^[a-z0-9-]{1,63}$/u.test(region))
    mistakes.push('set COLLOQUY_AWS_REGION, or AWS_REGION, to the region of the Bedrock model');
  if (isSet(endpoint) && !/^https?:$/u.test(URL.parse(endpoint)?.protocol ?? ''))
    mistakes.push('the Bedrock endpoint must be a URL that begins with http:// or https://');
  return mistakes;
}

/** The agent on this model, which has no mistakes in it. Loads its provider's client, which takes half a second. */
export async function modelAgent(spec: ModelSpec, shared: ModelShared): Promise<Agent> {
  const settings = settingsOf(spec);
  const { provider: name } = readModel(spec.model ?? '');
  const { langGraphAgent } = await import('./langgraph/agent.ts');
  const endpoint = name === 'bedrock' ? spec.bedrock?.endpoint : settings.baseUrl;
  const host = URL.parse(endpoint ?? '')?.host;
  const called = breakerName('model', name, settings.model, ...(host ? [host] : []));
  return langGraphAgent(settings, {
    breaker: shared.breakers.named(called, settings),
    provider: name === 'bedrock' ? await bedrockOf(settings, spec.bedrock) : undefined,
    tools: shared.tools,
    report: shared.report,
  });
}

async function bedrockOf(
  { model, maxOutputTokens }: ModelOptions,
  { region = '', endpoint }: BedrockSpec = {},
): Promise<Provider> {
  const { bedrockProvider } = await import('./langgraph/bedrock-model.ts');
  const own = isSet(endpoint) ? endpoint : undefined;
  return bedrockProvider({ model, maxOutputTokens, region, endpoint: own });
}

function settingsOf({ bedrock: _, ...spec }: ModelSpec): ModelOptions {
  return {
    ...MODEL_DEFAULTS,
    ...spec,
    apiKey: isSet(spec.apiKey) ? spec.apiKey : undefined,
    baseUrl: isSet(spec.baseUrl) ? spec.baseUrl : undefined,
    model: isSet(spec.model) ? readModel(spec.model).id : DEFAULT_MODEL,
  };
}

function isSet(text: string | undefined): text is string {
  return text !== undefined && text !== '';
}
