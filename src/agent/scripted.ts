import {
  type Agent,
  type AgentChunk,
  AgentFailure,
  type CallPermit,
  type TurnInput,
} from '../../actors/agent-port.ts';
import { type Clock, systemClock } from './clock.ts';
import { Metronome, type Sleeper } from './metronome.ts';
import { readScript, type Script } from './script.ts';

export interface ScriptedOptions {
  /** Tokens of an answer that the message does not ask otherwise of. */
  readonly tokens: number;
  /** 0 is all at once. */
  readonly tokensPerSecond: number;
  /** Milliseconds before the first token. */
  readonly firstTokenMs: number;
  /** Characters; an answer is never longer. */
  readonly maxAnswerChars: number;
  readonly clock: Clock;
}

const SCRIPTED_DEFAULTS: ScriptedOptions = {
  tokens: 40,
  tokensPerSecond: 50,
  firstTokenMs: 0,
  maxAnswerChars: 10_000,
  clock: systemClock,
};

/**
 * The deterministic agent, for tests and load runs: the same turn gets the same words, at the pace asked
 * for, and a message may direct it (see `readScript`). After an abort the stream ends
 * without `done`.
 */
export function scriptedAgent(options: Partial<ScriptedOptions> = {}): Agent {
  const settings = { ...SCRIPTED_DEFAULTS, ...options };
  const metronome = new Metronome(settings.clock);
  return {
    label: 'scripted',
    answer: (input, signal) => answer(input, signal, { settings, metronome }),
  };
}

async function* answer(
  input: TurnInput,
  signal: AbortSignal,
  { settings, metronome }: { settings: ScriptedOptions; metronome: Metronome },
): AsyncGenerator<AgentChunk> {
  const content = await contentOf(input);
  const script = readScript(content, `${input.turnId}:${input.triggerSeq}`, settings);
  const sleeper = metronome.sleeper();
  const pace: Pace = { sleeper, signal, clock: settings.clock, tools: input.tools };
  signal.addEventListener('abort', sleeper.wake, { once: true });
  try {
    if (script.restartAfter !== undefined) {
      yield* speak(firstTry(script, script.restartAfter), pace);
      if (signal.aborted) return;
      yield { type: 'restarted' };
    }
    yield* speak(script, pace);
    if (signal.aborted || script.cutAfter !== undefined) return;
    const tokens = { input: Math.ceil(content.length / 4), output: script.tokens.length };
    yield { type: 'usage', usage: { input_tokens: tokens.input, output_tokens: tokens.output } };
    yield { type: 'done' };
  } finally {
    signal.removeEventListener('abort', sleeper.wake);
  }
}

/** Of the message to answer; empty when it is gone. One message is read, and a few when others came since. */
async function contentOf({ history, triggerSeq }: TurnInput): Promise<string> {
  for (const limit of [1, 100]) {
    const trigger = (await history(limit)).find(({ event }) => event.seq === triggerSeq);
    if (trigger !== undefined) return trigger.body.content ?? '';
  }
  return '';
}

interface Pace {
  readonly sleeper: Sleeper;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly tools: TurnInput['tools'];
}

/** What is said before the turn begins again: so many tokens, and nothing that ends it. */
function firstTry(script: Script, tokens: number): Script {
  return {
    ...script,
    tokens: script.tokens.slice(0, tokens),
    failAfter: undefined,
    stallAfter: undefined,
    cutAfter: undefined,
    calls: [],
  };
}

/** Each token at its own time from the start: a slow reader makes the answer late, but never slower. */
async function* speak(script: Script, pace: Pace): AsyncGenerator<AgentChunk> {
  const { sleeper, signal, clock } = pace;
  const start = clock.now() + script.firstTokenMs;
  const gapMs = script.tokensPerSecond > 0 ? 1_000 / script.tokensPerSecond : 0;
  for (let i = 0; ; i++) {
    if (i === 1) yield* callTools(script, pace);
    if (i === script.stallAfter) await aborted(signal);
    if (signal.aborted) return;
    if (i === script.failAfter) throw new AgentFailure('agent_unavailable', TOLD_TO_FAIL);
    if (i === script.cutAfter) return;
    const text = script.tokens[i];
    if (text === undefined) return;
    await sleeper.until(start + i * gapMs);
    if (signal.aborted) return;
    yield { type: 'delta', text };
  }
}

/**
 * Its steps have the same names in every attempt: what an earlier one began is known, and said again as it was.
 * After an abort it throws, which nobody hears.
 */
async function* callTools(
  script: Script,
  { tools, signal, clock }: Pace,
): AsyncGenerator<AgentChunk> {
  let stepText = script.tokens[0] ?? '';
  for (const [step, { name, needsApproval }] of script.calls.entries()) {
    if (signal.aborted) return;
    const callId = `call_${step + 1}`;
    const startedAt = clock.now();
    const call = { step, stepText, callId, name, args: { step }, needsApproval };
    const permit = await tools.begin(call);
    if (permit.kind === 'run') {
      await tools.end(callId, { result: 'done', durationMs: clock.now() - startedAt });
    }
    stepText = ` [${name}: ${wordOf(permit)}]`;
    yield { type: 'delta', text: stepText };
  }
}

function wordOf(permit: CallPermit): string {
  switch (permit.kind) {
    case 'run':
      return 'done';
    case 'known':
      return permit.outcome.error ?? 'done';
    case 'rejected':
      return permit.reason;
    default:
      return permit satisfies never;
  }
}

const TOLD_TO_FAIL = 'The scripted agent was told to fail.';

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
