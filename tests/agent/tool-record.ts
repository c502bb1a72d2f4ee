import { z } from 'zod';
import type { CallBegin, CallPermit, TurnInput, TurnTools } from '../../actors/agent-port.ts';
import type { Tool, ToolContext } from '../../src/agent/tools/tool.ts';
import { toolOf } from '../../src/agent/tools/tool.ts';
import { participantId } from '../../src/domain/ids.ts';
import type { CallOutcome, TurnStep } from '../../src/domain/turn.ts';
import { turn } from './turns.ts';

export const ANA = participantId('ana');

/** The record of a turn's tools in memory: what was begun and ended, in order, and what is allowed. */
export class ToolRecord implements TurnTools {
  readonly begun: CallBegin[] = [];
  readonly ended: { readonly callId: string; readonly outcome: CallOutcome }[] = [];
  readonly #permit: (call: CallBegin) => CallPermit | Promise<CallPermit>;

  constructor(
    permit: (call: CallBegin) => CallPermit | Promise<CallPermit> = () => ({ kind: 'run' }),
  ) {
    this.#permit = permit;
  }

  async begin(call: CallBegin): Promise<CallPermit> {
    this.begun.push(call);
    return this.#permit(call);
  }

  async end(callId: string, outcome: CallOutcome): Promise<void> {
    this.ended.push({ callId, outcome });
  }

  /** The turn of a person who says this, with this record. */
  input(content: string, steps: readonly TurnStep[] = []): TurnInput {
    return { ...turn(content), steps, askedBy: [ANA], tools: this };
  }
}

export interface Ran {
  readonly args: unknown;
  readonly context: ToolContext;
}

/** A tool that remembers how it was run; `add` gives the sum of `a` and `b` unless told otherwise. */
export function adding(
  ran: Ran[],
  more: Partial<Tool> = {},
  run: (args: { a: number; b: number }, context: ToolContext) => Promise<unknown> = async ({
    a,
    b,
  }) => ({ sum: a + b }),
): Tool {
  const tool = toolOf({
    name: 'add',
    description: 'Adds two numbers.',
    args: z.object({ a: z.number(), b: z.number().default(1) }),
    reaches: 'nothing',
    timeoutMs: 5_000,
    run: async (args, context) => {
      ran.push({ args, context });
      return run(args, context);
    },
  });
  return { ...tool, ...more };
}
