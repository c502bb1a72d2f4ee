import type { Failure } from '../src/domain/failure.ts';
import type { Result } from '../src/domain/result.ts';
import { type EndState, isOver, type Turn, type TurnError } from '../src/domain/turn.ts';
import { type Agent, type AgentChunk, AgentFailure } from './agent-port.ts';
import { Deadline } from './deadline.ts';
import type { MessageDraft, Unsettled } from './draft.ts';
import type { TurnSnapshot } from './outlet.ts';
import { answerDraft, type More } from './turn-answer.ts';
import { type Decision, TurnCalls } from './turn-calls.ts';
import { agentError, lost, noAgent, publicError, tooLong } from './turn-errors.ts';
import { historyOf } from './turn-history.ts';
import type { TurnHost } from './turn-host.ts';
import { TurnRecord } from './turn-record.ts';
import { allCalls, isUndecided, withClosed, withInterrupted } from './turn-steps.ts';
import { TurnText } from './turn-text.ts';
import { untilAborted } from './until-aborted.ts';

/** Attempts that a turn gets over crashes: cut off twice, it ends as failed. */
const MAX_ATTEMPTS = 2;

/** Made once: with its stack it costs as much as some tokens. */
const OVER = new DOMException('The attempt is over.', 'AbortError');

const ENDING = { cancelled: 'CANCEL', superseded: 'SUPERSEDE', failed: 'FAIL' } as const;
type Unanswered = keyof typeof ENDING;

/** Why a running turn is told to stop. `interrupted`: as `superseded`, but what was shown is kept. */
export type Stop = 'cancelled' | 'superseded' | 'interrupted' | 'deadline' | 'cut_off';

/**
 * One turn while it runs. Owns: what it was told to do, and its one end. Does not own: its record (`TurnRecord`), its
 * text and deltas (`TurnText`), its tool calls (`TurnCalls`), the log, which it writes by drafts like everybody, and
 * the model.
 * Invariants: U1. An attempt is durable before the agent is asked. U2. It has one end: durable, then told; however long
 * the store is away, unless the process ends first, or the conversation does.
 * U3. Nothing of an attempt is told after its end, or after the next attempt began. U4. What it says in the log is what
 * the deltas of its last attempt said.
 */
export class TurnRun {
  readonly #host: TurnHost;
  readonly #record: TurnRecord;
  readonly #text: TurnText;
  readonly #calls: TurnCalls;
  readonly #abort = new AbortController();
  /** No call is begun or ended any more: before the end is written, so that no call comes behind it. */
  readonly #callsOver = new AbortController();
  readonly #isStopped = () => this.#stop !== undefined;
  readonly #isPatient: boolean;
  /** Its attempt was written down with what asked for it. */
  readonly #isBegun: boolean;
  #deadline: Deadline | undefined;
  #stop: Stop | undefined;
  #isCutOff = false;
  #isAnnounced = false;

