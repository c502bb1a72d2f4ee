/**
 * The one file that knows LangChain's agent: builds it once, and turns its stream into ours.
 *
 * - `ChatOpenAICompletions`, not `ChatOpenAI`: the latter takes some models to the Responses API whatever
 *   `useResponsesApi` says, and that path loses names and is not there on compatible endpoints.
 * - `streaming` stays unset: with it, LangChain counts tokens with a tokenizer from the network.
 * - No retries of the client's own: they would begin again behind what was already shown.
 * - No checkpointer: the conversation's log is the only history.
 */
import { BaseCallbackHandler } from '@langchain/core/callbacks/base';
import { AIMessage, AIMessageChunk, HumanMessage, SystemMessage } from '@langchain/core/messages';
import type { LLMResult } from '@langchain/core/outputs';
import { ChatOpenAICompletions } from '@langchain/openai';
import { createAgent } from 'langchain';

import type { Usage } from '../../domain/event.ts';
import { OPENAI_URL } from '../../provider/endpoint.ts';
import { faultOf } from '../../provider/provider-error.ts';
import type { ModelOptions } from './options.ts';
import type { PromptMessage } from './prompt.ts';

export type ModelEvent =
  | { readonly type: 'text'; readonly text: string }
  /** The model is at work, with nothing to show: a role, a thought. */
  | { readonly type: 'sign' }
  | { readonly type: 'usage'; readonly usage: Usage }
  /** The last one. `reason` is the provider's (`stop`, `length`, …); absent when the stream just ended. */
  | { readonly type: 'finish'; readonly reason: string | undefined };

/** One call of the model. Throws `ProviderFault`; closes the connection when `signal` aborts. */
export type ModelCall = (
  prompt: readonly PromptMessage[],
  signal: AbortSignal,
) => AsyncIterable<ModelEvent>;

/** Builds the agent; reused for every turn, it holds nothing between them. */
export function modelCall(options: ModelOptions): ModelCall {
  const model = new ChatOpenAICompletions({
    model: options.model,
    // Both are said, or the client takes them from OPENAI_* of the environment behind the configuration's back.
    apiKey: options.apiKey ?? 'none',
    configuration: { baseURL: options.baseUrl ?? OPENAI_URL },
    maxRetries: 0,
    ...(options.maxOutputTokens === undefined ? {} : { maxTokens: options.maxOutputTokens }),
  });
  const agent = createAgent({ model, tools: [] });

  return async function* call(prompt, signal) {
    const finish = new FinishReason();
    try {
      const stream = await agent.stream(
        { messages: prompt.map(toLangChain) },
        { streamMode: ['messages'], signal, callbacks: [finish] },
      );
      for await (const [, [message]] of stream) yield* eventsOf(message);
      yield { type: 'finish', reason: finish.reason };
    } catch (error) {
      throw faultOf(error, options.apiKey);
    }
  };
}

function toLangChain({ role, content }: PromptMessage): SystemMessage | HumanMessage | AIMessage {
  switch (role) {
    case 'system':
      return new SystemMessage(content);
    case 'user':
      return new HumanMessage(content);
    case 'assistant':
      return new AIMessage(content);
  }
}

function* eventsOf(message: unknown): Generator<ModelEvent> {
  if (!(message instanceof AIMessageChunk)) return;
  yield message.text === '' ? { type: 'sign' } : { type: 'text', text: message.text };
  const usage = message.usage_metadata;
  if (usage === undefined) return;
  const { input_tokens, output_tokens } = usage;
  yield { type: 'usage', usage: { input_tokens, output_tokens } };
}

/**
 * Why the model stopped. Neither the chunks of the stream nor the message that the graph makes of them say
 * it, so that a stream which was cut politely looks like a whole one; the model's own result does.
 */
class FinishReason extends BaseCallbackHandler {
  override readonly name = 'FinishReason';
  /** Or it would be told in the background, perhaps after the stream has ended. */
  override awaitHandlers = true;
  reason: string | undefined;

  override handleLLMEnd(output: LLMResult): void {
    const reason: unknown = output.generations[0]?.[0]?.generationInfo?.['finish_reason'];
    this.reason = typeof reason === 'string' ? reason : undefined;
  }
}
