import { failure } from '../src/domain/failure.ts';
import { turnId } from '../src/domain/ids.ts';
import { err } from '../src/domain/result.ts';
import type { TurnOrder, TurnOrders } from '../storage/turn-orders.ts';
import type { ActorParts } from './actor-parts.ts';
import { answerFor, orderOf } from './orders.ts';
import type { Registry } from './registry.ts';
import { carryOut } from './turn-commands.ts';

/** Milliseconds between two looks for orders. */
const LOOK_MS = 300;
/** Orders that one look takes. */
const CHUNK = 256;

/**
 * Carries out what people ask, on other servers, of turns that run here.
 *
 * Owns: when it looks. Invariants: E4. An order is taken before it is carried out, and by this server only while the
 * turn is its own: so its one end, and the one decision about a call, are still this server's alone to give.
 */
export class OrderTaker {
  readonly #parts: ActorParts;
  readonly #registry: Registry;
  readonly #orders: TurnOrders;
  #isStopped = false;
  #takeBack: () => void = () => {};

  constructor(parts: ActorParts, registry: Registry, orders: TurnOrders) {
    this.#parts = parts;
    this.#registry = registry;
    this.#orders = orders;
  }

  /** Looks, and then again and again. */
  start(): void {
    this.#takeBack = this.#parts.clock.after(LOOK_MS, () => {
      this.#look()
        .catch((cause) => this.#parts.report('order_failed', { cause }))
        .finally(() => {
          if (!this.#isStopped) this.start();
        });
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#takeBack();
  }

  async #look(): Promise<void> {
    const open = await this.#orders.open(CHUNK);
    // Who placed them waits no longer than a store that is away.
    if (!open.ok) return;
    await Promise.all(
      open.value.filter((order) => this.#isOurs(order)).map((order) => this.#take(order)),
    );
  }

  #isOurs({ conversationId, turnId: id }: TurnOrder): boolean {
    return this.#registry.peek(conversationId)?.turns?.has(id) === true;
  }

  async #take(order: TurnOrder): Promise<void> {
    const taken = await this.#orders.take(order.id);
    if (!taken.ok || !taken.value) return;
    const answered = await this.#orders.answer(order.id, answerFor(await this.#done(order)));
    if (!answered.ok) this.#parts.report('order_not_answered', { cause: answered.failure.cause });
  }

  async #done({ conversationId, turnId: id, record }: TurnOrder) {
    const order = orderOf(record);
    if (order === undefined) return err(failure('turn_not_found'));
    // As it is stored now: who asks may have joined it a moment ago, elsewhere.
    const actor = await this.#registry.get(conversationId);
    return actor.ok ? carryOut(actor.value, turnId(id), order) : actor;
  }
}
