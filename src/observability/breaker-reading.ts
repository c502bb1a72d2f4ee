export const BREAKER_STATES = ['closed', 'half_open', 'open'] as const;
export type BreakerState = (typeof BREAKER_STATES)[number];

/** How one breaker stands. Times are milliseconds since 1970. */
export interface BreakerReading {
  /** `model:openai:gpt-4.1-mini`, `embeddings:…`, `tool:…`: from this program and its settings, never from a client. */
  readonly name: string;
  readonly state: BreakerState;
  /** When an open one lets a call through again; the first call after it tries. */
  readonly openUntil: number | null;
  readonly inFlight: number;
  readonly waiting: number;
  readonly successes: number;
  readonly failures: number;
  /** Calls that were not made because it was open, or had no room. */
  readonly refused: number;
  /** How often it went into each state. */
  readonly times: Readonly<Record<BreakerState, number>>;
  /** The newest last. */
  readonly lastTransitions: readonly BreakerTransition[];
}

export interface BreakerTransition {
  readonly to: BreakerState;
  readonly at: number;
  readonly why: 'failures' | 'time' | 'successes' | 'reset';
}

/** The breakers of a process, as an operator sees them. */
export interface BreakerBoard {
  /** By name. */
  readings(): readonly BreakerReading[];
  /** Closes one by hand, whatever it knows; undefined when there is none of this name. */
  reset(name: string): BreakerReading | undefined;
}
