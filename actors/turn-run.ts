import type { TurnEvent } from '../machines/turn.ts';
import { turnChart } from '../machines/turn.ts';
import { encodeBody, type Usage } from '../src/domain/event.ts';
import { isRetryable } from '../src/domain/failure.ts';
import type { Message } from '../src/domain/message.ts';
import type { Author } from '../src/domain/participant.ts';
import { type EndState, isOver, type Turn, type TurnError } from '../src/domain/turn.ts';
import {
  type Agent,
  type AgentChunk,
  AgentFailure,
  type CallBegin,
  type CallPermit,
  type TurnTools,
} from './agent-port.ts';
import type { Clock } from './clock.ts';
import type { Draft, MessageDraft, Outcome, Unsettled } from './draft.ts';
import type { Notice, TurnSnapshot } from './outlet.ts';
import { agentError, lost, publicError, tooLong } from './turn-errors.ts';
import { untilAborted } from './until-aborted.ts';

export interface TurnLimits {
  /** Milliseconds one turn may take, all attempts together. */
  readonly deadlineMs: number;
  /** Characters of an answer; what comes after is cut off. */
  readonly maxAnswerChars: number;
  /** Milliseconds that tokens are gathered before they go out as one delta. */
  readonly deltaMs: number;
}

/** What a turn needs of its conversation. */
export interface TurnHost {
  readonly agent: Agent;
  readonly clock: Clock;
  /** The name of this server among those that share the store; absent where there are no others. */
  readonly runner: string | undefined;
  readonly limits: TurnLimits;
  readonly notify: (notice: Notice) => void;
  /** Makes a draft durable; the outcome comes after its event was given to everyone. */
  readonly commit: (draft: Unsettled<Draft>) => Promise<Outcome>;
  /** The newest messages up to `upToSeq`, or up to now, ascending. Throws when the store does not answer. */
  readonly messages: (page: { limit: number; upToSeq?: number }) => Promise<readonly Message[]>;
  readonly onEnded: (state: EndState, tookMs: number) => void;
  readonly onError: (turn: Turn, cause: unknown) => void;
}

/** Attempts that a turn gets over crashes: cut off twice, it ends as failed. */
const MAX_ATTEMPTS = 2;
/** Milliseconds between tries to write into a conversation that is full or without storage, if not told. */
const RETRY_MS = 1_000;

const ENDING = { cancelled: 'CANCEL', superseded: 'SUPERSEDE', failed: 'FAIL' } as const;

/** Why a running turn is told to stop. */
export type Stop = 'cancelled' | 'superseded' | 'deadline' | 'cut_off';

/**
 * One turn while it runs. Owns its record, its text and its deltas. Does not own: the log, which it writes by
 * drafts like everybody, and the model.
 * Invariants: U1. An attempt is durable before the agent is asked. U2. It has one end: durable, then told; however long
 * the store is away, unless the process ends first, or the conversation does.
 * U3. Nothing of an attempt is told after its end, or after the next attempt began. U4. `text` is what the deltas said.
 */
export class TurnRun {
  readonly #host: TurnHost;
  readonly #abort = new AbortController();
  readonly #isStopped = () => this.#stop !== undefined;
  #turn: Turn;
  #text = '';
  #nextIndex = 0;
  #usage: Usage | null = null;
  #stop: Stop | undefined;
  #isCutOff = false;
  #pending = '';
  /** The answer is as long as it may be. */
  #isFull = false;
  #takeBackFlush: (() => void) | undefined;

  constructor(turn: Turn, host: TurnHost) {
    // What an earlier process was in the middle of begins again.
    this.#turn = { ...turn, state: turnChart.initial };
    this.#host = host;
  }

  get turn(): Turn {
    return this.#turn;
  }

  snapshot(): TurnSnapshot {
    const { id: turnId, attempt, agentId: id, agentName: name, triggerSeq, state } = this.#turn;
    return {
      turnId,
      attempt,
      agent: { id, name },
      triggerSeq,
      state,
      text: this.#text,
      nextIndex: this.#nextIndex,
    };
  }

  stop(why: Stop): void {
    this.#stop ??= why;
    this.#isCutOff ||= why === 'cut_off';
    this.#abort.abort();
  }

