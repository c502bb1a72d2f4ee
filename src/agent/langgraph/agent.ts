/**
 * The agent on a model: one turn is a prompt from the conversation's log, a call, and one more when the
 * first broke off in the middle.
 *
 * Invariants:
 * L1. Nothing is shown twice: a call is repeated in silence only while it has shown nothing, and after that
 *     only behind `restarted`.
 * L2. The model's call is closed when the stream ends, fails, is left, or the turn aborts (W1).
 * L3. Nothing is remembered between turns but the breaker's state.
 */
import {
  type Agent,
  type AgentChunk,
  AgentFailure,
  type TurnInput,
} from '../../../actors/agent-port.ts';
import type { Breaker } from '../../provider/breakers.ts';
import { type Opening, opening } from '../../provider/opening.ts';
import { ProviderFault } from '../../provider/provider-fault.ts';
import { cut } from '../../text/plain-text.ts';
import { agentFailureOf } from './fault.ts';
import { type ModelCall, modelCall } from './model-call.ts';
import type { ModelOptions } from './options.ts';
import { buildPrompt, type PromptMessage } from './prompt.ts';
import { type ShownEvent, watchedCall } from './watched.ts';

/** Calls that may break off in the middle in one turn. */
const MAX_ATTEMPTS = 2;

interface Parts {
  readonly options: ModelOptions;
  readonly call: ModelCall;
  readonly open: Opening;
}

/**
 * Answers through an OpenAI-compatible endpoint. Failures come out as `AgentFailure` with public words; their
 * cause is for the log and holds no secret either. After an abort the stream ends without `done`.
 */
export function langGraphAgent(options: ModelOptions, breaker?: Breaker): Agent {
  const parts: Parts = { options, call: modelCall(options), open: opening(options, breaker) };
  return {
    label: `openai:${options.model}`,
    answer: (input, signal) => answer(input, signal, parts),
  };
}

async function* answer(
  input: TurnInput,
  signal: AbortSignal,
  parts: Parts,
): AsyncGenerator<AgentChunk> {
  const { options } = parts;
  const messages = await input.history(options.historyMessages);
  const prompt = buildPrompt({ ...options, ...input, messages });
  if (prompt.length === 0) throw new AgentFailure('deleted', 'The message to answer was deleted.');
  for (let attempt = 1; !signal.aborted; attempt++) {
    const shown = { chars: 0 };
    try {
      return yield* attemptOf(prompt, signal, { ...parts, shown });
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ProviderFault)) throw error;
      if (shown.chars === 0 || attempt === MAX_ATTEMPTS) throw agentFailureOf(error);
    }
    yield { type: 'restarted' };
  }
}

/** One call that came as far as its first token, to its end. `shown` counts what the caller may have to take back. */
async function* attemptOf(
  prompt: readonly PromptMessage[],
  signal: AbortSignal,
  { options, call, open, shown }: Parts & { readonly shown: { chars: number } },
): AsyncGenerator<AgentChunk> {
  const { events, first } = await open(async () => {
    const events = watchedCall(call, prompt, { signal, patience: options });
    return { events, first: await events.next() };
  }, signal);
  try {
    for (let next = first; next.done !== true; next = await events.next()) {
      if (signal.aborted) return;
      const event: ShownEvent = next.value;
      if (event.type === 'usage') {
        yield event;
        continue;
      }
      const text = cut(event.text, options.maxAnswerChars - shown.chars);
      shown.chars += text.length;
      if (text !== '') yield { type: 'delta', text };
      if (text.length < event.text.length) break;
    }
  } finally {
    await events.return();
  }
  yield { type: 'done' };
}
