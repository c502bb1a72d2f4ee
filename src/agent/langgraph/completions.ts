/**
 * LangChain's client for OpenAI's chat completions, with a shorter way for streams: a request is made as the client
 * makes it, and goes out over connections of our own; of what comes back, the words of all events that arrived
 * together are one chunk. What is not just words is made into a chunk by LangChain, as ever.
 */
import type { IncomingMessage } from 'node:http';
import type { BaseMessage } from '@langchain/core/messages';
import type { ChatGenerationChunk } from '@langchain/core/outputs';
import {
  ChatOpenAICompletions,
  convertMessagesToCompletionsMessageParams,
} from '@langchain/openai';
import { ProviderFault } from '../../provider/provider-fault.ts';
import { type Address, ask, letEnd } from './completions-line.ts';
import { Reading } from './completions-reading.ts';

const PATH = '/chat/completions';

export class Completions extends ChatOpenAICompletions {
  #address: Promise<Address> | undefined;
  /** The endpoint sends callers elsewhere: the client knows how to follow. */
  #isElsewhere = false;

  override async *_streamResponseChunks(
    messages: BaseMessage[],
    options: this['ParsedCallOptions'],
  ): AsyncGenerator<ChatGenerationChunk> {
    const answer = this.#isElsewhere ? undefined : await this.#ask(messages, options);
    if (answer === undefined) {
      this.#isElsewhere = true;
      yield* super._streamResponseChunks(messages, options);
      return;
    }
    yield* this.#read(answer, options.signal);
  }

  async *#read(
    answer: IncomingMessage,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<ChatGenerationChunk> {
    const reading = new Reading((delta, whole) =>
      this._convertCompletionsDeltaToBaseMessageChunk(delta, whole),
    );
    let isWhole = false;
    try {
      for await (const piece of piecesOf(answer, signal)) {
        yield* reading.take(piece);
        if (reading.isDone) break;
      }
      yield* reading.end();
      isWhole = true;
    } finally {
      if (isWhole) letEnd(answer);
      else answer.destroy();
    }
  }

  /** Not every endpoint says whose words they are: they are the model's. */
  protected override _convertCompletionsDeltaToBaseMessageChunk(
    ...[delta, raw, role = 'assistant']: Parameters<
      ChatOpenAICompletions['_convertCompletionsDeltaToBaseMessageChunk']
    >
  ) {
    return super._convertCompletionsDeltaToBaseMessageChunk(delta, raw, role);
  }

  async #ask(messages: BaseMessage[], options: this['ParsedCallOptions']) {
    const body = JSON.stringify({
      ...this.invocationParams(options, { streaming: true }),
      messages: convertMessagesToCompletionsMessageParams({ messages, model: this.model }),
      stream: true,
    });
    this.#address ??= this.#addressOf();
    return ask(await this.#address, body, options.signal);
  }

  /** As the client would have it, which knows what belongs into the headers. */
  async #addressOf(): Promise<Address> {
    this._getClientOptions(undefined);
    const { req, url } = await this.client.buildRequest({ method: 'post', path: PATH, body: {} });
    const headers = { ...Object.fromEntries(req.headers), 'accept-encoding': 'identity' };
    return { url: new URL(url), headers };
  }
}

/** The text of an answer as it comes. Throws the reason of an abort, or `ProviderFault` when the connection breaks. */
async function* piecesOf(
  answer: IncomingMessage,
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  answer.setEncoding('utf8');
  try {
    for await (const piece of answer.iterator({ destroyOnReturn: false })) yield String(piece);
  } catch (error) {
    signal?.throwIfAborted();
    throw new ProviderFault('cut', error instanceof Error ? error.message : 'the stream broke off');
  }
}
