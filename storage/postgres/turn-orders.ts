import { ok, type Result } from '../../src/domain/result.ts';
import type { OrderState, TurnOrder, TurnOrders } from '../turn-orders.ts';
import type { Unavailable } from '../unavailable.ts';
import type { Database, Statement } from './database.ts';

/** With it goes what a server left behind that placed an order and is gone. */
const PLACE: Statement = {
  name: 'place-order',
  text: `WITH gone AS (DELETE FROM turn_orders WHERE placed_at < now() - interval '10 minutes')
    INSERT INTO turn_orders (id, conversation_id, turn_id, record) VALUES ($1, $2, $3, $4)`,
};
const OPEN: Statement = {
  name: 'open-orders',
  text: `SELECT id, conversation_id AS "conversationId", turn_id AS "turnId", record FROM turn_orders
    WHERE NOT is_taken ORDER BY placed_at, id LIMIT $1`,
};
const TAKE: Statement = {
  name: 'take-order',
  text: 'UPDATE turn_orders SET is_taken = true WHERE id = $1 AND NOT is_taken RETURNING id',
};
const ANSWER: Statement = {
  name: 'answer-order',
  text: 'UPDATE turn_orders SET answer = $2 WHERE id = $1',
};
const STATE: Statement = {
  name: 'order-state',
  text: 'SELECT is_taken AS "isTaken", answer FROM turn_orders WHERE id = $1',
};
const WITHDRAW: Statement = {
  name: 'withdraw-order',
  text: `DELETE FROM turn_orders WHERE id = $1 AND (NOT is_taken OR answer IS NOT NULL) RETURNING is_taken AS "isTaken"`,
};

/** A row an order, for as long as somebody waits for its answer. */
export class PostgresTurnOrders implements TurnOrders {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async place(order: TurnOrder): Promise<Result<void, Unavailable>> {
    const { id, conversationId, turnId, record } = order;
    return done(await this.#db.write(PLACE, [id, conversationId, turnId, record]));
  }

  open(limit: number): Promise<Result<readonly TurnOrder[], Unavailable>> {
    return this.#db.read<TurnOrder>(OPEN, [limit]);
  }

  async take(id: string): Promise<Result<boolean, Unavailable>> {
    const taken = await this.#db.write(TAKE, [id]);
    return taken.ok ? ok(taken.value.length > 0) : taken;
  }

  async answer(id: string, answer: string): Promise<Result<void, Unavailable>> {
    return done(await this.#db.write(ANSWER, [id, answer]));
  }

  async state(id: string): Promise<Result<OrderState | undefined, Unavailable>> {
    const found = await this.#db.read<OrderState>(STATE, [id]);
    return found.ok ? ok(found.value[0]) : found;
  }

  async withdraw(id: string): Promise<Result<boolean, Unavailable>> {
    const gone = await this.#db.write<OrderState>(WITHDRAW, [id]);
    return gone.ok ? ok(gone.value[0]?.isTaken === false) : gone;
  }
}

function done(written: Result<unknown, Unavailable>): Result<void, Unavailable> {
  return written.ok ? ok(undefined) : written;
}
