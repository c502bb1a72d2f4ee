import { type Failure, failure } from '../domain/failure.ts';
import type { Judge } from '../provider/moderations.ts';
import { normalised } from './normalise.ts';
import type { StageMeter } from './stages.ts';

/** The content as it is stored, or why it is not. */
export type Admitted = string | Failure;

/** The stage that looks at what is said: by people before it is stored, by agents before it is shown. */
export interface Moderation {
  /** What a person says. Without a promise, unless somebody else is asked. */
  admit(content: string): Admitted | Promise<Admitted>;
  /** Whether answers are looked at sentence by sentence; they are normalised in any case. */
  readonly looksAtAnswers: boolean;
  /** Why a sentence of an answer may not be shown; undefined when it may. */
  refusesToShow(sentence: string): Promise<Failure | undefined>;
}

export interface ModerationParts {
  readonly meter: StageMeter;
  readonly report: (event: string, about: Readonly<Record<string, unknown>>) => void;
  /** Has the words that are not said here. */
  readonly hasBadWords?: ((text: string) => boolean) | undefined;
  /** Somebody else who looks at every text. */
  readonly judge?: Judge | undefined;
  /** What happens while the judge does not answer. */
  readonly whenDown: 'allow' | 'refuse';
  readonly looksAtAnswers: boolean;
}

/** One in so many passages of the hot path is timed, and counts for all of them: a clock costs as much as the scan. */
const TIMED = 128;
/** Told to who is refused because the judge does not answer. */
const RETRY_AFTER_MS = 5_000;

/** Normalises content; refuses what is nothing then, what has bad words, and what a judge flags. */
export class ContentModeration implements Moderation {
  readonly looksAtAnswers: boolean;
  readonly #parts: ModerationParts;
  readonly #passed: ReturnType<StageMeter['passages']>;

  constructor(parts: ModerationParts) {
    this.#parts = parts;
    this.#passed = parts.meter.passages('passed');
    this.looksAtAnswers = parts.looksAtAnswers;
  }

  admit(content: string): Admitted | Promise<Admitted> {
    const passed = this.#passed;
    passed.count += 1;
    if (passed.count % TIMED !== 0) return this.#look(content);
    const startedAt = performance.now();
    const admitted = this.#look(content);
    passed.ms += (performance.now() - startedAt) * TIMED;
    return admitted;
  }

  async refusesToShow(sentence: string): Promise<Failure | undefined> {
    const { judge, meter } = this.#parts;
    const startedAt = performance.now();
    const refused = this.#hasBadWords(sentence)
      ? notShown()
      : judge && (await this.#judged(sentence, judge, notShown()));
    meter.passed(refused === undefined ? 'answer_passed' : 'answer_refused', startedAt);
    return refused;
  }

  #look(content: string): Admitted | Promise<Admitted> {
    const { judge } = this.#parts;
    const stored = normalised(content);
    if (stored === '') return this.#refuse(nothing());
    if (this.#hasBadWords(stored)) return this.#refuse(failure('content_refused'));
    return judge === undefined ? stored : this.#asked(stored, judge);
  }

  async #asked(stored: string, judge: Judge): Promise<Admitted> {
    const startedAt = performance.now();
    const refused = await this.#judged(stored, judge, failure('content_refused'));
    this.#passed.ms += performance.now() - startedAt;
    return refused === undefined ? stored : this.#refuse(refused);
  }

  async #judged(text: string, judge: Judge, flagged: Failure): Promise<Failure | undefined> {
    const { whenDown, meter, report } = this.#parts;
    try {
      return (await judge(text)) ? flagged : undefined;
    } catch (cause) {
      meter.passages('not_judged').count += 1;
      report('moderation_down', { cause });
      return whenDown === 'allow' ? undefined : down();
    }
  }

  #hasBadWords(text: string): boolean {
    return this.#parts.hasBadWords?.(text) ?? false;
  }

  #refuse(refused: Failure): Failure {
    this.#passed.count -= 1;
    this.#parts.meter.passages('refused').count += 1;
    return refused;
  }
}

function nothing(): Failure {
  return failure('invalid_field', { message: '`content`: there is nothing in it to read' });
}

function notShown(): Failure {
  return failure('content_refused', { message: 'The rest of the answer is withheld here.' });
}

function down(): Failure {
  const message = 'What is said cannot be looked at just now; nothing was stored.';
  return failure('overloaded', { message, retryAfterMs: RETRY_AFTER_MS });
}
