/** Time, as the actors see it: tests bring their own. Milliseconds since 1970. */
export interface Clock {
  readonly now: () => number;
  /** Calls `fn` once after `ms`; the answer takes it back. Does not keep the process alive. */
  readonly after: (ms: number, fn: () => void) => () => void;
}

export const systemClock: Clock = {
  now: Date.now,
  after: (ms, fn) => {
    const timer = setTimeout(fn, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
