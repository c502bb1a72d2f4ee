import { AIMessageChunk, type BaseMessageChunk } from '@langchain/core/messages';
import { ChatGenerationChunk } from '@langchain/core/outputs';
import { OpenAIClient } from '@langchain/openai';
import { type ServerEvent, ServerEvents } from './server-events.ts';

type Completion = OpenAIClient.Chat.Completions.ChatCompletionChunk;
type Choice = Completion['choices'][number];
type Delta = Choice['delta'];
type Usage = OpenAIClient.CompletionUsage;

/** What an endpoint says may be anything: every field is looked at before it is used. */
interface Said {
  readonly error?: unknown;
  readonly usage?: Usage | null;
  readonly choices?: readonly (Partial<Choice> | undefined)[] | null;
}

/** How LangChain makes a message of what is not just words. */
export type Convert = (delta: Delta, whole: Completion) => BaseMessageChunk;

const DONE = '[DONE]';

/**
 * The answer of an endpoint, from pieces of its stream to chunks. Words of one piece are one chunk: each chunk is a
 * walk through all that stands around the model, and endpoints that are fast send many events at once.
 */
export class Reading {
  readonly #events = new ServerEvents();
  readonly #convert: Convert;
  #usage: Usage | undefined;
  /** Words that are in no chunk yet; empty for a sign of life. */
  #words: string | undefined;
  #isDone = false;

  constructor(convert: Convert) {
    this.#convert = convert;
  }

  /** Nothing that comes after is of interest. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Throws `APIError` for an error that the endpoint reports, and `SyntaxError` for what is no JSON. */
  *take(piece: string): Generator<ChatGenerationChunk> {
    yield* this.#chunks(this.#events.take(piece));
  }

  /** The stream has ended. */
  *end(): Generator<ChatGenerationChunk> {
    if (!this.#isDone) yield* this.#chunks(this.#events.end());
    if (this.#usage !== undefined) yield spent(this.#usage);
  }

  *#chunks(events: readonly ServerEvent[]): Generator<ChatGenerationChunk> {
    for (const { name, data } of events) {
      this.#isDone = data === DONE;
      if (this.#isDone) break;
      const said = JSON.parse(data) as Said | null;
      if (name === 'error' || said?.error) throw reported(said);
      if (said?.usage) this.#usage = said.usage;
      const choice = said?.choices?.[0];
      const delta = choice?.delta;
      if (!delta) continue;
      const words = choice.finish_reason == null ? wordsOf(delta) : undefined;
      if (words !== undefined) {
        this.#words = (this.#words ?? '') + words;
        continue;
      }
      yield* this.#told();
      const message = this.#convert(delta, said as Completion);
      const { content } = message;
      if (typeof content !== 'string') continue;
      const generationInfo = { finish_reason: choice.finish_reason };
      yield new ChatGenerationChunk({ message, text: content, generationInfo });
    }
    yield* this.#told();
  }

  *#told(): Generator<ChatGenerationChunk> {
    const text = this.#words;
    if (text === undefined) return;
    this.#words = undefined;
    yield new ChatGenerationChunk({ message: new AIMessageChunk(text), text });
  }
}

/** What a delta says that is the model's words and nothing else. */
function wordsOf(delta: Delta): string | undefined {
  const { content, role, tool_calls, function_call } = delta;
  if (typeof content !== 'string' || tool_calls || function_call) return undefined;
  return role === undefined || role === 'assistant' ? content : undefined;
}

function spent(usage: Usage): ChatGenerationChunk {
  const { prompt_tokens, completion_tokens, total_tokens } = usage;
  const usage_metadata = {
    input_tokens: prompt_tokens,
    output_tokens: completion_tokens,
    total_tokens,
  };
  const message = Object.assign(new AIMessageChunk(''), { usage_metadata });
  return new ChatGenerationChunk({ message, text: '' });
}

function reported(said: Said | null): Error {
  const error = said?.error ?? said ?? {};
  return new OpenAIClient.APIError(undefined, error as object, undefined, undefined);
}
