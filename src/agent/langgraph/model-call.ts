import type { BaseChatModelCallOptions } from '@langchain/core/language_models/chat_models';
import type { AIMessageChunk, BaseMessage } from '@langchain/core/messages';
import type { ChatGenerationChunk } from '@langchain/core/outputs';
import { ProviderFault } from '../../provider/provider-fault.ts';
import type { Provider } from './chat-model.ts';
import { type Patience, Watched } from './watched.ts';

export interface CallParts {
  readonly provider: Provider;
  readonly patience: Patience;
  readonly signal: AbortSignal;
}

/** One call of the provider's model, watched; it ends well only when the model said why it stopped. */
export class ModelCall {
  readonly #parts: CallParts;
  readonly #watched: Watched<ChatGenerationChunk>;
  #reason: string | undefined;
  #isShown = false;

  constructor(
    messages: BaseMessage[],
    options: Omit<BaseChatModelCallOptions, 'signal'>,
    parts: CallParts,
  ) {
    const { provider, patience, signal } = parts;
    const call = (closing: AbortSignal) =>
      provider.model._streamResponseChunks(messages, { ...options, signal: closing });
    this.#parts = parts;
    this.#watched = new Watched(call, { signal, patience, isToken });
  }

  /** Undefined at its end. Throws `ProviderFault`, or the reason of the abort. */
  async next(): Promise<ChatGenerationChunk | undefined> {
    const { value, done } = await this.#watched.next().catch((error) => this.#refuse(error));
    if (done === true) return this.#end();
    this.#reason = this.#parts.provider.finishOf(value) ?? this.#reason;
    this.#isShown ||= isToken(value);
    return value;
  }

  close(): void {
    this.#watched.close();
  }

  #refuse(error: unknown): never {
    const { signal, provider } = this.#parts;
    if (signal.aborted) throw signal.reason;
    throw provider.faultOf(error);
  }

  #end(): undefined {
    // Something in between that closes a stream politely leaves no other trace.
    if (this.#reason === undefined)
      throw new ProviderFault('cut', 'the stream ended without a finish_reason');
    if (this.#reason === 'content_filter' && !this.#isShown)
      throw new ProviderFault('filtered', `finish_reason ${this.#reason}`);
  }
}

function isToken({ text, message }: ChatGenerationChunk): boolean {
  if (text !== '') return true;
  return ((message as AIMessageChunk).tool_call_chunks?.length ?? 0) > 0;
}
