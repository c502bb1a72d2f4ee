import { type Failure, failure } from '../src/domain/failure.ts';
import type { TurnId } from '../src/domain/ids.ts';
import { err, type Result } from '../src/domain/result.ts';
import { isOver, type Turn } from '../src/domain/turn.ts';
import { unbegun } from './asking.ts';
import type { TurnSnapshot } from './outlet.ts';
import type { Decision } from './turn-calls.ts';
import type { TurnHost } from './turn-host.ts';
import { TurnRun } from './turn-run.ts';
import { allCalls } from './turn-steps.ts';

const NOT_YET = { message: 'The turn waits for another one; decide when it goes on.' };

/**
 * The turns of one agent in one conversation, one at a time, in the order they were asked for.
 *
 * Owns: the queue, and which turn runs. Invariants: T1. One turn runs. T2. Every queued turn runs or is ended,
 * unless the process stops first: then the next one finds it in the store. T3. While people are writing, and the
 * agent waits for quiet, none begins.
 */
export class Turns {
  readonly #host: TurnHost;
  #queue: Turn[] = [];
  #running: TurnRun | undefined;
  /** Told to end before they ran, and not yet durably ended. */
  readonly #ending = new Set<TurnRun>();
  #idle: () => void = () => {};
  #isClosing = false;
  /** Takes back the timer that waits for quiet. */
  #takeBackQuiet: (() => void) | undefined;
  #isCutOff = false;

  constructor(host: TurnHost) {
    this.#host = host;
  }

  /** Turns that have not ended. */
  get open(): number {
    return this.#queue.length + (this.#running === undefined ? 0 : 1);
  }

  /** Something here is not yet as durable as it will be. */
  get hasWork(): boolean {
    return this.open > 0 || this.#ending.size > 0;
  }

