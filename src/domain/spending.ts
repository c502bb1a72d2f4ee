import type { ConversationId, ParticipantId } from './ids.ts';

/** Who or what tokens are counted for. */
export type Account = `participant:${ParticipantId}` | `conversation:${ConversationId}`;

/** What answers of models took. */
export interface Spent {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Billionths of the currency that prices are given in. */
  readonly cost: number;
}

export const NOTHING_SPENT: Spent = { inputTokens: 0, outputTokens: 0, cost: 0 };

const MS_A_DAY = 86_400_000;

/** Days since 1970, in UTC: what is spent is counted by them. */
export function dayOf(ms: number): number {
  return Math.floor(ms / MS_A_DAY);
}

/** When a day begins, in milliseconds since 1970. */
export function startOfDay(day: number): number {
  return day * MS_A_DAY;
}
