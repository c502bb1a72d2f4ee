/**
 * One call of a tool inside a turn: checked, written down, allowed, run once, bounded, written down again.
 *
 * Invariants:
 * B1. Nothing runs before `begin` said `run`, and then once; what an attempt that is over finds out, nobody hears (actors/turn-calls.ts).
 * B2. A tool, whether people are asked, and whose rights it has, come from the settings and the turn: nothing in the
 *     arguments changes them.
 * B3. What leaves here for the model is bounded, and of an error only what was said in a `ToolError`.
 */
import type { TurnInput } from '../../../actors/agent-port.ts';
import type { CallOutcome } from '../../domain/turn.ts';
import { ProviderFault } from '../../provider/provider-fault.ts';
import { cut, oneLine, shorten } from '../../text/plain-text.ts';
import { type RanHow, type Tool, type ToolContext, ToolError } from './tool.ts';

/** Characters of a result, as JSON, and of an error: what the record of a turn keeps whole. */
const RESULT_CHARS = 8_000;
const ERROR_CHARS = 500;

export interface CallOrder {
  /** The answer of the model it stands in, among those of the turn that asked for tools, and what that said. */
  readonly step: number;
  readonly stepText: string;
  readonly callId: string;
  readonly tool: Tool;
  /** As `tool.check` gave them. */
  readonly args: unknown;
}

export interface CallSurroundings {
  readonly input: TurnInput;
  readonly signal: AbortSignal;
  readonly report: (event: string, about: Readonly<Record<string, unknown>>) => void;
}

/** What came of the call, for the model. Throws the reason of the abort, or what `begin` threw: the attempt is over. */
export async function callTool(
  { tool, args, ...call }: CallOrder,
  surroundings: CallSurroundings,
): Promise<CallOutcome> {
  const { input, signal } = surroundings;
  const { name, needsApproval } = tool;
  // What it shows of them can be deleted there, and must then be nowhere else.
  const isCopy = tool.reaches === 'conversation' || tool.reaches === 'documents';
  const forgets = isCopy ? { forgets: true } : {};
  const permit = await input.tools.begin({ ...call, name, args, needsApproval, ...forgets });
  signal.throwIfAborted();
  switch (permit.kind) {
    case 'known':
      return permit.outcome;
    case 'rejected':
      tool.onRan?.('refused', 0);
      return { error: `This call was refused: ${permit.reason}`, durationMs: 0 };
    case 'run':
      break;
    default:
      return permit satisfies never;
  }
  const startedAt = performance.now();
  const { how, ...came } = await run({ tool, args }, surroundings);
  const tookMs = performance.now() - startedAt;
  tool.onRan?.(signal.aborted ? 'cancelled' : how, tookMs);
  signal.throwIfAborted();
  const outcome = { ...came, durationMs: Math.round(tookMs) };
  await input.tools.end(call.callId, outcome);
  return outcome;
}

async function run(
  { tool, args }: Pick<CallOrder, 'tool' | 'args'>,
  { input, signal, report }: CallSurroundings,
): Promise<Pick<CallOutcome, 'result' | 'error'> & { readonly how: RanHow }> {
  const { conversationId, triggerSeq, askedBy, turnId } = input;
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Late()), tool.timeoutMs);
  const context: ToolContext = {
    conversationId,
    triggerSeq,
    askedBy,
    signal: AbortSignal.any([signal, late.signal]),
  };
  try {
    const result = bounded(await unlessAborted(tool.run(args, context), context.signal));
    return { result, how: 'done' };
  } catch (error) {
    if (!signal.aborted && !isAnswer(error))
      report('tool_failed', { tool: tool.name, turnId, cause: error });
    return { error: wordsOf(error, tool), how: error instanceof Late ? 'late' : 'failed' };
  } finally {
    clearTimeout(timer);
  }
}

class Late extends Error {}

/** What a tool says of what it was asked is for the model; nothing there is for the operator to mend. */
function isAnswer(error: unknown): boolean {
  return error instanceof ToolError && error.cause === undefined;
}

/** A tool that ignores its signal is not waited for. */
function unlessAborted<T>(result: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    result.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

function wordsOf(error: unknown, { timeoutMs }: Tool): string {
  if (error instanceof Late) return `The tool took longer than ${timeoutMs / 1_000} seconds.`;
  if (error instanceof ToolError) return shorten(oneLine(error.message), ERROR_CHARS);
  if (error instanceof ProviderFault) return TROUBLES[error.kind] ?? 'The service failed.';
  return 'The tool failed.';
}

const TROUBLES: Partial<Readonly<Record<ProviderFault['kind'], string>>> = {
  resting: 'The service failed several times in a row; it is left alone for a while.',
  busy: 'Too many calls of this tool are under way; try again later.',
  rate_limited: 'The service has too many requests just now.',
  unreachable: 'The service cannot be reached.',
  late: 'The service did not answer in time.',
  no_quota: 'The account at the service is used up.',
  unauthorized: 'The service refuses the key; the operator must see to it.',
};

/** JSON, and not too much of it: what is too long becomes the beginning of its text. */
function bounded(result: unknown): unknown {
  if (typeof result === 'string') return shortened(result);
  const json = JSON.stringify(result) ?? 'null';
  return json.length <= RESULT_CHARS ? JSON.parse(json) : shortened(json);
}

function shortened(text: string): string {
  if (text.length <= RESULT_CHARS) return text;
  return `${cut(text, RESULT_CHARS)} [… ${text.length - RESULT_CHARS} characters were cut off]`;
}

/** What the model reads of an outcome. */
export function wordedOutcome({ result, error }: CallOutcome): string {
  if (error !== undefined) return `Error: ${error}`;
  return typeof result === 'string' ? result : (JSON.stringify(result) ?? 'null');
}
