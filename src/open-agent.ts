import type { Agent } from '../actors/agent-port.ts';
import type { Config } from './config.ts';
import { Breakers } from './provider/breakers.ts';

/** The agent that the settings ask for. Throws `AgentOptionsError`, with a message for the operator. */
export async function openAgentOf(
  config: Config,
  breakers = new Breakers(),
): Promise<Agent | undefined> {
  const { openAgent } = await import('./agent/open.ts');
  const { maxAnswerChars, agentTokensPerSecond } = config;
  return openAgent({
    kind: config.agent,
    breakers,
    maxAnswerChars,
    openai: {
      apiKey: config.openaiApiKey,
      baseUrl: config.openaiBaseUrl,
      ...(config.model === undefined ? {} : { model: config.model }),
      systemPrompt: config.systemPrompt,
      contextTokens: config.contextTokens,
      historyMessages: config.historyMessages,
      firstTokenMs: config.firstTokenMs,
      stallMs: config.stallMs,
    },
    offline: { wordsPerSecond: agentTokensPerSecond },
    scripted: { tokens: config.agentTokens, tokensPerSecond: agentTokensPerSecond },
  });
}
