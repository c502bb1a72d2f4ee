import { type Failure, failure, type Reason } from '../src/domain/failure.ts';
import type { Author } from '../src/domain/participant.ts';
import { err, ok, type Result } from '../src/domain/result.ts';
import type { Decision } from './turn-calls.ts';

/** What somebody wants of a turn. It is JSON on its way between servers of one version and the next. */
export type Order =
  | { readonly kind: 'cancel'; readonly by: Author }
  | { readonly kind: 'decide'; readonly decision: Decision };

export function recordOf(order: Order): string {
  return JSON.stringify(order);
}

/** Undefined for what another version of this program may want, and this one does not know. */
export function orderOf(record: string): Order | undefined {
  const order = JSON.parse(record) as Order;
  return order.kind === 'cancel' || order.kind === 'decide' ? order : undefined;
}

/** The public part of an outcome. */
export function answerFor(outcome: Result<void, Failure>): string {
  if (outcome.ok) return '{}';
  const { reason, message, retryAfterMs } = outcome.failure;
  return JSON.stringify({ reason, message, retryAfterMs });
}

export function answerOf(answer: string): Result<void, Failure> {
  const { reason, ...more } = JSON.parse(answer) as Partial<Failure> & { reason?: Reason };
  return reason === undefined ? ok(undefined) : err(failure(reason, more));
}
