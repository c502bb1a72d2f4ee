import { err, ok, type Result } from '../../src/domain/result.ts';
import { type Unavailable, unavailable } from '../unavailable.ts';

/** What the parts of a memory store share: it is open, or every answer is that it is closed. */
export class Gate {
  #isOpen = true;

  close(): void {
    this.#isOpen = false;
  }

  /** What `give` returns, while the store is open. What it throws rejects the promise. */
  async answer<T>(give: () => T): Promise<Result<T, Unavailable>> {
    return this.#isOpen ? ok(give()) : closed();
  }

  /** The same for what can be refused. */
  async attempt<T, F>(give: () => Result<T, F>): Promise<Result<T, F | Unavailable>> {
    return this.now(give);
  }

  /** The same without a promise. */
  now<T, F>(give: () => Result<T, F>): Result<T, F | Unavailable> {
    return this.#isOpen ? give() : closed();
  }
}

function closed() {
  return err(unavailable(new Error('the store is closed')));
}
