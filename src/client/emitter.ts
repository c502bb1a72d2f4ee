/** Listeners by event name, in the order they came. */
export class Emitter<Events extends Record<string, unknown>> {
  readonly #listeners = new Map<keyof Events, Set<(event: never) => void>>();

  /** Calls `listener` from now on; the answer takes it off again. */
  on<E extends keyof Events>(name: E, listener: (event: Events[E]) => void): () => void {
    const set = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, set);
    set.add(listener);
    return () => void set.delete(listener);
  }

  /** A listener that throws does not keep the others, or the client itself, from going on. */
  emit<E extends keyof Events>(name: E, event: Events[E]): void {
    const set = this.#listeners.get(name) as Set<(event: Events[E]) => void> | undefined;
    for (const listener of [...(set ?? [])]) {
      try {
        listener(event);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
