import type { ConversationId, TurnId } from '../src/domain/ids.ts';
import type { Result } from '../src/domain/result.ts';
import type { Unavailable } from './unavailable.ts';

/** What somebody wants of a turn that another server runs. `record` is JSON of those who place and take it. */
export interface TurnOrder {
  readonly id: string;
  readonly conversationId: ConversationId;
  readonly turnId: TurnId;
  readonly record: string;
}

/** How an order stands. */
export interface OrderState {
  readonly isTaken: boolean;
  /** JSON of who took it; null before. */
  readonly answer: string | null;
}

/** The part of the storage port through which servers that share a store ask each other; for minutes, not for ever. */
export interface TurnOrders {
  place(order: TurnOrder): Promise<Result<void, Unavailable>>;

  /** Those that nobody has taken, the oldest first, so many at most. */
  open(limit: number): Promise<Result<readonly TurnOrder[], Unavailable>>;

  /** True for one taker: no other has it then, and it is not withdrawn any more. */
  take(id: string): Promise<Result<boolean, Unavailable>>;

  answer(id: string, answer: string): Promise<Result<void, Unavailable>>;

  /** Undefined when there is none of this id. */
  state(id: string): Promise<Result<OrderState | undefined, Unavailable>>;

  /** True when it was not taken, and now never will be. What has its answer is let go of. */
  withdraw(id: string): Promise<Result<boolean, Unavailable>>;
}
