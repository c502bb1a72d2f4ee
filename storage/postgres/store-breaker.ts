/**
 * What leaves a database alone that does not answer, as the store sees it: the server's breaker of the name `store`.
 * Whether the database is back is found out by the store itself (comeback.ts), never by those who want something of it.
 */
export interface StoreBreaker {
  /** Calls are made. */
  readonly isClosed: boolean;
  /** Milliseconds until an open one lets a trial through. */
  readonly restMs: number;
  /** Makes the call, and learns from its answer; undefined when it is not closed: then no call was made. */
  run<T>(call: () => Promise<T>, isAway: (answer: T) => boolean): Promise<T | undefined>;
  /** The same for a trial; undefined when its time has not come. */
  trial<T>(call: () => Promise<T>, isAway: (answer: T) => boolean): Promise<T | undefined>;
  /** Tells each time it opens. */
  onOpened(tell: () => void): void;
}

/** Makes every call: for programs that do one thing and end. */
export const NO_BREAKER: StoreBreaker = {
  isClosed: true,
  restMs: 0,
  run: (call) => call(),
  trial: (call) => call(),
  onOpened: () => {},
};
