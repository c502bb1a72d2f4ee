import { err, type Result } from '../../src/domain/result.ts';
import type { Append, AppendAnswer, AppendFailure } from '../store.ts';
import type { Unavailable } from '../unavailable.ts';
import type { Queued } from './group-commit.ts';
import type { Undo } from './writer.ts';

type Perform = (batch: Append, undo: Undo) => Result<void, AppendFailure>;

/** An append that waits for its group: this object, and no promise, for each there is. */
export class QueuedAppend implements Queued {
  readonly #perform: Perform;
  readonly #batch: Append;
  readonly #answer: AppendAnswer;
  #result: Result<void, AppendFailure> | undefined;

  constructor(perform: Perform, batch: Append, answer: AppendAnswer) {
    this.#perform = perform;
    this.#batch = batch;
    this.#answer = answer;
  }

  get rows(): number {
    return this.#batch.events.length;
  }

  perform(undo: Undo): void {
    this.#result = this.#perform(this.#batch, undo);
  }

  settle(): void {
    if (this.#result !== undefined) this.#answer.answered(this.#result);
  }

  refuse(failure: Unavailable): void {
    this.#answer.answered(err(failure));
  }

  fail(error: unknown): void {
    this.#answer.broke(error);
  }
}
