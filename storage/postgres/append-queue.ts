import type { ConversationId } from '../../src/domain/ids.ts';
import { err, type Result } from '../../src/domain/result.ts';
import type { Append, AppendAnswer, AppendFailure, Commit } from '../store.ts';
import { unavailable } from '../unavailable.ts';
import { AppendParameters } from './append-statement.ts';
import type { Appended, Appender } from './appender.ts';

/**
 * What one statement takes at most; a batch that is larger goes alone. A few groups of this size keep Postgres and this
 * process busy at the same time; in larger ones a thousand conversations fall into step, and one waits for the other.
 */
const MAX_ROWS = 256;
const MAX_CHARS = 4_194_304;

export interface AppendQueueOptions {
  readonly appender: Appender;
  /** Groups under way at once, each on its own connection. */
  readonly lanes: number;
  readonly onCommit: (commit: Commit) => void;
}

/**
 * All the appends that came in while the lanes were busy, or in one turn of the event loop, go out together.
 *
 * Owns: the order of appends, and who is under way. Does not own: how a group is stored (appender.ts). Bound: a
 * conversation has one append under way from its actor, so the queue is as long as conversations are busy; when a
 * group meets a server that does not answer, all that wait are answered with it.
 *
 * Invariants:
 * Q1. Of one conversation, one append is under way at a time, and they go in the order they came.
 * Q2. An append is answered after its transaction was committed or undone, or its connection was lost.
 * Q3. An append that breaks (a value Postgres refuses, a bug) fails alone: the others of its group are stored.
 */
export class AppendQueue {
  readonly #options: AppendQueueOptions;
  readonly #idle: AppendParameters[];
  readonly #busy = new Set<ConversationId>();
  #waiting: Queued[] = [];
  #isScheduled = false;
  #whenIdle: (() => void)[] = [];

  constructor(options: AppendQueueOptions) {
    this.#options = options;
    this.#idle = Array.from({ length: options.lanes }, () => new AppendParameters());
  }

  submit(batch: Append, answer: AppendAnswer): void {
    this.#waiting.push(new Queued(batch, answer));
    this.#schedule();
  }

  /** Settled when nothing waits or is under way. */
  drain(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenIdle.push(resolve);
    });
  }

  #isIdle(): boolean {
    return this.#waiting.length === 0 && this.#busy.size === 0;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#send();
    });
  }

  #send(): void {
    while (this.#waiting.length > 0) {
      const parameters = this.#idle.pop();
      if (parameters === undefined) return;
      const group = this.#takeGroup();
      if (group.length === 0) {
        this.#idle.push(parameters);
        return;
      }
      void this.#store(group, parameters);
    }
  }

  /** Q1: what is under way, or stands before it in the queue, holds an append back. */
  #takeGroup(): Queued[] {
    const group: Queued[] = [];
    let left: Queued[] = [];
    const passed = new Set<ConversationId>();
    let rows = 0;
    let chars = 0;
    for (const [at, queued] of this.#waiting.entries()) {
      const isFull = rows + queued.rows > MAX_ROWS || chars + queued.chars > MAX_CHARS;
      if (isFull && group.length > 0) {
        left = left.concat(this.#waiting.slice(at));
        break;
      }
      const { id } = queued.batch;
      const [first = queued] = group;
      if (this.#busy.has(id) || passed.has(id) || first.hasEffects !== queued.hasEffects) {
        left.push(queued);
      } else {
        group.push(queued);
        rows += queued.rows;
        chars += queued.chars;
      }
      passed.add(id);
    }
    this.#waiting = left;
    for (const { batch } of group) this.#busy.add(batch.id);
    return group.sort((a, b) => (a.batch.id < b.batch.id ? -1 : 1));
  }

  async #store(group: readonly Queued[], parameters: AppendParameters): Promise<void> {
    const startedAt = performance.now();
    try {
      this.#answer(group, await this.#append(group, parameters));
    } catch (error) {
      await this.#isolate(group, { parameters, error });
    }
    this.#options.onCommit({
      rows: group.reduce((rows, queued) => rows + queued.rows, 0),
      requests: group.length,
      seconds: (performance.now() - startedAt) / 1_000,
    });
    for (const { batch } of group) this.#busy.delete(batch.id);
    this.#idle.push(parameters);
    if (this.#waiting.length > 0) this.#schedule();
    else if (this.#isIdle()) for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  #append(group: readonly Queued[], parameters: AppendParameters): Promise<Appended> {
    const batches = group.map(({ batch }) => batch);
    const { appender } = this.#options;
    return group[0]?.hasEffects
      ? appender.withEffects(batches, parameters)
      : appender.plain(batches, parameters);
  }

  #answer(group: readonly Queued[], appended: Appended): void {
    if (!appended.ok) {
      for (const queued of group) queued.settle(appended);
      this.#refuseWaiting(appended.failure.cause);
      return;
    }
    for (const [at, queued] of group.entries()) {
      const answer = appended.value[at];
      if (answer !== undefined) queued.settle(answer);
    }
  }

  /** They were never sent; sent now, each group would wait as long as this one did. */
  #refuseWaiting(cause: unknown): void {
    const refused = this.#waiting;
    this.#waiting = [];
    for (const queued of refused) queued.settle(err(unavailable(cause)));
  }

  /** Q3: each by itself; the one that breaks again is its caller's broken invariant. */
  async #isolate(
    group: readonly Queued[],
    { parameters, error }: { parameters: AppendParameters; error: unknown },
  ): Promise<void> {
    const [first] = group;
    if (group.length === 1) {
      first?.fail(error);
      return;
    }
    for (const [at, queued] of group.entries()) {
      try {
        const appended = await this.#append([queued], parameters);
        // What was not sent is refused with those that wait.
        if (!appended.ok) this.#waiting.unshift(...group.slice(at + 1));
        this.#answer([queued], appended);
        if (!appended.ok) return;
      } catch (broken) {
        queued.fail(broken);
      }
    }
  }
}

/** An append and where its answer goes. */
class Queued {
  readonly batch: Append;
  readonly rows: number;
  readonly chars: number;
  readonly #answer: AppendAnswer;

  constructor(batch: Append, answer: AppendAnswer) {
    this.batch = batch;
    this.rows = batch.events.length;
    let chars = 0;
    for (const { body } of batch.events) chars += body.length;
    this.chars = chars;
    this.#answer = answer;
  }

  get hasEffects(): boolean {
    return this.batch.effects.length > 0;
  }

  settle(result: Result<void, AppendFailure>): void {
    this.#answer.answered(result);
  }

  fail(error: unknown): void {
    this.#answer.broke(error);
  }
}
