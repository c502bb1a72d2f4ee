import type { Agent, Memory, MemoryNeed, TurnInput } from '../../actors/agent-port.ts';
import type { Store } from '../../storage/store.ts';
import type { ConversationId } from '../domain/ids.ts';
import type { Message } from '../domain/message.ts';
import { cut } from '../text/plain-text.ts';
import type { StageMeter } from './stages.ts';
import type { Summaries } from './summaries.ts';

/** The stage that tells a model what its prompt has no room for. */
export interface MemoryInjection {
  /** What bears on a turn; less of it when a part of it cannot be had. Never throws. */
  recall(turn: TurnInput, need: MemoryNeed): Promise<Memory>;
}

export interface MemoryParts {
  readonly store: Pick<Store, 'readSummary'>;
  /** The messages of a conversation that bear on a question, the best first; [] when that is not known. */
  readonly search: (
    id: ConversationId,
    question: string,
    limit: number,
  ) => Promise<readonly Message[]>;
  readonly meter: StageMeter;
  /** Messages that are recalled at most; 0 for none. */
  readonly recalled: number;
}

/** Of so many that were found, some are still in the prompt. */
const FOUND_FACTOR = 4;
const QUESTION_CHARS = 1_000;
/** Milliseconds that an answer waits for what is recalled. */
const PATIENCE_MS = 1_500;

/** The stored summary, and messages that a search finds among those that fell out of the prompt. */
export class ConversationMemory implements MemoryInjection {
  readonly #parts: MemoryParts;

  constructor(parts: MemoryParts) {
    this.#parts = parts;
  }

  recall(turn: TurnInput, need: MemoryNeed): Promise<Memory> {
    return this.#parts.meter.time(
      async () => {
        const [summary, recalled] = await Promise.all([
          this.#summary(turn),
          this.#recalled(turn.conversationId, need),
        ]);
        return { summary, recalled };
      },
      ({ summary, recalled }) => outcomeOf(summary !== undefined, recalled.length > 0),
    );
  }

  /** One that tells of what came after the message to answer is not for this turn. */
  async #summary({ conversationId, triggerSeq }: TurnInput): Promise<string | undefined> {
    const read = await this.#parts.store.readSummary(conversationId);
    const summary = read.ok ? read.value : undefined;
    return summary !== undefined && summary.toSeq < triggerSeq ? summary.text : undefined;
  }

  async #recalled(
    id: ConversationId,
    { beforeSeq, question }: MemoryNeed,
  ): Promise<readonly Message[]> {
    const { search, recalled } = this.#parts;
    if (recalled === 0 || beforeSeq <= 1) return [];
    const asked = cut(question, QUESTION_CHARS);
    const found = await within(PATIENCE_MS, search(id, asked, recalled * FOUND_FACTOR));
    return found.filter(({ event }) => event.seq < beforeSeq).slice(0, recalled);
  }
}

/** An agent that is told what the stage knows; after its turns, summaries are seen to. */
export function remembering(agent: Agent, memory: MemoryInjection, summaries: Summaries): Agent {
  const { complete } = agent;
  // What has no model reads the log itself.
  if (complete === undefined) return agent;
  return {
    ...agent,
    answer: async function* (input, signal) {
      const recall = (need: MemoryNeed) => memory.recall(input, need);
      try {
        yield* agent.answer({ ...input, memory: recall }, signal);
      } finally {
        summaries.consider(input.conversationId, complete);
      }
    },
  };
}

function outcomeOf(hasSummary: boolean, hasRecalled: boolean): string {
  if (hasSummary) return hasRecalled ? 'summary_and_messages' : 'summary';
  return hasRecalled ? 'messages' : 'nothing';
}

/** [] when it fails, or takes longer. */
async function within(
  ms: number,
  search: Promise<readonly Message[]>,
): Promise<readonly Message[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<readonly Message[]>((resolve) => {
    timer = setTimeout(resolve, ms, []);
  });
  try {
    return await Promise.race([search, late]);
  } catch {
    return [];
  } finally {
    clearTimeout(timer);
  }
}
