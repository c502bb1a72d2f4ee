/**
 * The breakers of a process, one for each thing outside that calls are made to.
 *
 * Owns: what each of them knows, and how many calls are under way. Does not own: retries (`opening.ts`), timeouts (the
 * call's own), what counts as a failure (`ProviderFault`).
 * Invariants:
 * K1. A call that is refused was not made.
 * K2. One name is one breaker: what one caller finds out, all know.
 * K3. After `reset`, what calls made before it find out changes nothing any more.
 */
import {
  type BulkheadPolicy,
  bulkhead,
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  handleWhen,
  isBrokenCircuitError,
  isBulkheadRejectedError,
  noJitterGenerator,
} from 'cockatiel';
import type {
  BreakerBoard,
  BreakerReading,
  BreakerState,
  BreakerTransition,
} from '../observability/breaker-reading.ts';
import { ProviderFault } from './provider-fault.ts';

/** The breaker's open time doubles up to so many times the first. */
const MAX_OPEN_FACTOR = 5;
/** Calls that must succeed before an opened breaker closes. */
const HALF_OPEN_CALLS = 2;
const KEPT_TRANSITIONS = 8;

export interface BreakerOptions {
  /** Failures in a row that open the breaker. */
  readonly breakerFailures: number;
  /** Milliseconds the breaker stays open the first time, doubling up to five times as long. */
  readonly breakerOpenMs: number;
  /** Calls at once. */
  readonly atOnce?: number;
  /** Calls that wait for their turn; more are refused. */
  readonly waiting?: number;
  /** Nothing is tried on callers: while it is not closed all their calls are refused, and `trial` is what may close it. */
  readonly isTriedApart?: boolean;
}

/** What asks for no decision. */
export const BREAKER_DEFAULTS = {
  breakerFailures: 5,
  breakerOpenMs: 60_000,
  atOnce: 2_000,
  waiting: 2_000,
  isTriedApart: false,
} as const satisfies BreakerOptions;

/**
 * One breaker: five failures in a row open it, and two successes close it again. A failure is a `ProviderFault`
 * that `breaks`; everything else that is thrown is the caller's own affair.
 */
export class Breaker {
  readonly name: string;
  readonly #options: Required<BreakerOptions>;
  readonly #room: BulkheadPolicy;
  #circuit: CircuitBreakerPolicy;
  #successes = 0;
  #failures = 0;
  #refused = 0;
  #openedTimes = 0;
  #openUntil: number | null = null;
  readonly #times = { closed: 0, half_open: 0, open: 0 };
  #transitions: readonly BreakerTransition[] = [];
  #tellOpened: () => void = () => {};

  constructor(name: string, options: BreakerOptions) {
    this.name = name;
    this.#options = { ...BREAKER_DEFAULTS, ...options };
    this.#room = bulkhead(this.#options.atOnce, this.#options.waiting);
    this.#circuit = this.#fresh();
  }

  get isClosed(): boolean {
    return this.#circuit.state === CircuitState.Closed;
  }

  /** Milliseconds until it lets a call through. */
  get restMs(): number {
    return this.#state() === 'open' ? Math.max((this.#openUntil ?? 0) - Date.now(), 0) : 0;
  }

  /** One listener, told each time it opens. */
  onOpened(tell: () => void): void {
    this.#tellOpened = tell;
  }

