import { type TurnEvent, turnChart } from '../machines/turn.ts';
import { failure, isRetryable } from '../src/domain/failure.ts';
import type { Author } from '../src/domain/participant.ts';
import { err } from '../src/domain/result.ts';
import type { Turn } from '../src/domain/turn.ts';
import type { Clock } from './clock.ts';
import type { Draft, Outcome, Unsettled } from './draft.ts';

export interface RecordHost {
  readonly clock: Clock;
  /** Makes a draft durable; the outcome comes after its event was given to everyone. */
  readonly commit: (draft: Unsettled<Draft>) => Promise<Outcome>;
}

/** What becomes of a record. Pure: it is applied to the record as it is when its turn comes, and again once it is durable. */
export type Change = (turn: Turn) => Turn;

export interface Writing {
  /** The draft that carries the changed record; the record alone when absent. */
  readonly draft?: (changed: Turn) => Unsettled<Draft>;
  /** When to wait no longer for a store that is away, or a conversation that is full. */
  readonly isEnough: () => boolean;
  /** It is not to be written any more: asked right before each try. */
  readonly isVoid?: () => boolean;
}

/** Milliseconds between tries to write into a conversation that is full or without storage, if not told. */
const RETRY_MS = 1_000;

/**
 * The durable record of a turn that runs here.
 *
 * Owns: what the record is, and the order in which it is written. Invariants: K1. One write is under way; those after
 * it are made of what it left. K2. A change that was not stored is in no later write.
 */
export class TurnRecord {
  readonly #host: RecordHost;
  #turn: Turn;
  #line: Promise<unknown> = Promise.resolve();

  constructor(turn: Turn, host: RecordHost) {
    this.#turn = turn;
    this.#host = host;
  }

  get turn(): Turn {
    return this.#turn;
  }

  get author(): Author {
    return { id: this.#turn.agentId, name: this.#turn.agentName, kind: 'agent' };
  }

  can(event: TurnEvent): boolean {
    return turnChart.next(this.#turn.state, event) !== undefined;
  }

  /** A step of the chart, durable with the next write. */
  step(event: TurnEvent): void {
    const next = turnChart.next(this.#turn.state, event);
    if (next === undefined) throw new Error(`${event} in a turn that is ${this.#turn.state}`);
    this.#turn = { ...this.#turn, state: next };
  }

  /** Fields that are durable with the next write. */
  set(fields: Partial<Turn>): void {
    this.#turn = { ...this.#turn, ...fields };
  }

  /**
   * Makes the record durable, changed, after the writes before it. It is worth some waiting: a full mailbox and a
   * store that is away pass, and what may have been stored is asked for again.
   */
  write(change: Change, writing: Writing): Promise<Outcome> {
    const outcome = this.#line.then(() => this.#write(change, writing));
    this.#line = outcome.catch(() => {});
    return outcome;
  }

  async #write(change: Change, { draft, isEnough, isVoid }: Writing): Promise<Outcome> {
    for (;;) {
      if (isVoid?.() === true) return err(failure('turn_over'));
      const changed = change(this.#turn);
      const outcome = await this.#host.commit(draft?.(changed) ?? this.#alone(changed));
      if (outcome.ok) this.#turn = change(this.#turn);
      if (outcome.ok || isEnough()) return outcome;
      if (!isRetryable(outcome.failure.reason)) return outcome;
      const waitMs = outcome.failure.retryAfterMs ?? RETRY_MS;
      await new Promise<void>((resolve) => this.#host.clock.after(waitMs, resolve));
    }
  }

  #alone(turn: Turn): Unsettled<Draft> {
    return { kind: 'turn', author: this.author, key: null, turn };
  }
}
