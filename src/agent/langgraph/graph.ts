/**
 * LangChain's agent around the model and the tools of a turn: it calls the model, runs what the model asks for, and
 * calls it again, until it answers. No checkpointer: the conversation's log is the only history, and what a turn
 * must keep of its tools is in the turn's own record.
 *
 * Owns: the graph that was built last. All turns with the same tools share it, for it holds nothing of them: whose
 * model and whose tools are meant stands in the configuration of a run.
 * Two things keep it out of the way of a plain answer, where it has nothing to decide and costs as much as the call of
 * the model: what is said does not go through its streams (`Speech`), and it is entered with the first answer that
 * asks for tools. One that asks for none is the end of the turn without it.
 */
import type { BaseLanguageModelInput } from '@langchain/core/language_models/base';
import {
  BaseChatModel,
  type BaseChatModelCallOptions,
  type BindToolsInput,
} from '@langchain/core/language_models/chat_models';
import type { AIMessageChunk, BaseMessage, ToolMessage } from '@langchain/core/messages';
import type { ChatResult } from '@langchain/core/outputs';
import type { RunnableBinding } from '@langchain/core/runnables';
import { tool } from '@langchain/core/tools';
import { createAgent, createMiddleware } from 'langchain';
import type { Tool } from '../tools/tool.ts';
import type { CallOptions } from './steady-model.ts';
import { UNTRACED } from './untraced.ts';

/** Whose run it is. */
interface RunParts {
  /** The next answer of the model, whole. */
  readonly speak: (
    messages: readonly BaseMessage[],
    options: CallOptions,
  ) => Promise<AIMessageChunk>;
  /** Answers one call, whatever its name; throws when the turn is over. */
  readonly onCall: (callId: string) => Promise<ToolMessage>;
}

export interface GraphRun extends RunParts {
  readonly tools: readonly Tool[];
  readonly messages: readonly BaseMessage[];
  /** Answers of the model at most; the graph stops a little later, should nobody else. */
  readonly maxModelCalls: number;
}

/** What of a model the graph asks for itself. */
type Binding = Pick<BaseChatModel, 'bindTools'>;

interface Built {
  readonly tools: readonly Tool[];
  readonly described: readonly ReturnType<typeof toolOf>[];
  /** It knows the tools. */
  readonly model: TurnModel;
  /** Made when it is entered first. */
  agent: ReturnType<typeof agentOf> | undefined;
}

export class AgentGraph {
  readonly #model: Binding;
  #built: Built | undefined;

  constructor(model: Binding) {
    this.#model = model;
  }

  /** Resolves when the answer has ended; throws when it can't be given, soon after the turn was aborted too. */
  async run({ tools, messages, maxModelCalls, speak, onCall }: GraphRun): Promise<void> {
    const built = this.#builtFor(tools);
    let first: AIMessageChunk | undefined = await speak(messages, built.model.bound);
    // One without tools may ask for them all the same: then what it said beside that is its answer.
    if (tools.length === 0 || !first.tool_calls?.length) return;
    const run = new Run({
      onCall,
      speak: async (...next) => {
        const answer = first ?? (await speak(...next));
        first = undefined;
        return answer;
      },
    });
    const recursionLimit = 2 * maxModelCalls + 4;
    const configurable = { [RUN]: run };
    built.agent ??= agentOf(built);
    const options = { configurable, recursionLimit, callbacks: [...UNTRACED] };
    await built.agent.invoke({ messages: [...messages] }, options);
  }

  #builtFor(tools: readonly Tool[]): Built {
    if (this.#built === undefined || !areSame(this.#built.tools, tools)) {
      const described = tools.map(toolOf);
      const model = new TurnModel(this.#model).bindTools(described);
      this.#built = { tools, described, model, agent: undefined };
    }
    return this.#built;
  }
}

/** Where a run finds whose it is. */
const RUN = 'colloquy_run';

class Run {
  readonly parts: RunParts;

  constructor(parts: RunParts) {
    this.parts = parts;
  }
}

function partsIn(configurable: Readonly<Record<string, unknown>> | undefined): RunParts {
  const run = configurable?.[RUN];
  if (run instanceof Run) return run.parts;
  throw new Error('the graph was run without a turn');
}

/** The model of whichever turn the run is. */
class TurnModel extends BaseChatModel {
  readonly bound: CallOptions;
  readonly #model: Binding;

  constructor(model: Binding, bound: CallOptions = {}) {
    super({});
    this.#model = model;
    this.bound = bound;
  }

  override _llmType(): string {
    return 'turn';
  }

  /** One that knows its tools is given the same by the graph again, at each of its steps. */
  override bindTools(tools: readonly BindToolsInput[]): TurnModel {
    if (tools.length === 0 || this.bound.tools !== undefined) return this;
    const bound = this.#model.bindTools?.([...tools]);
    if (bound === undefined) throw new Error('the model takes no tools');
    // What the provider makes of tools is in the options of the call; they are handed on as they are.
    const { config } = bound as RunnableBinding<never, never>;
    return new TurnModel(this.#model, config as CallOptions);
  }

  override invoke(
    input: BaseLanguageModelInput,
    options: Partial<BaseChatModelCallOptions> = {},
  ): Promise<AIMessageChunk> {
    const messages = BaseChatModel._convertInputToPromptValue(input).toChatMessages();
    return partsIn(options.configurable).speak(messages, this.bound);
  }

  /** Never called: `invoke` leaves out all that stands before it. */
  override async _generate(): Promise<ChatResult> {
    throw new Error('this model is invoked');
  }
}

function agentOf({ model, described }: Pick<Built, 'model' | 'described'>) {
  const calls = createMiddleware({
    name: 'TurnTools',
    // All calls come through here, also of tools that are not there: none is run by the graph itself.
    wrapToolCall: ({ toolCall, runtime }) =>
      partsIn(runtime.configurable).onCall(toolCall.id ?? ''),
  });
  return createAgent({ model, tools: [...described], middleware: [calls], version: 'v1' });
}

/** The model is told the same of them: what else there is to a tool is the turn's. */
function areSame(one: readonly Tool[], other: readonly Tool[]): boolean {
  if (one.length !== other.length) return false;
  return one.every(({ name, description, parameters }, at) => {
    const tool = other[at];
    if (tool?.name !== name || tool.description !== description) return false;
    return tool.parameters === parameters;
  });
}

/** What the model is told of a tool. */
function toolOf({ name, description, parameters }: Tool) {
  const schema = { ...parameters, type: 'object' as const };
  return tool(neverRun, { name, description, schema });
}

function neverRun(): never {
  throw new Error('tools are run by the turn');
}
