import { ProviderFault } from '../../provider/provider-fault.ts';

/** Milliseconds after which an endpoint that refused tools is offered them again. */
const REFUSED_MS = 600_000;

/**
 * Whether the endpoint of a model takes tools. Some refuse every request that has any, each in its own way: Ollama
 * with 400 for a model that has not learned them, vLLM with 400 and llama.cpp with 500 unless they were started for
 * it. Such a model goes on answering, without tools.
 */
export class ToolSupport {
  readonly #onRefused: (fault: ProviderFault) => void;
  #isProven = false;
  #refusedUntil = 0;

  constructor(onRefused: (fault: ProviderFault) => void) {
    this.#onRefused = onRefused;
  }

  get isRefused(): boolean {
    return Date.now() < this.#refusedUntil;
  }

  /** A request with tools was answered: whatever is refused from now on, it is not for them. */
  proven(): void {
    this.#isProven = true;
  }

  /** Whether a request may have failed because it had tools. */
  mayBeWhy(error: unknown): error is ProviderFault {
    if (this.#isProven || !(error instanceof ProviderFault)) return false;
    return error.kind === 'rejected' || error.kind === 'broken';
  }

  /** The same request without tools was answered. */
  refused(fault: ProviderFault): void {
    this.#refusedUntil = Date.now() + REFUSED_MS;
    this.#onRefused(fault);
  }
}