  /** Makes the call, or throws `ProviderFault` (`resting`, `busy`) and makes none. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#options.isTriedApart && !this.isClosed)
      throw this.#refusal('resting', 'the breaker is open');
    return this.trial(call);
  }

  /** The same also while nobody else is let through, once its time has come. */
  async trial<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await this.#room.execute(() => this.#circuit.execute(call));
    } catch (error) {
      if (isBrokenCircuitError(error)) throw this.#refusal('resting', 'the breaker is open');
      if (isBulkheadRejectedError(error)) throw this.#refusal('busy', 'too many calls at once');
      throw error;
    }
  }

  reading(): BreakerReading {
    const state = this.#state();
    return {
      name: this.name,
      state,
      openUntil: state === 'open' ? this.#openUntil : null,
      inFlight: this.#options.atOnce - this.#room.executionSlots,
      waiting: this.#options.waiting - this.#room.queueSlots,
      successes: this.#successes,
      failures: this.#failures,
      refused: this.#refused,
      times: { ...this.#times },
      lastTransitions: this.#transitions,
    };
  }

  reset(): void {
    if (this.#state() !== 'closed') this.#went('closed', 'reset');
    this.#circuit = this.#fresh();
    this.#openedTimes = 0;
  }

  #refusal(kind: 'resting' | 'busy', detail: string): ProviderFault {
    this.#refused += 1;
    return new ProviderFault(kind, `${this.name}: ${detail}`);
  }

  #state(): BreakerState {
    switch (this.#circuit.state) {
      case CircuitState.Closed:
        return 'closed';
      case CircuitState.HalfOpen:
        return 'half_open';
      default:
        return 'open';
    }
  }

  #fresh(): CircuitBreakerPolicy {
    const { breakerFailures, breakerOpenMs: initialDelay } = this.#options;
    const maxDelay = initialDelay * MAX_OPEN_FACTOR;
    const circuit = circuitBreaker(
      handleWhen((error) => error instanceof ProviderFault && error.breaks),
      {
        breaker: new ConsecutiveBreaker(breakerFailures),
        halfOpenAfter: new ExponentialBackoff({
          generator: noJitterGenerator,
          initialDelay,
          maxDelay,
        }),
        halfOpenSampling: { calls: HALF_OPEN_CALLS, threshold: 0 },
      },
    );
    circuit.onSuccess(() => {
      this.#successes += 1;
    });
    circuit.onFailure(({ handled }) => {
      if (handled) this.#failures += 1;
    });
    const ifCurrent = (tell: () => void) => () => {
      if (this.#circuit === circuit) tell(); // K3
    };
    circuit.onBreak(
      ifCurrent(() => {
        const at = Date.now();
        this.#openUntil = at + Math.min(initialDelay * 2 ** this.#openedTimes, maxDelay);
        this.#openedTimes += 1;
        this.#went('open', 'failures', at);
        this.#tellOpened();
      }),
    );
    circuit.onHalfOpen(ifCurrent(() => this.#went('half_open', 'time')));
    circuit.onReset(
      ifCurrent(() => {
        this.#openedTimes = 0;
        this.#went('closed', 'successes');
      }),
    );
    return circuit;
  }

  #went(to: BreakerState, why: BreakerTransition['why'], at = Date.now()): void {
    this.#times[to] += 1;
    const kept = this.#transitions.slice(1 - KEPT_TRANSITIONS);
    this.#transitions = [...kept, { to, at, why }];
  }
}

/** `embeddings:text-embedding-3-small`: the words, joined, in the characters of an id, so that a path can name it. */
export function breakerName(...words: readonly string[]): string {
  return words
    .join(':')
    .replace(/[^A-Za-z0-9._~:-]/g, '-')
    .slice(0, 128);
}

/** Bound: what the settings and the program name. */
export class Breakers implements BreakerBoard {
  readonly #byName = new Map<string, Breaker>();

  /** The breaker of this name, made with these options if there is none yet (K2). */
  named(name: string, options: BreakerOptions = BREAKER_DEFAULTS): Breaker {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const made = new Breaker(name, options);
    this.#byName.set(name, made);
    return made;
  }

  readings(): readonly BreakerReading[] {
    return [...this.#byName.values()]
      .map((breaker) => breaker.reading())
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  reset(name: string): BreakerReading | undefined {
    const breaker = this.#byName.get(name);
    breaker?.reset();
    return breaker?.reading();
  }
}
