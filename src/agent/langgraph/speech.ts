import { setImmediate as nextLoop } from 'node:timers/promises';
import type { Usage } from '../../domain/event.ts';

export type Spoken =
  /** `answer` names the answer of the model it is part of. */
  | { readonly type: 'text'; readonly text: string; readonly answer: string }
  /** What one answer of the model cost. */
  | { readonly type: 'usage'; readonly usage: Usage };

interface Listener {
  readonly resolve: (next: IteratorResult<Spoken, undefined>) => void;
  readonly reject: (cause: unknown) => void;
}

/**
 * What the model says in one run of the graph, on its way to who listens, past the graph's own streams: those cost
 * more for each token than the call of the model does.
 *
 * Owns: what was said and not yet heard; texts of one answer are joined there. Does not own: a bound, which is that of
 * an answer (`SteadyModel`) times their number (`Course`). One listener.
 */
export class Speech implements AsyncIterableIterator<Spoken, undefined> {
  readonly #signal: AbortSignal;
  #unheard: Spoken[] = [];
  #listener: Listener | undefined;
  #whenHeard: Array<() => void> = [];
  #end: { readonly cause?: unknown } | undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', this.#cutOff, { once: true });
    if (signal.aborted) this.#cutOff();
  }

  /** The model said this, in that answer. */
  say(text: string, answer: string): void {
    if (text === '') return;
    const last = this.#unheard.at(-1);
    if (last?.type !== 'text' || last.answer !== answer) this.#tell({ type: 'text', text, answer });
    else this.#unheard[this.#unheard.length - 1] = { ...last, text: last.text + text };
  }

  spent(usage: Usage): void {
    this.#tell({ type: 'usage', usage });
  }

  /** Resolves when the listener has taken every text, and had a moment to tell it; or is gone. */
  async heard(): Promise<void> {
    if (!this.#isHeard)
      await new Promise<void>((resolve) => {
        this.#whenHeard.push(resolve);
      });
    await nextLoop();
  }

  /** Nothing more is said: the listener is told so, or `cause` is thrown there, behind what is still to be heard. */
  end(failed?: { readonly cause: unknown }): void {
    if (this.#end !== undefined) return;
    this.#end = failed ?? {};
    this.#signal.removeEventListener('abort', this.#cutOff);
    this.#tellHeard();
    const listener = this.#listener;
    if (listener !== undefined) this.next().then(listener.resolve, listener.reject);
    this.#listener = undefined;
  }

  next(): Promise<IteratorResult<Spoken, undefined>> {
    const value = this.#unheard.shift();
    this.#tellHeard();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    if (this.#end !== undefined) {
      const failed = this.#end;
      this.#end = {};
      return 'cause' in failed ? Promise.reject(failed.cause) : Promise.resolve(DONE);
    }
    return new Promise((resolve, reject) => {
      this.#listener = { resolve, reject };
    });
  }

  /** The listener is gone. */
  return(): Promise<IteratorResult<Spoken, undefined>> {
    this.end();
    this.#unheard = [];
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #tell(spoken: Spoken): void {
    if (this.#end !== undefined) return;
    const listener = this.#listener;
    this.#listener = undefined;
    if (listener === undefined) this.#unheard.push(spoken);
    else listener.resolve({ done: false, value: spoken });
  }

  get #isHeard(): boolean {
    return this.#end !== undefined || !this.#unheard.some(({ type }) => type === 'text');
  }

  #tellHeard(): void {
    if (this.#whenHeard.length === 0 || !this.#isHeard) return;
    for (const heard of this.#whenHeard.splice(0)) heard();
  }

  readonly #cutOff = () => {
    this.#unheard = [];
    this.end({ cause: this.#signal.reason });
  };
}

const DONE = { done: true, value: undefined } as const;
