import type { ToolMessage } from '@langchain/core/messages';
import type { TurnInput } from '../../../actors/agent-port.ts';
import type { CallOutcome } from '../../domain/turn.ts';
import { callTool } from '../tools/call.ts';
import type { Tool } from '../tools/tool.ts';
import { type Course, type CourseCall, type CourseStep, toolMessageOf } from './course.ts';

export interface CallsOptions {
  readonly course: Course;
  readonly tools: ReadonlyMap<string, Tool>;
  readonly input: TurnInput;
  readonly report: (event: string, about: Readonly<Record<string, unknown>>) => void;
}

/**
 * The tool calls of one turn, as the model asks for them. Owns what a call is answered that can't be made; those
 * that can go through `callTool`.
 */
export class TurnCalls {
  readonly #options: CallsOptions;
  #broken: { readonly cause: unknown } | undefined;

  constructor(options: CallsOptions) {
    this.#options = options;
  }

  /** What was thrown out of a call: the attempt is over. The graph wraps it; here it is as it was. */
  get broken(): { readonly cause: unknown } | undefined {
    return this.#broken;
  }

  /** What the model reads of the call. Throws when the attempt is over. */
  async answer(callId: string, signal: AbortSignal): Promise<ToolMessage> {
    const found = this.#options.course.find(callId);
    if (found === undefined) throw new Error(`a call that nobody asked for: ${callId}`);
    const { step, call } = found;
    try {
      call.outcome ??= await this.#outcome(step, call, signal);
      return toolMessageOf(call);
    } catch (cause) {
      this.#broken ??= { cause };
      throw cause;
    }
  }

  /** Gives the calls that an attempt before this one left open their outcomes. */
  async finish(signal: AbortSignal): Promise<void> {
    const { course } = this.#options;
    await Promise.all(course.unfinished().map(({ callId }) => this.answer(callId, signal)));
  }

  async #outcome(step: CourseStep, call: CourseCall, signal: AbortSignal): Promise<CallOutcome> {
    const { course, tools, input, report } = this.#options;
    if (call.problem !== undefined) return refused(call.problem);
    const tool = tools.get(call.name);
    if (tool === undefined) return this.#withoutTool(call);
    const args = tool.check(call.args);
    if (!args.ok) return refused(`The arguments do not fit: ${args.failure}`);
    if (!course.mayMake(call))
      return refused('There are no more tool calls in this turn; answer with what you have.');
    const order = { step: course.numberOf(step), stepText: step.text, callId: call.callId };
    return callTool({ ...order, tool, args: args.value }, { input, signal, report });
  }

  async #withoutTool({ callId, name, isRecorded = false }: CourseCall): Promise<CallOutcome> {
    const { tools, input } = this.#options;
    const outcome = refused(
      `There is no tool "${name}". There are: ${[...tools.keys()].join(', ')}.`,
    );
    if (isRecorded) await input.tools.end(callId, outcome);
    return outcome;
  }
}

function refused(error: string): CallOutcome {
  return { error, durationMs: 0 };
}
