// The graph that Colloquy's agent runs (src/agent/langgraph): one model, no tools, on an OpenAI-compatible endpoint.
import { ChatOpenAICompletions } from '@langchain/openai';
import { createAgent } from 'langchain';

const model = new ChatOpenAICompletions({
  model: 'bench',
  apiKey: 'none',
  configuration: { baseURL: process.env['MODEL_URL'] },
  maxRetries: 0,
});

export const graph = createAgent({
  model,
  tools: [],
  systemPrompt: 'You are an assistant in a conversation of several people.',
}).graph;
