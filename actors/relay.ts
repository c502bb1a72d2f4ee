import { type Failure, failure } from '../src/domain/failure.ts';
import { type ConversationId, newId, type TurnId } from '../src/domain/ids.ts';
import { err, type Result } from '../src/domain/result.ts';
import type { TurnOrders } from '../storage/turn-orders.ts';
import type { Clock } from './clock.ts';
import { answerOf, type Order, recordOf } from './orders.ts';

/** Milliseconds between two looks for the answer. */
const LOOK_MS = 100;
/** Milliseconds that somebody who runs the turn has to take an order, and then to carry it out. */
const TAKE_MS = 5_000;
const ANSWER_MS = 10_000;
/** Orders of this server under way at once. */
const MAX_ORDERS = 64;

const NOBODY = 'The server that runs this turn does not answer; nothing was done.';
const UNKNOWN = 'It is not known whether this was done; look at the turn.';

/** Which turn, and whether it is still open. */
export interface OrderedTurn {
  readonly conversationId: ConversationId;
  readonly turnId: TurnId;
  readonly isOver: () => Promise<Result<boolean, Failure>>;
}

/**
 * Brings what people ask of a turn to the server that runs it, over the store they share (docs/adr/0015).
 *
 * Owns: the orders of this server, until they are answered or withdrawn. Does not own: what is done, which is up to
 * the server that runs the turn, and to it alone (`OrderTaker`).
 * Invariants: E1. An order is carried out by one server, once, or by none. E2. A refusal with 503 was not carried out,
 * and never will be. E3. Nobody waits longer than `TAKE_MS` and `ANSWER_MS`, and the store's own limits.
 */
export class Relay {
  readonly #orders: TurnOrders;
  readonly #clock: Clock;
  #underWay = 0;

  constructor(orders: TurnOrders, clock: Clock) {
    this.#orders = orders;
    this.#clock = clock;
  }

  /** The answer of the server that runs it. */
  async send(turn: OrderedTurn, order: Order): Promise<Result<void, Failure>> {
    if (this.#underWay >= MAX_ORDERS) return err(failure('overloaded'));
    this.#underWay += 1;
    try {
      return await this.#send(turn, order);
    } finally {
      this.#underWay -= 1;
    }
  }

  async #send(turn: OrderedTurn, order: Order): Promise<Result<void, Failure>> {
    const { conversationId, turnId } = turn;
    const id = newId();
    const placed = await this.#orders.place({
      id,
      conversationId,
      turnId,
      record: recordOf(order),
    });
    if (!placed.ok) {
      const { outcome, cause } = placed.failure;
      return err(outcome === 'none' ? failure('storage_unavailable', { cause }) : unknown(cause));
    }
    return (await this.#whileOpen(id, turn)) ?? (await this.#withdrawn(id, turn));
  }

  /** Its answer; undefined when nobody took it in time, or the turn has ended. */
  async #whileOpen(id: string, turn: OrderedTurn): Promise<Result<void, Failure> | undefined> {
    const until = this.#clock.now() + TAKE_MS;
    for (;;) {
      await this.#pause();
      const state = await this.#orders.state(id);
      if (state.ok && state.value === undefined) return err(unknown());
      if (state.ok && state.value?.isTaken === true) return this.#whenAnswered(id);
      const isOver = await turn.isOver();
      if ((isOver.ok && isOver.value) || this.#clock.now() >= until) return undefined;
    }
  }

  async #whenAnswered(id: string): Promise<Result<void, Failure>> {
    const until = this.#clock.now() + ANSWER_MS;
    while (this.#clock.now() < until) {
      const state = await this.#orders.state(id);
      if (state.ok && state.value === undefined) break;
      const answer = state.ok ? state.value?.answer : undefined;
      if (answer !== undefined && answer !== null) {
        await this.#orders.withdraw(id);
        return answerOf(answer);
      }
      await this.#pause();
    }
    return err(unknown());
  }

  /** E2. */
  async #withdrawn(id: string, turn: OrderedTurn): Promise<Result<void, Failure>> {
    const gone = await this.#orders.withdraw(id);
    if (!gone.ok) return err(unknown(gone.failure.cause));
    if (!gone.value) return this.#whenAnswered(id);
    const isOver = await turn.isOver();
    if (!isOver.ok) return isOver;
    return err(
      failure(
        isOver.value ? 'turn_over' : 'agent_unavailable',
        isOver.value ? {} : { message: NOBODY, retryAfterMs: TAKE_MS },
      ),
    );
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.after(LOOK_MS, resolve);
    });
  }
}

function unknown(cause?: unknown): Failure {
  return failure('internal', { message: UNKNOWN, ...(cause === undefined ? {} : { cause }) });
}
