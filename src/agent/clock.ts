/** Time, as the agents see it; a test gives its own. */
export interface Clock {
  /** Milliseconds from an arbitrary moment; never goes back. */
  now(): number;
  /** Calls `run` once, `ms` milliseconds from now; the returned function calls it off. */
  after(ms: number, run: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};
