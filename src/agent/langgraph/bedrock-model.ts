/**
 * Models of Amazon Bedrock, over its Converse API.
 *
 * - Credentials come from where AWS's own tools take them: the environment, a profile, the role of the machine.
 * - `client` is made here: the wrapper's own takes no endpoint but one in the clear's opposite, and retries by itself.
 * - The API wants people and model by turns, and people first: neighbours of one role become one message.
 */
import { BedrockRuntimeClient } from '@aws-sdk/client-bedrock-runtime';
import { ChatBedrockConverse } from '@langchain/aws';
import type { CallbackManagerForLLMRun } from '@langchain/core/callbacks/manager';
import { AIMessage, type BaseMessage, HumanMessage } from '@langchain/core/messages';
import type { ChatGenerationChunk } from '@langchain/core/outputs';
import { bedrockFaultOf } from '../../provider/bedrock-fault.ts';
import type { Provider } from './chat-model.ts';

export interface BedrockOptions {
  readonly model: string;
  /** `eu-central-1` */
  readonly region: string;
  /** One of your own, such as that of a VPC; AWS's for the region when absent. */
  readonly endpoint: string | undefined;
  readonly maxOutputTokens: number | undefined;
}

/** A model of Bedrock. Calls nothing before the first turn. */
export function bedrockProvider(options: BedrockOptions): Provider {
  const { model, region, endpoint, maxOutputTokens } = options;
  const client = new BedrockRuntimeClient({
    region,
    // Retries are ours: they know what was shown, and the breaker.
    maxAttempts: 1,
    ...(endpoint === undefined ? {} : { endpoint }),
  });
  return {
    name: 'bedrock',
    model: new Converse({
      client,
      model,
      region,
      ...(maxOutputTokens === undefined ? {} : { maxTokens: maxOutputTokens }),
    }),
    finishOf,
    faultOf: bedrockFaultOf,
  };
}

class Converse extends ChatBedrockConverse {
  override async *_streamResponseChunks(
    messages: BaseMessage[],
    options: this['ParsedCallOptions'],
    run?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    yield* super._streamResponseChunks(byTurns(messages), options, run);
  }
}

/** Whose words an endpoint of OpenAI's kind would call it that it stopped at. */
const FINISHES: Readonly<Record<string, string>> = {
  guardrail_intervened: 'content_filter',
  content_filtered: 'content_filter',
};

function finishOf({ message }: ChatGenerationChunk): string | undefined {
  const { messageStop } = message.response_metadata as {
    messageStop?: { stopReason?: string };
  };
  const reason = messageStop?.stopReason;
  return reason === undefined ? undefined : (FINISHES[reason] ?? reason);
}

function byTurns(messages: readonly BaseMessage[]): BaseMessage[] {
  const turns: BaseMessage[] = [];
  for (const message of messages) {
    const joined = join(turns.at(-1), message);
    if (joined === undefined) turns.push(message);
    else turns[turns.length - 1] = joined;
  }
  return turns;
}

/** Both as one message; undefined when they are not of one role, or more than text. */
function join(before: BaseMessage | undefined, message: BaseMessage): BaseMessage | undefined {
  if (before === undefined) return undefined;
  const text = () => `${before.text}\n\n${message.text}`;
  if (HumanMessage.isInstance(before) && HumanMessage.isInstance(message))
    return new HumanMessage(text());
  const isPlain = (one: BaseMessage) => AIMessage.isInstance(one) && !one.tool_calls?.length;
  return isPlain(before) && isPlain(message) ? new AIMessage(text()) : undefined;
}
