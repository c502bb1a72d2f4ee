import { err, ok, type Result } from '../domain/result.ts';

export interface SearchGateLimits {
  /** Searches at once: each may hold the store, or an embedder, for a while. */
  readonly mostAtOnce: number;
  /** Of one participant. */
  readonly mostOfOne: number;
}

/** Milliseconds that one who was refused is told to wait: about as long as a search takes. */
const OWN_RETRY_MS = 250;
const RETRY_MS = 1_000;

/** How many searches are under way: so many in all, and so many of each participant. */
export class SearchGate {
  readonly #limits: SearchGateLimits;
  readonly #inside = new Map<string, number>();
  #count = 0;

  constructor(limits: SearchGateLimits) {
    this.#limits = limits;
  }

  /** Lets this participant in until the answer is called, or says in how many milliseconds to try again. */
  enter(participant: string): Result<() => void, { readonly retryAfterMs: number }> {
    const own = this.#inside.get(participant) ?? 0;
    if (own >= this.#limits.mostOfOne) return err({ retryAfterMs: OWN_RETRY_MS });
    if (this.#count >= this.#limits.mostAtOnce) return err({ retryAfterMs: RETRY_MS });
    this.#inside.set(participant, own + 1);
    this.#count += 1;
    return ok(() => this.#leave(participant));
  }

  #leave(participant: string): void {
    const own = this.#inside.get(participant) ?? 0;
    if (own > 1) this.#inside.set(participant, own - 1);
    else this.#inside.delete(participant);
    this.#count -= 1;
  }
}
