import { AIMessage, type BaseMessage, ToolMessage } from '@langchain/core/messages';
import type { Citation, Usage } from '../../domain/event.ts';
import type { CallOutcome, TurnStep } from '../../domain/turn.ts';
import { wordedOutcome } from '../tools/call.ts';
import type { Tool } from '../tools/tool.ts';
import type { AskedCall, Ids } from './call-gathering.ts';

export interface CourseLimits {
  /** Answers of the model in one turn. */
  readonly maxModelCalls: number;
  /** Calls of tools in one turn. */
  readonly maxToolCalls: number;
}

/** One answer of the model that asked for tools. */
export interface CourseStep {
  readonly text: string;
  readonly calls: readonly CourseCall[];
}

export interface CourseCall extends AskedCall {
  /** An earlier attempt wrote it down. */
  readonly isRecorded?: boolean;
  outcome?: CallOutcome;
}

/** Citations of one answer. */
const MAX_CITATIONS = 20;

/**
 * What has happened in a turn so far, as far as the model must be told again: by a new attempt after a crash, and
 * after a call of the model that broke off. Owns the ids of calls and the numbers of steps; holds nothing beyond
 * the turn.
 */
export class Course implements Ids {
  readonly #limits: CourseLimits;
  readonly #steps: CourseStep[];
  /** Those that are in the durable record, or will be: a step all of whose calls were refused here is in none. */
  readonly #numbers = new Map<CourseStep, number>();
  readonly #byId = new Map<string, CourseStep>();
  #modelCalls = 0;
  #toolCalls = 0;
  #freshIds = 0;
  #usage: Usage | undefined;

  constructor(recorded: readonly TurnStep[], limits: CourseLimits) {
    this.#limits = limits;
    this.#steps = recorded.map(({ text, calls }) => ({
      text,
      calls: calls.map(({ callId, name, args, outcome }) => ({
        callId,
        name,
        args: isObject(args) ? args : {},
        isRecorded: true,
        ...(outcome === undefined ? {} : { outcome }),
      })),
    }));
    for (const step of this.#steps) this.#know(step);
    for (const step of this.#steps) this.numberOf(step);
    this.#toolCalls = this.#byId.size;
  }

  /** What the model said in the steps so far, in order. */
  get texts(): readonly string[] {
    return this.#steps.map(({ text }) => text);
  }

  /** The tokens of all answers of the model that said how many; undefined when none did. */
  get usage(): Usage | undefined {
    return this.#usage;
  }

  spent({ input_tokens, output_tokens }: Usage): void {
    this.#usage = {
      input_tokens: (this.#usage?.input_tokens ?? 0) + input_tokens,
      output_tokens: (this.#usage?.output_tokens ?? 0) + output_tokens,
    };
  }

  /** The name of the answer that the model gives, or gave last. */
  get answer(): string {
    return `answer-${this.#modelCalls}`;
  }

  /** The name of the next answer of the model; undefined when there are to be no more. */
  nextAnswer(): string | undefined {
    if (this.#modelCalls >= this.#limits.maxModelCalls) return undefined;
    this.#modelCalls += 1;
    return this.answer;
  }

  /** The call may be made, and an answer of the model can come after it. Counts it. */
  mayMake({ isRecorded = false }: CourseCall): boolean {
    if (isRecorded) return true;
    if (this.#modelCalls >= this.#limits.maxModelCalls) return false;
    if (this.#toolCalls >= this.#limits.maxToolCalls) return false;
    this.#toolCalls += 1;
    return true;
  }

  isTaken(id: string): boolean {
    return this.#byId.has(id);
  }

  fresh(): string {
    for (;;) {
      this.#freshIds += 1;
      const id = `call_${this.#freshIds}`;
      if (!this.isTaken(id)) return id;
    }
  }

  /** The model asked for these. */
  asked(text: string, calls: readonly AskedCall[]): void {
    const step = { text, calls: calls.map((call) => ({ ...call })) };
    this.#steps.push(step);
    this.#know(step);
  }

  find(callId: string): { readonly step: CourseStep; readonly call: CourseCall } | undefined {
    const step = this.#byId.get(callId);
    const call = step?.calls.find((one) => one.callId === callId);
    return step === undefined || call === undefined ? undefined : { step, call };
  }

  /** The place of a step among those of the durable record, from 0. */
  numberOf(step: CourseStep): number {
    const number = this.#numbers.get(step) ?? this.#numbers.size;
    this.#numbers.set(step, number);
    return number;
  }

  /** Calls that were begun by an attempt that is over, and whose outcome is not known here. */
  unfinished(): readonly CourseCall[] {
    return this.#steps.flatMap(({ calls }) => calls.filter(({ outcome }) => outcome === undefined));
  }

  /** The steps as the model reads them; all their calls have outcomes. */
  messages(): readonly BaseMessage[] {
    return this.#steps.flatMap(({ text, calls }) => [
      new AIMessage({
        content: text,
        tool_calls: calls.map(({ callId: id, name, args }) => ({
          type: 'tool_call',
          id,
          name,
          args,
        })),
      }),
      ...calls.map((call) => toolMessageOf(call)),
    ]);
  }

  /** The chunks of documents that tools showed, each once, the first of them. */
  citations(tools: ReadonlyMap<string, Tool>): readonly Citation[] {
    const byChunk = new Map<string, Citation>();
    for (const { calls } of this.#steps) {
      for (const { name, outcome } of calls) {
        const shown = tools.get(name)?.citations?.(outcome?.result) ?? [];
        for (const citation of shown)
          byChunk.set(citation.chunk_id, byChunk.get(citation.chunk_id) ?? citation);
      }
    }
    return [...byChunk.values()].slice(0, MAX_CITATIONS);
  }

  #know(step: CourseStep): void {
    for (const { callId } of step.calls) this.#byId.set(callId, step);
  }
}

/** What the model reads of a call that was made. */
export function toolMessageOf({ callId, name, outcome }: CourseCall): ToolMessage {
  const known = outcome ?? { error: 'There is no outcome.', durationMs: 0 };
  return new ToolMessage({
    tool_call_id: callId,
    name,
    content: wordedOutcome(known),
    status: known.error === undefined ? 'success' : 'error',
  });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