  constructor(turn: Turn, host: TurnHost, isBegun = false) {
    this.#host = host;
    this.#isPatient = allCalls(turn).some(isUndecided);
    this.#isBegun = isBegun;
    // What an earlier process was in the middle of begins again.
    const known: Turn = isBegun ? turn : { ...withInterrupted(turn), state: 'queued' };
    this.#record = new TurnRecord(known, host);
    this.#text = new TurnText({
      clock: host.clock,
      ...host.limits,
      isOver: this.#isStopped,
      onText: () => {
        if (this.turn.state === 'thinking') this.#record.step('DELTA');
      },
      tell: (index, text) => {
        const { id: turnId, attempt } = this.turn;
        host.notify({ kind: 'turn.delta', turnId, attempt, index, text });
      },
    });
    this.#calls = new TurnCalls(this.#record, {
      clock: host.clock,
      approvalMs: host.limits.approvalMs,
      notify: host.notify,
      signal: this.#callsOver.signal,
      flush: () => this.#text.flush(),
      lookWhoseItIs: () => this.#lookWhoseItIs(),
      onWaiting: (isWaiting) => this.#onWaiting(isWaiting),
    });
  }

  get turn(): Turn {
    return this.#record.turn;
  }

  /** Its attempt was told, and its end was not: who comes now is to be shown it. */
  get isShown(): boolean {
    return this.#isAnnounced && !isOver(this.turn.state);
  }

  /** It waits for people, who may take their time. */
  get isWaiting(): boolean {
    return this.turn.state === 'awaiting_approval';
  }

  snapshot(): TurnSnapshot {
    const { id: turnId, attempt, agentId: id, agentName: name, triggerSeq, state } = this.turn;
    return {
      turnId,
      attempt,
      agent: { id, name },
      triggerSeq,
      state,
      text: this.#text.shown,
      nextIndex: this.#text.nextIndex,
      calls: allCalls(this.turn),
    };
  }

  stop(why: Stop): void {
    this.#stop ??= why;
    this.#isCutOff ||= why === 'cut_off';
    this.#callsOver.abort(OVER);
    this.#abort.abort();
  }

  decide(decision: Decision): Promise<Result<void, Failure>> {
    return this.#calls.decide(decision);
  }

  /** Resolves when it has ended, or was cut off. */
  async run(): Promise<void> {
    const { clock, limits, agent } = this.#host;
    if (agent === undefined) return this.end('failed', noAgent);
    // Who asked is told first that the message is stored: that is done before a promise comes back.
    const refused = await (this.#isBegun ? undefined : this.#begin());
    if (refused !== undefined) return this.end('failed', refused);
    if (this.#stop === undefined) this.#announce();
    this.#deadline = new Deadline(clock, limits.deadlineMs, () => this.stop('deadline'));
    try {
      await this.#answer(agent);
    } finally {
      this.#deadline.stop();
      this.#text.stop();
    }
  }

  /** Writes the attempt down (U1); why it can't begin otherwise. */
  async #begin(): Promise<TurnError | undefined> {
    const { attempt, patientAttempts = 0 } = this.turn;
    const patient = patientAttempts + (this.#isPatient ? 1 : 0);
    if (attempt - patient >= MAX_ATTEMPTS) return lost;
    this.#record.step('START');
    const startedAt = this.turn.startedAt ?? this.#host.clock.now();
    this.#record.set({ attempt: attempt + 1, startedAt, ...this.#lease(0) });
    if (patient > 0) this.#record.set({ patientAttempts: patient });
    const begun = await this.#write(this.#isStopped);
    return begun.ok || this.#stop !== undefined ? undefined : publicError(begun.failure);
  }

  /** Says in the record that it lives. */
  async renew(): Promise<void> {
    const { state, lease } = this.turn;
    if (isOver(state) || state === 'committing') return;
    this.#record.set(this.#lease((lease?.renewals ?? 0) + 1));
    // The next renewal is its next try.
    await this.#write(() => true);
  }

  /** Ends it without an answer: durable, then told. */
  async end(state: Unanswered, error: TurnError | null): Promise<void> {
    this.#text.stop();
    this.#callsOver.abort(OVER);
    this.#record.step(ENDING[state]);
    this.#record.set({ endedAt: this.#host.clock.now(), error });
    const written = await this.#record.write(withClosed, { isEnough: () => this.#isCutOff });
    if (!written.ok) this.#host.onError(this.turn, written.failure);
    if (this.#isCutOff && !written.ok) return;
    this.#tellEnd(state, null);
  }

  async #answer(agent: Agent): Promise<void> {
    try {
      for await (const chunk of untilAborted(this.#chunks(agent), this.#abort.signal)) {
        if (this.#stop !== undefined) break;
        if (chunk.type === 'done') return await this.#finish(chunk);
        this.#take(chunk);
        if (this.#text.isFull) {
          this.#abort.abort();
          return await this.#finish({ type: 'done' });
        }
      }
      if (this.#stop === undefined) throw new Error('the agent stopped without an end');
    } catch (cause) {
      if (this.#stop === undefined) {
        this.#host.onError(this.turn, cause);
        return this.end('failed', agentError(cause));
      }
    }
    return this.#stopped();
  }

  async #stopped(): Promise<void> {
    switch (this.#stop) {
      case 'cancelled':
      case 'superseded':
        return this.end(this.#stop, null);
      case 'interrupted':
        return this.#keepPart('superseded', null);
      case 'deadline':
        return this.#keepPart('failed', tooLong(this.#host.limits.deadlineMs));
      default:
        return;
    }
  }

  /** A generator: an agent is not asked before somebody listens. */
  async *#chunks(agent: Agent): AsyncIterable<AgentChunk> {
    const { conversationId, id: turnId, agentId, agentName, triggerSeq } = this.turn;
    const { steps = [], askedBy = [] } = this.turn;
    yield* agent.answer(
      {
        ...{ conversationId, turnId, agentId, agentName, triggerSeq, steps, askedBy },
        tools: this.#calls,
        history: (limit) => historyOf(this.turn, limit, this.#host.messages),
      },
      this.#abort.signal,
    );
  }

  #take(chunk: Exclude<AgentChunk, { type: 'done' }>): void {
    switch (chunk.type) {
      case 'delta':
        this.#text.add(chunk.text);
        return;
      case 'restarted':
        this.#restart();
        return;
      case 'usage':
        this.#record.set({ usage: chunk.usage });
        return;
      default:
        chunk satisfies never;
    }
  }

  #restart(): void {
    this.#text.clear();
    this.#goOn('RESTART');
    this.#record.set({ attempt: this.turn.attempt + 1, usage: null });
    this.#announce();
  }

  #announce(): void {
    this.#isAnnounced = true;
    const { id: turnId, agentId: id, agentName: name, triggerSeq, attempt } = this.turn;
    this.#host.notify({ kind: 'turn.started', turnId, agent: { id, name }, triggerSeq, attempt });
    this.#calls.announce();
  }

  /** An agent that goes on without the answer to its call waits no longer. */
  #goOn(event: 'DONE' | 'RESTART'): void {
    if (this.#record.can('DECIDED')) this.#record.step('DECIDED');
    this.#record.step(event);
  }

  #onWaiting(isWaiting: boolean): void {
    const event = isWaiting ? 'ASK' : 'DECIDED';
    if (this.#record.can(event)) this.#record.step(event);
    if (isWaiting) {
      this.#deadline?.pause();
      this.#host.onWaiting?.();
    } else if (this.#stop === undefined) this.#deadline?.resume();
  }

  /** Puts the answer into the log, together with the end of the turn. */
  async #finish({ citations, degraded }: AgentChunk & { type: 'done' }): Promise<void> {
    this.#text.flush();
    this.#callsOver.abort(OVER);
    if (this.#text.shown === '') {
      const empty = new AgentFailure('agent_unavailable', 'The agent gave no answer.');
      return this.end('failed', agentError(empty));
    }
    this.#goOn('DONE');
    const endedAt = this.#host.clock.now();
    const more = {
      ...(citations === undefined ? {} : { citations }),
      ...(degraded === undefined ? {} : ({ degraded: true, degraded_to: degraded } as const)),
    };
    const outcome = await this.#record.write(
      (turn) => withClosed({ ...turn, state: 'completed', endedAt }),
      {
        draft: (ends) => this.#draft(ends, more),
        isEnough: this.#isStopped,
      },
    );
    if (!outcome.ok) return this.end('failed', publicError(outcome.failure));
    this.#tellEnd('completed', outcome.value.seq);
  }

  /** Ends it with what was shown as a message that says it is a part, committed together. */
  async #keepPart(state: 'superseded' | 'failed', error: TurnError | null): Promise<void> {
    this.#text.stop();
    if (this.#text.shown === '') return this.end(state, error);
    const endedAt = this.#host.clock.now();
    const outcome = await this.#record.write(
      (turn) => withClosed({ ...turn, state, endedAt, error }),
      {
        draft: (ends) => this.#draft(ends, { partial: true }),
        isEnough: () => this.#isCutOff,
      },
    );
    if (outcome.ok) return this.#tellEnd(state, outcome.value.seq);
    if (!this.#isCutOff) return this.end(state, error);
  }

  #draft(ends: Turn, more: More): Unsettled<MessageDraft> {
    return answerDraft(ends, this.#text.shown, more);
  }

  #tellEnd(state: EndState, seq: number | null): void {
    const { id: turnId, attempt, startedAt, createdAt, usage, error } = this.turn;
    this.#host.notify({ kind: 'turn.ended', turnId, attempt, state, usage, seq, error });
    this.#host.onEnded(state, this.#host.clock.now() - (startedAt ?? createdAt));
  }

  async #lookWhoseItIs(): Promise<void> {
    const { runner, readRecord } = this.#host;
    if (runner === undefined) return;
    const stored = await readRecord(this.turn.id);
    const isTaken = stored?.lease !== undefined && stored.lease.runner !== runner;
    if (isTaken || (stored !== undefined && isOver(stored.state))) this.stop('cut_off');
  }

  /** Writes the record as it is now. */
  #write(isEnough: () => boolean) {
    return this.#record.write((turn) => turn, { isEnough });
  }

  #lease(renewals: number): Pick<Turn, 'lease'> {
    const { runner } = this.#host;
    return runner === undefined ? {} : { lease: { runner, renewals } };
  }
}
