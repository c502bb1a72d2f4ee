import { type Failure, failure } from '../domain/failure.ts';
import { normalised } from './normalise.ts';
import type { StageMeter } from './stages.ts';

/** The content as it is stored, or why it is not. */
export type Admitted = string | Failure;

/** The stage that looks at what people say before it is stored. */
export interface Moderation {
  /** Without a promise, unless somebody else is asked. The same content gives the same answer, as far as it is ours. */
  admit(content: string): Admitted | Promise<Admitted>;
}

/** One in so many passages of the hot path is timed, and counts for all of them: a clock costs as much as the scan. */
const TIMED = 128;

/** Normalises content; refuses what is nothing then. */
export class ContentModeration implements Moderation {
  readonly #meter: StageMeter;
  readonly #passed: ReturnType<StageMeter['passages']>;

  constructor(meter: StageMeter) {
    this.#meter = meter;
    this.#passed = meter.passages('passed');
  }

  admit(content: string): Admitted {
    const passed = this.#passed;
    passed.count += 1;
    if (passed.count % TIMED !== 0) return this.#look(content);
    const startedAt = performance.now();
    const admitted = this.#look(content);
    passed.ms += (performance.now() - startedAt) * TIMED;
    return admitted;
  }

  #look(content: string): Admitted {
    const stored = normalised(content);
    return stored === '' ? this.#refuse(nothing()) : stored;
  }

  #refuse(refused: Failure): Failure {
    this.#passed.count -= 1;
    this.#meter.passages('refused').count += 1;
    return refused;
  }
}

function nothing(): Failure {
  return failure('invalid_field', { message: '`content`: there is nothing in it to read' });
}
