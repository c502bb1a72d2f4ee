/** Those who wait for one thing to happen next. Costs nothing while nobody does. */
export class Waiting {
  #told: Array<() => void> | undefined;

  /** Resolves when it has happened. */
  wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#told ??= [];
      this.#told.push(resolve);
    });
  }

  /** It has happened. */
  tell(): void {
    const told = this.#told;
    if (told === undefined) return;
    this.#told = undefined;
    for (const tell of told) tell();
  }
}
