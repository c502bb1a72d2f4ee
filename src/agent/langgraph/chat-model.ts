/**
 * The model of a provider, and how to read what it says besides text. One function a provider.
 *
 * - `ChatOpenAICompletions`, not `ChatOpenAI`: the latter takes some models to the Responses API whatever
 *   `useResponsesApi` says, and that path loses names and is not there on compatible endpoints.
 * - `streaming` stays unset: with it, LangChain counts tokens with a tokenizer from the network.
 * - No retries of the client's own: they would begin again behind what was already shown.
 */
import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
import type { ChatGenerationChunk } from '@langchain/core/outputs';
import { ChatOpenAICompletions } from '@langchain/openai';
import { OPENAI_URL } from '../../provider/endpoint.ts';
import { faultOf } from '../../provider/provider-error.ts';
import type { ProviderFault } from '../../provider/provider-fault.ts';
import type { ModelOptions } from './options.ts';

export interface Provider {
  /** What its models are called by: `openai:gpt-…`. */
  readonly name: 'openai' | 'bedrock';
  readonly model: BaseChatModel;
  /** Why the model stopped (`stop`, `length`, `tool_calls`, …), in the chunk that says so. */
  readonly finishOf: (chunk: ChatGenerationChunk) => string | undefined;
  /** What its client threw; the key never gets through. */
  readonly faultOf: (error: unknown) => ProviderFault;
}

class Completions extends ChatOpenAICompletions {
  /** Not every endpoint says whose words they are: they are the model's. */
  protected override _convertCompletionsDeltaToBaseMessageChunk(
    ...[delta, raw, role = 'assistant']: Parameters<
      ChatOpenAICompletions['_convertCompletionsDeltaToBaseMessageChunk']
    >
  ) {
    return super._convertCompletionsDeltaToBaseMessageChunk(delta, raw, role);
  }
}

/** Any endpoint that speaks OpenAI's chat completions. */
export function openAiProvider(options: ModelOptions): Provider {
  const model = new Completions({
    model: options.model,
    // Both are said, or the client takes them from OPENAI_* of the environment behind the configuration's back.
    apiKey: options.apiKey ?? 'none',
    configuration: { baseURL: options.baseUrl ?? OPENAI_URL },
    maxRetries: 0,
    ...(options.maxOutputTokens === undefined ? {} : { maxTokens: options.maxOutputTokens }),
  });
  return {
    name: 'openai',
    model,
    finishOf: ({ generationInfo }) => {
      const reason: unknown = generationInfo?.['finish_reason'];
      return typeof reason === 'string' ? reason : undefined;
    },
    faultOf: (error) => faultOf(error, options.apiKey),
  };
}
