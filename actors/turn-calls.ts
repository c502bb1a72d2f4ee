import { encodeBody, type Verdict } from '../src/domain/event.ts';
import { type Failure, failure } from '../src/domain/failure.ts';
import type { Author } from '../src/domain/participant.ts';
import { err, ok, type Result } from '../src/domain/result.ts';
import type { CallOutcome, Turn, TurnCall, TurnDecision } from '../src/domain/turn.ts';
import type { CallBegin, CallPermit, TurnTools } from './agent-port.ts';
import type { Clock } from './clock.ts';
import type { Draft, Unsettled } from './draft.ts';
import type { Notice } from './outlet.ts';
import type { TurnRecord } from './turn-record.ts';
import {
  allCalls,
  boundedOutcome,
  callOf,
  done,
  isUndecided,
  refusalOf,
  withCall,
  withChanged,
} from './turn-steps.ts';

export interface CallsHost {
  readonly clock: Clock;
  /** Milliseconds that a call waits for people. */
  readonly approvalMs: number;
  readonly notify: (notice: Notice) => void;
  /** Aborts with the attempt. */
  readonly signal: AbortSignal;
  /** A call is about to wait for people while none did, or the last one that did has its answer. */
  readonly onWaiting: (isWaiting: boolean) => void;
  /** What was said before a call is told before it. */
  readonly flush: () => void;
  /** Where servers share the store: ends the attempt when another one has taken the turn. */
  readonly lookWhoseItIs: () => Promise<void>;
}

export interface Decision {
  readonly by: Author;
  readonly callId: string;
  readonly verdict: Verdict;
  readonly reason?: string | undefined;
  /** The idempotency key of who decides. */
  readonly key: string | null;
}

/** A promise and its hands. */
interface Later<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
}

/**
 * The tool calls of one turn, while it runs here.
 *
 * Owns: which calls were begun in this process, and who waits for people. Does not own: the record, and what tools do.
 * Invariants: D1. `run` is answered once for a call id, over all attempts, and only once that is in the store. D2. A
 * call has one outcome: the first that was written. D3. A call has one decision: its event is committed with it.
 * D4. Nothing is told of a call before it is durable, and nothing at all once the attempt is over.
 *
 * Not excluded, where servers share a store: one that stood still for longer than the lease, and goes on between its
 * look at who has the turn and its write (a millisecond or so), may begin a call beside the other.
 */
export class TurnCalls implements TurnTools {
  readonly #record: TurnRecord;
  readonly #host: CallsHost;
  /** The calls that were begun here, and what came of them. */
  readonly #begun = new Map<string, Later<CallOutcome>>();
  readonly #ended = new Set<string>();
  /** Those that wait for people, by what ends the waiting. */
  readonly #waiting = new Map<string, () => void>();
  /** Calls about which something is being written that leaves nothing to decide. */
  readonly #settling = new Set<string>();
  /** Calls that need approval and have no answer yet. */
  #approvals = 0;

  constructor(record: TurnRecord, host: CallsHost) {
    this.#record = record;
    this.#host = host;
  }

