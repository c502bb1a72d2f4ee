/**
 * What the model says in one turn, around the provider's own client: each call is watched, opened with retries behind
 * a breaker, and ends with why it ended; its tool calls are whole and well-formed. Its words go to `Speech` as they
 * come, and to the graph when the answer is whole.
 *
 * Invariants:
 * M1. A call is repeated in silence only while no text of it was given on (L1 in `agent.ts`).
 * M2. The watchdogs cover every call of the model, and not the time between two: tools and people take theirs.
 * M3. Nothing of a tool call is given on before its arguments are whole, and what was said before it was heard.
 */
import type { BaseChatModelCallOptions } from '@langchain/core/language_models/chat_models';
import {
  AIMessage,
  AIMessageChunk,
  type BaseMessage,
  type MessageContent,
  mergeContent,
  ToolMessage,
} from '@langchain/core/messages';
import type { ChatGenerationChunk } from '@langchain/core/outputs';
import type { Opening } from '../../provider/opening.ts';
import { CallGathering } from './call-gathering.ts';
import type { Provider } from './chat-model.ts';
import type { Course } from './course.ts';
import { fitted } from './fitting-context.ts';
import { ModelCall } from './model-call.ts';
import type { Speech } from './speech.ts';
import type { ToolSupport } from './tool-support.ts';
import type { Patience } from './watched.ts';

export interface SteadyParts {
  readonly provider: Provider;
  readonly open: Opening;
  readonly patience: Patience;
  /** Characters of one answer: what comes after nobody would see. */
  readonly maxChars: number;
  /** Tokens of a prompt, the definitions of tools left out. */
  readonly contextTokens: number;
  readonly course: Course;
  readonly support: ToolSupport;
  readonly speech: Speech;
  readonly signal: AbortSignal;
}

/** What a call is made with besides its messages, as the provider's `bindTools` makes it. */
export type CallOptions = Omit<BaseChatModelCallOptions, 'signal'> & {
  readonly tools?: readonly unknown[];
};

/** A call that came as far as its first text, or to its end. */
interface Opened {
  readonly held: readonly ChatGenerationChunk[];
  readonly call: ModelCall;
}

/** Said in place of an answer when the model has asked for tools as often as a turn allows. */
const NO_MORE = 'I stopped here: the answer would need more steps than one turn may take.';
const FAREWELL = 'farewell';

/** The model of one turn. */
export class SteadyModel {
  readonly #parts: SteadyParts;

  constructor(parts: SteadyParts) {
    this.#parts = parts;
  }

  /** The next answer of the model, which is told while it is given. */
  async speak(messages: readonly BaseMessage[], options: CallOptions): Promise<AIMessageChunk> {
    const { course, speech } = this.#parts;
    const answer = course.nextAnswer();
    if (answer !== undefined) return this.#answer(answer, messages, options);
    speech.say(NO_MORE, FAREWELL);
    return new AIMessageChunk(NO_MORE);
  }

  async #answer(
    name: string,
    messages: readonly BaseMessage[],
    options: CallOptions,
  ): Promise<AIMessageChunk> {
    const { maxChars, speech } = this.#parts;
    const { held, call } = await this.#open(messages, options);
    const answer = new Answer();
    const take = (chunk: ChatGenerationChunk) => {
      answer.take(chunk);
      speech.say(chunk.text, name);
      const { usage_metadata: usage } = chunk.message as AIMessageChunk;
      if (usage === undefined) return;
      const { input_tokens, output_tokens } = usage;
      speech.spent({ input_tokens, output_tokens });
    };
    try {
      for (const chunk of held) take(chunk);
      while (answer.text.length <= maxChars) {
        const chunk = await call.next();
        if (chunk === undefined) return await this.#whole(answer);
        take(chunk);
      }
    } finally {
      call.close();
    }
    return new AIMessageChunk(answer.text);
  }

  async #whole({ text, content, gathering }: Answer): Promise<AIMessageChunk> {
    if (gathering.isEmpty) return new AIMessageChunk({ content });
    const { course, speech } = this.#parts;
    const calls = gathering.calls(course);
    course.asked(text, calls);
    await speech.heard();
    return new AIMessageChunk({
      content,
      tool_calls: calls.map(({ callId: id, name, args }) => ({
        type: 'tool_call',
        id,
        name,
        args,
      })),
    });
  }

  /** With the tools it has; without them where the endpoint takes none. */
  async #open(messages: readonly BaseMessage[], options: CallOptions): Promise<Opened> {
    const { open, support, signal, contextTokens } = this.#parts;
    const nameless = fitted(messages, contextTokens).map(withoutName);
    const tried = (more: CallOptions) => open(() => this.#begin(nameless, more), signal);
    const { tools = [], ...bare } = options;
    const isFirst = !messages.some((message) => ToolMessage.isInstance(message));
    try {
      const opened = await tried(options);
      if (tools.length > 0) support.proven();
      return opened;
    } catch (error) {
      if (tools.length === 0 || !isFirst || !support.mayBeWhy(error)) throw error;
      const { tool_choice: _, ...rest } = bare;
      const opened = await tried(rest).catch(() => {
        signal.throwIfAborted();
        throw error;
      });
      support.refused(error);
      return opened;
    }
  }

  /** Up to its first text, or its end: what fails before may be tried again. */
  async #begin(messages: BaseMessage[], options: CallOptions): Promise<Opened> {
    const { provider, patience, signal } = this.#parts;
    signal.throwIfAborted();
    const call = new ModelCall(messages, options, { provider, patience, signal });
    const held: ChatGenerationChunk[] = [];
    try {
      for (;;) {
        const chunk = await call.next();
        if (chunk !== undefined) held.push(chunk);
        if (chunk === undefined || chunk.text !== '') return { held, call };
      }
    } catch (error) {
      call.close();
      throw error;
    }
  }
}

/** One answer as it comes together. */
class Answer {
  readonly gathering = new CallGathering();
  /** What is to be told to the model again: a provider may want back more than text. */
  content: MessageContent = '';
  text = '';

  take({ text, message }: ChatGenerationChunk): void {
    const { tool_call_chunks: pieces = [] } = message as AIMessageChunk;
    if (pieces.length > 0) this.gathering.take(pieces);
    this.text += text;
    const more = pieces.length > 0 ? text : message.content;
    if (typeof more === 'string' && typeof this.content === 'string') this.content += more;
    else this.content = mergeContent(this.content, more);
  }
}

/** The graph writes its node's name on what the model said; no endpoint has use for it, and some refuse it. */
function withoutName(message: BaseMessage): BaseMessage {
  if (!AIMessage.isInstance(message) || message.name === undefined) return message;
  const { content, tool_calls = [] } = message;
  return new AIMessage({ content, tool_calls });
}
