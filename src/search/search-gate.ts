import { err, ok, type Result } from '../domain/result.ts';

/** Searches at once: each may hold the store, or an embedder, for a while. */
const MOST_AT_ONCE = 16;
/** Milliseconds that one who was refused is told to wait: about as long as a search takes. */
const OWN_RETRY_MS = 250;
const RETRY_MS = 1_000;

/** How many searches are under way: so many in all, and one for each participant. */
export class SearchGate {
  readonly #mostAtOnce: number;
  readonly #inside = new Set<string>();

  constructor(mostAtOnce = MOST_AT_ONCE) {
    this.#mostAtOnce = mostAtOnce;
  }

  /** Lets this participant in until the answer is called, or says in how many milliseconds to try again. */
  enter(participant: string): Result<() => void, { readonly retryAfterMs: number }> {
    if (this.#inside.has(participant)) return err({ retryAfterMs: OWN_RETRY_MS });
    if (this.#inside.size >= this.#mostAtOnce) return err({ retryAfterMs: RETRY_MS });
    this.#inside.add(participant);
    return ok(() => {
      this.#inside.delete(participant);
    });
  }
}
