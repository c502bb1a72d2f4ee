import type { Result } from '../../src/domain/result.ts';
import type { Append, AppendAnswer, AppendFailure } from '../store.ts';

/** Of an append that broke there is no result. */
export type AppendEnded = (batch: Append, result: Result<void, AppendFailure> | undefined) => void;

/** The answer to an append, on its way through the cache. */
export class Remembering implements AppendAnswer {
  readonly #batch: Append;
  readonly #answer: AppendAnswer;
  readonly #ended: AppendEnded;

  constructor(batch: Append, answer: AppendAnswer, ended: AppendEnded) {
    this.#batch = batch;
    this.#answer = answer;
    this.#ended = ended;
  }

  answered(result: Result<void, AppendFailure>): void {
    this.#ended(this.#batch, result);
    this.#answer.answered(result);
  }

  broke(error: unknown): void {
    this.#ended(this.#batch, undefined);
    this.#answer.broke(error);
  }
}
