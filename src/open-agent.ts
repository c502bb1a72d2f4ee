import type { Agent } from '../actors/agent-port.ts';
import type { ModelShared, ModelSpec } from './agent/model-agent.ts';
import type { Config } from './config.ts';
import { Breakers } from './provider/breakers.ts';

/** The agent that the settings ask for. Throws `AgentOptionsError`, with a message for the operator. */
export async function openAgentOf(
  config: Config,
  shared: ModelShared = { breakers: new Breakers() },
): Promise<Agent | undefined> {
  const { openAgent } = await import('./agent/open.ts');
  const { maxAnswerChars, agentTokensPerSecond } = config;
  return openAgent({
    ...shared,
    kind: config.agent,
    maxAnswerChars,
    model: modelOf(config),
    fallback: { model: config.fallbackModel, offline: config.offlineFallback },
    offline: { wordsPerSecond: agentTokensPerSecond },
    scripted: { tokens: config.agentTokens, tokensPerSecond: agentTokensPerSecond },
  });
}

/** What the settings say of models. */
export function modelOf(config: Config): ModelSpec {
  return {
    apiKey: config.openaiApiKey,
    baseUrl: config.openaiBaseUrl,
    ...(config.model === undefined ? {} : { model: config.model }),
    bedrock: { region: config.awsRegion, endpoint: config.bedrockEndpoint },
    systemPrompt: config.systemPrompt,
    contextTokens: config.contextTokens,
    historyMessages: config.historyMessages,
    firstTokenMs: config.firstTokenMs,
    stallMs: config.stallMs,
    maxModelCalls: config.maxModelCalls,
    maxToolCalls: config.maxToolCalls,
  };
}
