/** Milliseconds between two reports: to a terminal, where one line is written over, and to anything else. */
const EVERY_MS = { terminal: 200, other: 5_000 };
/** What takes less time is not talked about. */
const FIRST_MS = 1_000;

/** How far a long command is, on stderr, for whoever waits. */
export class Progress {
  readonly #startedAt = performance.now();
  readonly #everyMs = process.stderr.isTTY ? EVERY_MS.terminal : EVERY_MS.other;
  #dueAt = performance.now() + Math.max(FIRST_MS, this.#everyMs);
  #isShown = false;

  /** May be called as often as there is anything new: most calls cost a look at the clock. */
  at(textOf: () => string): void {
    const now = performance.now();
    if (now < this.#dueAt) return;
    this.#dueAt = now + this.#everyMs;
    const isTerminal = process.stderr.isTTY;
    process.stderr.write(isTerminal ? `\r\u001b[K${textOf()}` : `${textOf()}\n`);
    this.#isShown = isTerminal;
  }

  /** Takes the line away again. Gives the seconds since the beginning, for the closing line. */
  end(): string {
    if (this.#isShown) process.stderr.write('\r\u001b[K');
    this.#isShown = false;
    return ((performance.now() - this.#startedAt) / 1_000).toFixed(1);
  }
}