  async begin(call: CallBegin): Promise<CallPermit> {
    this.#host.signal.throwIfAborted();
    const known = this.#begun.get(call.callId);
    if (known !== undefined)
      return { kind: 'known', outcome: await this.#unlessOver(known.promise) };
    this.#begun.set(call.callId, later());
    this.#host.flush();
    const recorded = callOf(this.#record.turn, call.callId);
    return recorded === undefined ? this.#beginNew(call) : this.#goOn(recorded);
  }

  async end(callId: string, outcome: CallOutcome): Promise<void> {
    if (!this.#begun.has(callId) || this.#ended.has(callId) || this.#host.signal.aborted) return;
    if (callOf(this.#record.turn, callId)?.state !== 'running') return;
    try {
      await this.#finish(callId, boundedOutcome(outcome));
    } catch (cause) {
      // The attempt ended while it was being written: nobody waits for it.
      if (!this.#host.signal.aborted) throw cause;
    }
  }

  /** Says anew what was recorded: an attempt begins, and clients begin with it. */
  announce(): void {
    for (const call of allCalls(this.#record.turn)) {
      this.#tellCall(call);
      if (call.outcome !== undefined) this.#tellOutcome(call.callId, call.outcome);
    }
  }

  /** Writes down what somebody decides, as an event of the log; why not otherwise. */
  async decide({ by, callId, verdict, reason, key }: Decision): Promise<Result<void, Failure>> {
    // Its end is on its way into the store, and nothing comes behind it.
    if (this.#host.signal.aborted) return err(failure('turn_over'));
    const call = callOf(this.#record.turn, callId);
    if (call === undefined) return err(failure('not_found', { message: 'No such tool call.' }));
    if (!isUndecided(call) || this.#settling.has(callId))
      return err(failure('already_exists', DECIDED));
    this.#settling.add(callId);
    const at = this.#host.clock.now();
    const decision = { by: by.id, verdict, at, ...(reason === undefined ? {} : { reason }) };
    const written = await this.#record.write((turn) => withDecision(turn, callId, decision), {
      draft: (turn) => decisionDraft(turn, { by, key, callId, decision }),
      isEnough: () => true,
    });
    this.#settling.delete(callId);
    // Decided; or its time may be over meanwhile.
    if (written.ok || this.#leftMs(call) === 0) this.#waiting.get(callId)?.();
    return written.ok ? ok(undefined) : written;
  }

  async #beginNew(call: CallBegin): Promise<CallPermit> {
    const refused = refusalOf(this.#record.turn, call);
    if (refused !== undefined) {
      this.#begun.get(call.callId)?.resolve({ error: refused, durationMs: 0 });
      return { kind: 'rejected', reason: refused };
    }
    if (call.needsApproval) return this.#whileWaiting(call.callId, () => this.#writeDown(call));
    await this.#writeDown(call);
    return { kind: 'run' };
  }

  async #writeDown(call: CallBegin): Promise<void> {
    await this.#host.lookWhoseItIs();
    const now = this.#host.clock.now();
    await this.#write((turn) => withCall(turn, call, now));
    const recorded = callOf(this.#record.turn, call.callId);
    if (recorded !== undefined) this.#tellCall(recorded);
  }

  /** An earlier attempt has written it down. */
  #goOn({ callId, state, outcome = { durationMs: 0 } }: TurnCall): Promise<CallPermit> {
    if (state === 'waiting') return this.#whileWaiting(callId, async () => {});
    this.#begun.get(callId)?.resolve(outcome);
    return Promise.resolve({ kind: 'known', outcome });
  }

  async #whileWaiting(callId: string, asked: () => Promise<void>): Promise<CallPermit> {
    this.#approvals += 1;
    if (this.#approvals === 1) this.#host.onWaiting(true);
    try {
      await asked();
      await this.#whenDecided(callId);
      this.#host.signal.throwIfAborted();
    } finally {
      this.#approvals -= 1;
      if (this.#approvals === 0) this.#host.onWaiting(false);
    }
    return this.#afterDecision(callId);
  }

  async #afterDecision(callId: string): Promise<CallPermit> {
    const { decision, outcome = EXPIRED } = callOf(this.#record.turn, callId) ?? {};
    if (decision?.verdict === 'approve') {
      await this.#host.lookWhoseItIs();
      await this.#write((turn) =>
        withChanged(turn, callId, (call) => ({ ...call, state: 'running' })),
      );
      return { kind: 'run' };
    }
    this.#settling.add(callId);
    await this.#finish(callId, outcome);
    return { kind: 'rejected', reason: outcome.error ?? '' };
  }

  /** Resolves when somebody has decided, when nobody did in time, or with the end of the attempt. */
  #whenDecided(callId: string): Promise<void> {
    const call = callOf(this.#record.turn, callId);
    const { clock, signal } = this.#host;
    if (call === undefined || !isUndecided(call) || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        // Somebody is deciding just now: that counts, if it is stored.
        if (this.#settling.has(callId) && !signal.aborted) return;
        takeBack();
        signal.removeEventListener('abort', wake);
        this.#waiting.delete(callId);
        resolve();
      };
      const takeBack = clock.after(this.#leftMs(call), wake);
      signal.addEventListener('abort', wake, { once: true });
      this.#waiting.set(callId, wake);
    });
  }

  /** Milliseconds that a call may still wait for people. */
  #leftMs({ askedAt }: TurnCall): number {
    const { clock, approvalMs } = this.#host;
    return Math.max((askedAt ?? clock.now()) + approvalMs - clock.now(), 0);
  }

  async #finish(callId: string, outcome: CallOutcome): Promise<void> {
    this.#ended.add(callId);
    if (callOf(this.#record.turn, callId)?.state !== 'done')
      await this.#write((turn) => withChanged(turn, callId, (call) => done(call, outcome)));
    this.#begun.get(callId)?.resolve(outcome);
    this.#tellOutcome(callId, outcome);
  }

  /** Durable, or the attempt is over. */
  async #write(change: (turn: Turn) => Turn): Promise<void> {
    const { signal } = this.#host;
    signal.throwIfAborted();
    const isOver = () => signal.aborted;
    const written = await this.#record.write(change, { isEnough: isOver, isVoid: isOver });
    signal.throwIfAborted();
    if (!written.ok)
      throw new Error('the record of a tool call could not be written', { cause: written.failure });
  }

  #unlessOver<T>(promise: Promise<T>): Promise<T> {
    const { signal } = this.#host;
    return new Promise((resolve, reject) => {
      const over = () => reject(signal.reason);
      signal.addEventListener('abort', over, { once: true });
      const settle = (value: T) => {
        signal.removeEventListener('abort', over);
        resolve(value);
      };
      promise.then(settle, reject);
    });
  }

  #tellCall({ callId, name, args, needsApproval }: TurnCall): void {
    const { id: turnId } = this.#record.turn;
    this.#tell({ kind: 'turn.tool_call', turnId, callId, name, args, needsApproval });
  }

  #tellOutcome(callId: string, outcome: CallOutcome): void {
    const { id: turnId } = this.#record.turn;
    const name = callOf(this.#record.turn, callId)?.name ?? '';
    this.#tell({ kind: 'turn.tool_result', turnId, callId, name, ...outcome });
  }

  #tell(notice: Notice): void {
    if (!this.#host.signal.aborted) this.#host.notify(notice);
  }
}

const EXPIRED: CallOutcome = {
  error: 'nobody decided in time, so it was not done',
  durationMs: 0,
};
const DECIDED = { message: 'This tool call was decided already, or has expired.' };

function withDecision(turn: Turn, callId: string, decision: TurnDecision): Turn {
  return withChanged(turn, callId, (call) => {
    const next = { ...call, decision };
    if (decision.verdict === 'approve') return next;
    const { reason } = decision;
    const error = reason === undefined ? 'rejected by a person' : `rejected by a person: ${reason}`;
    return done(next, { error, durationMs: 0 });
  });
}

function decisionDraft(
  turn: Turn,
  {
    by,
    key,
    callId,
    decision,
  }: { by: Author; key: string | null; callId: string; decision: TurnDecision },
): Unsettled<Draft> {
  const { verdict, reason } = decision;
  const body = encodeBody('turn.decided', {
    turn_id: turn.id,
    call_id: callId,
    decision: verdict,
    ...(reason === undefined ? {} : { reason }),
  });
  return { kind: 'turn.decided', author: by, key, body, turn };
}

function later<T>(): Later<T> {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
