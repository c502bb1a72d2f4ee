/**
 * A chat model as a turn needs it, around the provider's own: each call is watched, opened with retries behind a
 * breaker, and ends with why it ended; its tool calls are whole and well-formed.
 *
 * Invariants:
 * M1. A call is repeated in silence only while no text of it was given on (L1 in `agent.ts`).
 * M2. The watchdogs cover every call of the model, and not the time between two: tools and people take theirs.
 * M3. Nothing of a tool call is given on before its arguments are whole.
 */
import type { CallbackManagerForLLMRun } from '@langchain/core/callbacks/manager';
import {
  BaseChatModel,
  type BaseChatModelCallOptions,
  type BindToolsInput,
} from '@langchain/core/language_models/chat_models';
import { AIMessage, AIMessageChunk, type BaseMessage, ToolMessage } from '@langchain/core/messages';
import { ChatGenerationChunk, type ChatResult } from '@langchain/core/outputs';
import type { RunnableBinding } from '@langchain/core/runnables';
import type { Opening } from '../../provider/opening.ts';
import { ProviderFault } from '../../provider/provider-fault.ts';
import { CallGathering } from './call-gathering.ts';
import type { Provider } from './chat-model.ts';
import type { Course } from './course.ts';
import { fitted } from './fitting-context.ts';
import type { ToolSupport } from './tool-support.ts';
import { type Patience, watched } from './watched.ts';

export interface SteadyParts {
  readonly provider: Provider;
  readonly open: Opening;
  readonly patience: Patience;
  /** Characters of one answer: what comes after nobody would see, and the graph keeps all that is not read yet. */
  readonly maxChars: number;
  /** Tokens of a prompt, the definitions of tools left out. */
  readonly contextTokens: number;
  readonly course: Course;
  readonly support: ToolSupport;
}

interface CallOptions extends BaseChatModelCallOptions {
  readonly signal: AbortSignal;
  readonly tools?: readonly unknown[];
}

/** A call that came as far as its first text, or to its end. */
interface Opened {
  readonly held: readonly ChatGenerationChunk[];
  readonly rest: Chunks;
}

type Chunks = AsyncGenerator<ChatGenerationChunk, void, undefined>;

/** Said in place of an answer when the model has asked for tools as often as a turn allows. */
const NO_MORE = 'I stopped here: the answer would need more steps than one turn may take.';

/** The model of one turn. */
export class SteadyModel extends BaseChatModel {
  readonly #parts: SteadyParts;

  constructor(parts: SteadyParts) {
    super({});
    this.#parts = parts;
  }

  override _llmType(): string {
    return 'steady';
  }

  override bindTools(tools: BindToolsInput[], options?: Partial<BaseChatModelCallOptions>) {
    const bound = this.#parts.provider.model.bindTools?.(tools, options);
    if (bound === undefined) throw new Error('the model takes no tools');
    // What the provider makes of tools is in the options of the call; they are handed on as they are.
    return this.withConfig((bound as RunnableBinding<never, never>).config);
  }

  /** Never called: whoever runs it listens to tokens. */
  override async _generate(): Promise<ChatResult> {
    throw new Error('this model only streams');
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[],
    options: BaseChatModelCallOptions,
    run?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    const id = this.#parts.course.nextAnswer();
    const chunks = id === undefined ? farewell() : this.#answer(messages, options);
    for await (const chunk of chunks) {
      chunk.message._updateId(id);
      yield chunk;
      await run?.handleLLMNewToken(chunk.text, FIRST, undefined, undefined, undefined, { chunk });
    }
  }