  has(id: TurnId): boolean {
    if (this.#running?.turn.id === id) return true;
    return this.#queue.some((turn) => turn.id === id) || this.#isEnding(id);
  }

  /** Nothing begins before `debounceMs` without another call of this. */
  waitForQuiet(): void {
    const { clock, limits } = this.#host;
    this.#takeBackQuiet?.();
    this.#takeBackQuiet = clock.after(limits.debounceMs, () => {
      this.#takeBackQuiet = undefined;
      this.#next();
    });
  }

  /** Takes turns that are written down: new ones, or such as an earlier process did not finish. */
  enqueue(turns: readonly Turn[]): void {
    this.#queue.push(...turns.filter((turn) => !isOver(turn.state) && !this.has(turn.id)));
    this.#next();
  }

  /** Takes a turn that was written down a moment ago, perhaps with its first attempt: then that begins. */
  take(turn: Turn): void {
    const isFree = this.#running === undefined && this.#takeBackQuiet === undefined;
    if (turn.state === 'queued') this.enqueue([turn]);
    else if (isFree && this.#queue.length === 0 && !this.#isCutOff) this.#run(turn, true);
    else this.enqueue([unbegun(turn)]);
  }

  /** The turn that runs, once it was said to: one that is about to will be told, one that is over was. */
  snapshots(): TurnSnapshot[] {
    const running = this.#running;
    return running?.isShown === true ? [running.snapshot()] : [];
  }

  /** Undefined when it was told to stop; why not otherwise. Its end is told as `turn.ended`. */
  cancel(id: TurnId): Failure | undefined {
    const running = this.#running;
    if (running?.turn.id === id) {
      if (isOver(running.turn.state) || running.turn.state === 'committing')
        return failure('turn_over');
      running.stop('cancelled');
      return undefined;
    }
    const queued = this.#queue.find((turn) => turn.id === id);
    if (queued === undefined) return failure('turn_not_found');
    this.#queue = this.#queue.filter((turn) => turn !== queued);
    this.#drop(queued, 'cancelled');
    return undefined;
  }

  /** Somebody decides about a tool call of a turn that runs. */
  async decide(id: TurnId, decision: Decision): Promise<Result<void, Failure>> {
    const running = this.#running;
    if (running?.turn.id === id) {
      return isOver(running.turn.state) ? err(failure('turn_over')) : running.decide(decision);
    }
    const queued = this.#queue.find((turn) => turn.id === id);
    if (queued === undefined) return err(failure('turn_not_found'));
    const isKnown = allCalls(queued).some(({ callId }) => callId === decision.callId);
    return err(isKnown ? failure('turn_in_progress', NOT_YET) : failure('not_found'));
  }

  /** Something newer takes the place of the turn that runs; `keeps` what was shown. */
  supersedeRunning(keeps: boolean): void {
    this.#running?.stop(keeps ? 'interrupted' : 'superseded');
  }

  /** Something newer takes the place of the turns that wait. Who asked for them is the answer. */
  supersedeQueued(): readonly Turn[] {
    const superseded = this.#queue.splice(0);
    for (const turn of superseded) this.#drop(turn, 'superseded');
    return superseded;
  }

  /**
   * Resolves when no turn is open but such as wait for people, who may take longer than a process that stops; or
   * right after `cutOff`.
   */
  whenIdle(): Promise<void> {
    this.#isClosing = true;
    this.#takeBackQuiet?.();
    this.#takeBackQuiet = undefined;
    this.#next();
    return new Promise((resolve) => {
      this.#idle = resolve;
      this.#tellIdle();
    });
  }

  #tellIdle(): void {
    const isIdle = this.open === 0 || this.#isCutOff || this.#running?.isWaiting === true;
    if (this.#isClosing && isIdle) this.#idle();
  }

  /** Stops at once and writes nothing: the next process finds the turns unfinished. */
  cutOff(): void {
    this.#isCutOff = true;
    this.#takeBackQuiet?.();
    this.#queue = [];
    this.#running?.stop('cut_off');
    for (const run of this.#ending) run.stop('cut_off');
    this.#tellIdle();
  }

  /** Says in the record of a turn that it lives here. */
  renew(id: TurnId): void {
    const queued = this.#queue.find((turn) => turn.id === id);
    const run = queued === undefined ? this.#running : new TurnRun(queued, this.#host);
    if (run?.turn.id !== id) return;
    run.renew().catch((cause) => this.#host.onError(run.turn, cause));
    if (queued !== undefined) {
      this.#queue = this.#queue.map((turn) => (turn === queued ? run.turn : turn));
    }
  }

  /** Another server has taken this turn: nothing more is done for it here. */
  letGo(id: TurnId): void {
    if (this.#running?.turn.id === id) this.#running.stop('cut_off');
    this.#queue = this.#queue.filter((turn) => turn.id !== id);
  }

  #isEnding(id: TurnId): boolean {
    return [...this.#ending].some(({ turn }) => turn.id === id);
  }

  #next(): void {
    if (this.#running !== undefined || this.#isCutOff) return;
    if (this.#takeBackQuiet !== undefined) return;
    const turn = this.#queue.shift();
    if (turn === undefined) {
      this.#tellIdle();
      return;
    }
    this.#run(turn, false);
  }

  #run(turn: Turn, isBegun: boolean): void {
    const host = { ...this.#host, onWaiting: () => this.#tellIdle() };
    const run = new TurnRun(turn, host, isBegun);
    this.#running = run;
    run
      .run()
      .catch((cause) => this.#host.onError(run.turn, cause))
      .finally(() => {
        this.#running = undefined;
        this.#next();
      });
  }

  #drop(turn: Turn, state: 'cancelled' | 'superseded'): void {
    const run = new TurnRun(turn, this.#host);
    this.#ending.add(run);
    run
      .end(state, null)
      .catch((cause) => this.#host.onError(run.turn, cause))
      .finally(() => this.#ending.delete(run));
  }
}