  /** Resolves when it has ended, or was cut off. */
  async run(): Promise<void> {
    const { clock, limits } = this.#host;
    if (this.#turn.attempt >= MAX_ATTEMPTS) return this.end('failed', lost);
    this.#step('START');
    const startedAt = this.#turn.startedAt ?? clock.now();
    this.#turn = { ...this.#turn, attempt: this.#turn.attempt + 1, startedAt, ...this.#lease(0) };
    const begun = await this.#write(this.#isStopped);
    if (!begun.ok && this.#stop === undefined)
      return this.end('failed', publicError(begun.failure));
    if (this.#stop === undefined) this.#announce();
    const takeBack = clock.after(limits.deadlineMs, () => this.stop('deadline'));
    try {
      await this.#answer();
    } finally {
      takeBack();
      this.#takeBackFlush?.();
    }
  }

  /** Says in the record that it lives. */
  async renew(): Promise<void> {
    const { state, lease } = this.#turn;
    if (isOver(state) || state === 'committing') return;
    this.#turn = { ...this.#turn, ...this.#lease((lease?.renewals ?? 0) + 1) };
    // The next renewal is its next try.
    await this.#write(() => true);
  }

  /** Ends it without an answer: durable, then told. */
  async end(state: Exclude<EndState, 'completed'>, error: TurnError | null): Promise<void> {
    this.#takeBackFlush?.();
    this.#step(ENDING[state]);
    const endedAt = this.#host.clock.now();
    this.#turn = { ...this.#turn, endedAt, error, usage: this.#usage };
    const written = await this.#write(() => this.#isCutOff);
    if (!written.ok) this.#host.onError(this.#turn, written.failure);
    if (this.#isCutOff && !written.ok) return;
    this.#tellEnd(state, { seq: null, error });
  }

  async #answer(): Promise<void> {
    try {
      for await (const chunk of untilAborted(this.#chunks(), this.#abort.signal)) {
        if (this.#stop !== undefined) break;
        if (chunk.type === 'done') return await this.#finish(chunk);
        this.#take(chunk);
        if (this.#isFull) {
          this.#abort.abort();
          return await this.#finish({ type: 'done' });
        }
      }
      if (this.#stop === undefined) throw new Error('the agent stopped without an end');
    } catch (cause) {
      if (this.#stop === undefined) {
        this.#host.onError(this.#turn, cause);
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
      case 'deadline':
        return this.end('failed', tooLong(this.#host.limits.deadlineMs));
      default:
        return;
    }
  }

  async *#chunks(): AsyncIterable<AgentChunk> {
    const { conversationId, id: turnId, agentId, agentName, triggerSeq } = this.#turn;
    const { steps = [], askedBy = [] } = this.#turn;
    const about = { conversationId, turnId, agentId, agentName, triggerSeq, steps, askedBy };
    const tools: TurnTools = { begin: (call) => this.#begin(call), end: async () => {} };
    const history = (limit: number) => this.#history(limit);
    yield* this.#host.agent.answer({ ...about, history, tools }, this.#abort.signal);
  }

  /** What the agent sees: all up to its trigger, and its own answers since, the trigger last. */
  async #history(limit: number): Promise<readonly Message[]> {
    const { triggerSeq, agentId } = this.#turn;
    const before = await this.#host.messages({ limit, upToSeq: triggerSeq });
    const trigger = before.filter(({ event }) => event.seq === triggerSeq);
    if (trigger.length === 0)
      throw new AgentFailure('trimmed', 'The message to answer is no longer in the log.');
    const newest = await this.#host.messages({ limit });
    const answers = newest.filter(
      ({ event }) => event.seq > triggerSeq && event.author.id === agentId,
    );
    const others = [...before.filter(({ event }) => event.seq < triggerSeq), ...answers];
    return [...others.slice(Math.max(others.length + trigger.length - limit, 0)), ...trigger];
  }

  async #begin({ callId, name, args, needsApproval }: CallBegin): Promise<CallPermit> {
    const { id: turnId } = this.#turn;
    this.#host.notify({ kind: 'turn.tool_call', turnId, callId, name, args, needsApproval });
    return { kind: 'run' };
  }

  #take(chunk: Exclude<AgentChunk, { type: 'done' }>): void {
    switch (chunk.type) {
      case 'delta':
        this.#delta(chunk.text);
        break;
      case 'restarted':
        this.#restart();
        break;
      case 'usage':
        this.#usage = chunk.usage;
        break;
      default:
        chunk satisfies never;
    }
  }

  /** The first token goes out at once, those after it a few milliseconds' worth at a time. */
  #delta(delta: string): void {
    const room = this.#host.limits.maxAnswerChars - this.#text.length - this.#pending.length;
    this.#isFull = delta.length >= room;
    const text = cut(delta, room);
    if (text === '') return;
    const isFirst = this.#text === '' && this.#pending === '';
    this.#pending += text;
    if (isFirst) {
      this.#step('DELTA');
      this.#flush();
    } else {
      const { clock, limits } = this.#host;
      this.#takeBackFlush ??= clock.after(limits.deltaMs, () => this.#flush());
    }
  }

  #flush(): void {
    this.#takeBackFlush?.();
    this.#takeBackFlush = undefined;
    const text = this.#pending;
    if (text === '' || this.#stop !== undefined) return;
    this.#pending = '';
    this.#text += text;
    const { id: turnId, attempt } = this.#turn;
    const index = this.#nextIndex;
    this.#nextIndex += 1;
    this.#host.notify({ kind: 'turn.delta', turnId, attempt, index, text });
  }

  #restart(): void {
    this.#takeBackFlush?.();
    this.#takeBackFlush = undefined;
    this.#step('RESTART');
    this.#turn = { ...this.#turn, attempt: this.#turn.attempt + 1 };
    this.#text = '';
    this.#pending = '';
    this.#isFull = false;
    this.#nextIndex = 0;
    this.#usage = null;
    this.#announce();
  }

  #announce(): void {
    const { id: turnId, agentId: id, agentName: name, triggerSeq, attempt } = this.#turn;
    this.#host.notify({ kind: 'turn.started', turnId, agent: { id, name }, triggerSeq, attempt });
  }

  /** Puts the answer into the log, together with the end of the turn. */
  async #finish({ citations }: AgentChunk & { type: 'done' }): Promise<void> {
    this.#flush();
    if (this.#text === '') {
      const empty = new AgentFailure('agent_unavailable', 'The agent gave no answer.');
      return this.end('failed', agentError(empty));
    }
    this.#step('DONE');
    const outcome = await this.#commitPatiently(this.#finalDraft(citations), this.#isStopped);
    if (!outcome.ok) return this.end('failed', publicError(outcome.failure));
    this.#step('COMMITTED');
    this.#tellEnd('completed', { seq: outcome.value.seq, error: null });
  }

  #finalDraft(citations: (AgentChunk & { type: 'done' })['citations']): Unsettled<MessageDraft> {
    const usage = this.#usage;
    const endedAt = this.#host.clock.now();
    const content = this.#text;
    return {
      kind: 'message',
      author: this.#author(),
      // An answer is stored once, whatever becomes of the connection to the store.
      key: this.#turn.id,
      content,
      body: encodeBody('message', {
        content,
        reply_to: this.#turn.triggerSeq,
        turn_id: this.#turn.id,
        ...(usage === null ? {} : { usage }),
        ...(citations === undefined ? {} : { citations }),
      }),
      ends: { ...this.#turn, state: 'completed', endedAt, usage },
    };
  }

  /**
   * What a turn has to write is worth some waiting: a full mailbox and a store that is away pass, and what may have
   * been stored is asked for again by its key. `isEnough` says when to wait no longer.
   */
  async #commitPatiently(draft: Unsettled<Draft>, isEnough: () => boolean): Promise<Outcome> {
    for (;;) {
      const outcome = await this.#host.commit(draft);
      if (outcome.ok || isEnough()) return outcome;
      if (!isRetryable(outcome.failure.reason)) return outcome;
      const waitMs = outcome.failure.retryAfterMs ?? RETRY_MS;
      await new Promise<void>((resolve) => this.#host.clock.after(waitMs, resolve));
    }
  }

  #tellEnd(state: EndState, end: { seq: number | null; error: TurnError | null }): void {
    const { id: turnId, attempt, startedAt, createdAt } = this.#turn;
    this.#host.notify({ kind: 'turn.ended', turnId, attempt, state, usage: this.#usage, ...end });
    this.#host.onEnded(state, this.#host.clock.now() - (startedAt ?? createdAt));
  }

  /** Writes the record as it is now. */
  #write(isEnough: () => boolean): Promise<Outcome> {
    const draft = { kind: 'turn', author: this.#author(), key: null, turn: this.#turn } as const;
    return this.#commitPatiently(draft, isEnough);
  }

  #lease(renewals: number): Pick<Turn, 'lease'> {
    const { runner } = this.#host;
    return runner === undefined ? {} : { lease: { runner, renewals } };
  }

  #author(): Author {
    return { id: this.#turn.agentId, name: this.#turn.agentName, kind: 'agent' };
  }

  #step(event: TurnEvent): void {
    const next = turnChart.next(this.#turn.state, event);
    if (next === undefined) throw new Error(`${event} in a turn that is ${this.#turn.state}`);
    this.#turn = { ...this.#turn, state: next };
  }
}

/** The first `room` characters, and no half of one that takes two. */
function cut(text: string, room: number): string {
  if (text.length <= room) return text;
  const splits = /[\uD800-\uDBFF]/.test(text.charAt(room - 1));
  return text.slice(0, splits ? room - 1 : room);
}