  async *#answer(messages: BaseMessage[], options: BaseChatModelCallOptions): Chunks {
    const { course, maxChars } = this.#parts;
    const signal = options.signal ?? new AbortController().signal;
    const { held, rest } = await this.#open(messages, { ...options, signal });
    const gathering = new CallGathering();
    let text = '';
    try {
      for await (const chunk of following(held, rest)) {
        const { tool_call_chunks: pieces = [] } = chunk.message as AIMessageChunk;
        gathering.take(pieces);
        text += chunk.text;
        yield pieces.length === 0 ? chunk : withoutCalls(chunk);
        if (text.length > maxChars) return;
      }
    } finally {
      await rest.return();
    }
    if (gathering.isEmpty) return;
    const calls = gathering.calls(course);
    course.asked(text, calls);
    yield asking(calls);
  }

  /** With the tools it has; without them where the endpoint takes none. */
  async #open(messages: BaseMessage[], options: CallOptions): Promise<Opened> {
    const { open, support } = this.#parts;
    const { signal } = options;
    const tried = (more: CallOptions) =>
      open(() => this.#begin(() => this.#chunks(messages, more), signal), signal);
    const { tools = [], tool_choice: _, ...bare } = options;
    const isFirst = !messages.some((message) => ToolMessage.isInstance(message));
    try {
      const opened = await tried(options);
      if (tools.length > 0) support.proven();
      return opened;
    } catch (error) {
      if (tools.length === 0 || !isFirst || !support.mayBeWhy(error)) throw error;
      const opened = await tried(bare).catch(() => {
        signal.throwIfAborted();
        throw error;
      });
      support.refused(error);
      return opened;
    }
  }

  /** Up to its first text, or its end: what fails before may be tried again. */
  async #begin(call: () => Chunks, signal: AbortSignal): Promise<Opened> {
    signal.throwIfAborted();
    const rest = call();
    const held: ChatGenerationChunk[] = [];
    for (;;) {
      const next = await rest.next();
      if (next.done !== true) held.push(next.value);
      if (next.done === true || next.value.text !== '') return { held, rest };
    }
  }

  /** The provider's chunks, watched; ends only when the model said why it stopped. */
  async *#chunks(messages: BaseMessage[], options: CallOptions): Chunks {
    const { provider, patience, contextTokens } = this.#parts;
    const nameless = fitted(messages, contextTokens).map(withoutName);
    const call = (signal: AbortSignal) =>
      provider.model._streamResponseChunks(nameless, { ...options, signal });
    let reason: string | undefined;
    let isShown = false;
    try {
      for await (const chunk of watched(call, { signal: options.signal, patience, isToken })) {
        reason = provider.finishOf(chunk) ?? reason;
        isShown ||= isToken(chunk);
        yield chunk;
      }
    } catch (error) {
      if (options.signal.aborted) throw options.signal.reason;
      throw provider.faultOf(error);
    }
    // Something in between that closes a stream politely leaves no other trace.
    if (reason === undefined)
      throw new ProviderFault('cut', 'the stream ended without a finish_reason');
    if (reason === 'content_filter' && !isShown)
      throw new ProviderFault('filtered', `finish_reason ${reason}`);
  }
}

const FIRST = { prompt: 0, completion: 0 };

function isToken({ text, message }: ChatGenerationChunk): boolean {
  if (text !== '') return true;
  return ((message as AIMessageChunk).tool_call_chunks?.length ?? 0) > 0;
}

async function* following(held: readonly ChatGenerationChunk[], rest: Chunks): Chunks {
  yield* held;
  yield* rest;
}

function withoutCalls({ text, message, generationInfo }: ChatGenerationChunk): ChatGenerationChunk {
  const { usage_metadata } = message as AIMessageChunk;
  const plain = new AIMessageChunk({
    content: text,
    ...(usage_metadata === undefined ? {} : { usage_metadata }),
  });
  return new ChatGenerationChunk({
    text,
    message: plain,
    ...(generationInfo === undefined ? {} : { generationInfo }),
  });
}

function asking(calls: ReturnType<CallGathering['calls']>): ChatGenerationChunk {
  const message = new AIMessageChunk({
    content: '',
    tool_call_chunks: calls.map(({ callId, name, args }, index) => ({
      type: 'tool_call_chunk',
      index,
      id: callId,
      name,
      args: JSON.stringify(args),
    })),
  });
  return new ChatGenerationChunk({ text: '', message });
}

async function* farewell(): Chunks {
  yield new ChatGenerationChunk({ text: NO_MORE, message: new AIMessageChunk(NO_MORE) });
}

/** The graph writes its node's name on what the model said; no endpoint has use for it, and some refuse it. */
function withoutName(message: BaseMessage): BaseMessage {
  if (!AIMessage.isInstance(message) || message.name === undefined) return message;
  const { content, tool_calls = [] } = message;
  return new AIMessage({ content, tool_calls });
}
