import type { Verdict } from '../domain/event.ts';
import type { Reason } from '../domain/failure.ts';
import type { EndState } from '../domain/turn.ts';
import type { BreakerReading } from './breaker-reading.ts';

export interface CacheReading {
  readonly hits: number;
  readonly misses: number;
  readonly evictions: number;
  readonly bytes: number;
  readonly conversations: number;
}

/** How often something came out of a stage in one way, and how long that took together. */
export interface Passages {
  count: number;
  ms: number;
}

/**
 * What the process counts. Plain numbers, so that counting costs the hot path an addition; the metric table
 * reads them when somebody scrapes.
 */
export class Meters {
  connections = 0;
  /** Events given to live subscriptions. */
  deliveries = 0;
  /** Events given to subscriptions that were behind. */
  replayed = 0;
  /** Subscriptions that are congested now. */
  congested = 0;
  /** Events that retention let go of. */
  trimmed = 0;
  batches = 0;
  events = 0;
  readonly refusals = new Map<Reason, number>();
  readonly turns = new Map<EndState, { count: number; ms: number }>();
  /** Set by the metric table: sizes of batches are a distribution. */
  onBatch: (events: number) => void = () => {};
  /** Set by the metric table: a batch took so long to be durable. */
  onAppend: (seconds: number) => void = () => {};
  /** Set where the store is opened; undefined when there is no cache. */
  cache: () => CacheReading | undefined = () => undefined;
  /** Set by the runtime. */
  breakers: () => readonly BreakerReading[] = () => [];

  documentsStored = 0;
  chunksEmbedded = 0;
  /** Searches in documents, by mode, and whether they had to do without vectors. */
  readonly documentSearches = new Map<string, number>();
  /** Set by the library: documents without vectors, by space. */
  embeddingBacklog: () => ReadonlyMap<string, number> = () => new Map();

  /** Searches in conversations, by mode; those of them that had to do without vectors, and how long all took. */
  readonly searches = new Map<string, { count: number; degraded: number; ms: number }>();

  /** What went through the stages of the pipeline: stage, then outcome. */
  readonly stages = new Map<string, Map<string, Passages>>();

  passages(stage: string, outcome: string): Passages {
    return passagesIn(this.stages, stage, outcome);
  }

  /** Calls of tools: tool, then how they ended. */
  readonly tools = new Map<string, Map<string, Passages>>();

  toolCalls(tool: string, outcome: string): Passages {
    return passagesIn(this.tools, tool, outcome);
  }

  /** What people decided about tool calls. */
  readonly decisions = { approve: 0, reject: 0 };

  readonly decided = (verdict: Verdict): void => {
    this.decisions[verdict] += 1;
  };

  /** What answers took; `cost` in the currency of the prices. */
  readonly tokens = { input: 0, output: 0, cost: 0 };

  readonly refuse = (reason: Reason): void => {
    this.refusals.set(reason, (this.refusals.get(reason) ?? 0) + 1);
  };

  readonly commit = (events: number): void => {
    this.batches += 1;
    this.events += events;
    this.onBatch(events);
  };

  readonly turnEnded = (state: EndState, tookMs: number): void => {
    const { count, ms } = this.turns.get(state) ?? { count: 0, ms: 0 };
    this.turns.set(state, { count: count + 1, ms: ms + tookMs });
  };

  readonly searched = ({
    mode,
    isDegraded,
    tookMs,
  }: {
    readonly mode: string;
    readonly isDegraded: boolean;
    readonly tookMs: number;
  }): void => {
    const { count, degraded, ms } = this.searches.get(mode) ?? { count: 0, degraded: 0, ms: 0 };
    const isWorse = isDegraded ? 1 : 0;
    this.searches.set(mode, {
      count: count + 1,
      degraded: degraded + isWorse,
      ms: ms + tookMs,
    });
  };

  readonly embedded = (chunks: number): void => {
    this.chunksEmbedded += chunks;
  };

  readonly documentSearched = (mode: string, isDegraded: boolean): void => {
    const name = isDegraded ? `${mode} degraded` : mode;
    this.documentSearches.set(name, (this.documentSearches.get(name) ?? 0) + 1);
  };
}

function passagesIn(
  of: Map<string, Map<string, Passages>>,
  name: string,
  outcome: string,
): Passages {
  const outcomes = of.get(name) ?? new Map<string, Passages>();
  of.set(name, outcomes);
  const passages = outcomes.get(outcome) ?? { count: 0, ms: 0 };
  outcomes.set(outcome, passages);
  return passages;
}
