import type { Agent, AgentChunk, TurnInput } from '../../actors/agent-port.ts';
import type { Citation } from '../domain/event.ts';
import { cut } from '../text/plain-text.ts';
import { type Clock, systemClock } from './clock.ts';
import { NO_DOCUMENTS, recallDocuments } from './document-recall.ts';
import { Metronome } from './metronome.ts';
import { asksSomething, word } from './offline-wording.ts';
import { recall } from './recall.ts';
import { withoutMention, wordsOf } from './text.ts';
import type { ToolSource } from './tools/tool.ts';

export interface OfflineOptions {
  /** The newest messages that are looked through. */
  readonly historyMessages: number;
  /** 0 is all at once. */
  readonly wordsPerSecond: number;
  /** Characters; an answer is never longer. */
  readonly maxAnswerChars: number;
  /** It answers in the place of a model that does not, and says so; else that there is none. */
  readonly standsIn: boolean;
  /** Where `search_documents` comes from, if it may be used. */
  readonly tools: ToolSource;
  readonly clock: Clock;
}

const OFFLINE_DEFAULTS: OfflineOptions = {
  historyMessages: 500,
  wordsPerSecond: 60,
  maxAnswerChars: 10_000,
  standsIn: false,
  tools: async () => [],
  clock: systemClock,
};

/**
 * The agent that needs no model and no network: it finds what was said before in the conversation that bears
 * on the message, and what the documents of those who ask have on it, quotes it with its author and its seq
 * (`[#12]`), or with its title, and says that no model is configured. Deterministic for a given history. After an abort the stream ends without `done`.
 */
export function offlineAgent(options: Partial<OfflineOptions> = {}): Agent {
  const settings = { ...OFFLINE_DEFAULTS, ...options };
  const metronome = new Metronome(settings.clock);
  return {
    label: 'offline',
    answer: (input, signal) => answer(input, signal, { settings, metronome }),
  };
}

async function* answer(
  input: TurnInput,
  signal: AbortSignal,
  { settings, metronome }: { settings: OfflineOptions; metronome: Metronome },
): AsyncGenerator<AgentChunk> {
  const { text, citations } = await compose(input, signal, settings);
  const gapMs = settings.wordsPerSecond > 0 ? 1_000 / settings.wordsPerSecond : 0;
  const sleeper = metronome.sleeper();
  signal.addEventListener('abort', sleeper.wake, { once: true });
  try {
    let atMs = settings.clock.now();
    for (const piece of wordsOf(cut(text, settings.maxAnswerChars))) {
      if (!signal.aborted) await sleeper.until(atMs);
      if (signal.aborted) return;
      yield { type: 'delta', text: piece };
      atMs += gapMs;
    }
    yield { type: 'done', ...(citations.length === 0 ? {} : { citations }) };
  } finally {
    signal.removeEventListener('abort', sleeper.wake);
  }
}

async function compose(
  input: TurnInput,
  signal: AbortSignal,
  { historyMessages: limit, standsIn, tools }: OfflineOptions,
): Promise<{ readonly text: string; readonly citations: readonly Citation[] }> {
  const { agentId, agentName, triggerSeq } = input;
  const messages = await input.history(limit);
  const trigger = messages.find(({ event }) => event.seq === triggerSeq);
  const content = trigger?.body.content;
  if (trigger === undefined || content === undefined)
    return { text: 'The message that asked for this answer was deleted.', citations: [] };

  const question = withoutMention(content);
  const before = messages.filter((message) => message !== trigger);
  const { passages, citations } = asksSomething(question)
    ? await recallDocuments(question, input, { tools, signal })
    : NO_DOCUMENTS;
  const text = word({
    question,
    askedBy: trigger.event.author.name,
    triggerSeq,
    recall: await recall({ question, messages: before, agentId, agentName }, signal),
    isFirst: !before.some(({ event }) => event.author.id === agentId),
    hasOlder: messages.length >= limit,
    standsIn,
    passages,
  });
  return { text, citations };
}
