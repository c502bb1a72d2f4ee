/** Lines of one event that are written in one window; what comes after is counted. */
const LINES = 20;
const WINDOW_MS = 10_000;

export interface ThrottleClock {
  readonly now: () => number;
  /** Calls `fn` once after `ms`, and keeps nothing alive for it. */
  readonly after: (ms: number, fn: () => void) => void;
}

interface Window {
  startedAt: number;
  lines: number;
  suppressed: number;
}

/**
 * Keeps a repeating line from filling the disk: of each event, 20 lines in 10 s, then one that says how many
 * more there were. Events are named in the code, so there are few.
 */
export class Throttle {
  readonly #clock: ThrottleClock;
  readonly #onSuppressed: (event: string, count: number) => void;
  readonly #windows = new Map<string, Window>();

  constructor(clock: ThrottleClock, onSuppressed: (event: string, count: number) => void) {
    this.#clock = clock;
    this.#onSuppressed = onSuppressed;
  }

  /** Whether a line of this event may be written now. */
  admits(event: string): boolean {
    const now = this.#clock.now();
    let window = this.#windows.get(event);
    if (window === undefined || now - window.startedAt >= WINDOW_MS) {
      window = { startedAt: now, lines: 0, suppressed: 0 };
      this.#windows.set(event, window);
    }
    window.lines += 1;
    if (window.lines <= LINES) return true;
    window.suppressed += 1;
    if (window.suppressed === 1) this.#tellLater(event, window, now);
    return false;
  }

  #tellLater(event: string, window: Window, now: number): void {
    this.#clock.after(window.startedAt + WINDOW_MS - now, () => {
      this.#onSuppressed(event, window.suppressed);
    });
  }
}
