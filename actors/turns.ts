import { type TurnEvent, turnChart } from '../machines/turn.ts';
import type { Usage } from '../src/domain/event.ts';
import { encodeBody } from '../src/domain/event.ts';
import { type Failure, failure, statusOf } from '../src/domain/failure.ts';
import type { TurnId } from '../src/domain/ids.ts';
import type { Message } from '../src/domain/message.ts';
import type { Author } from '../src/domain/participant.ts';
import { type EndState, isOver, type Turn, type TurnError } from '../src/domain/turn.ts';
import { type Agent, type AgentChunk, AgentFailure } from './agent-port.ts';
import type { Clock } from './clock.ts';
import type { Draft, Outcome, Unsettled } from './draft.ts';
import type { Notice, TurnSnapshot } from './outlet.ts';

export interface TurnLimits {
  /** Milliseconds one turn may take, all attempts together. */
  readonly deadlineMs: number;
  /** Characters of an answer; what comes after is cut off. */
  readonly maxAnswerChars: number;
  /** Milliseconds that tokens are gathered before they go out as one delta. */
  readonly deltaMs: number;
}

/** What the turns need of their conversation. */
export interface TurnHost {
  readonly agent: Agent;
  readonly clock: Clock;
  readonly limits: TurnLimits;
  readonly notify: (notice: Notice) => void;
  /** Makes a draft durable; the outcome comes after its event was given to everyone. */
  readonly commit: (draft: Unsettled<Draft>) => Promise<Outcome>;
  /** The newest messages of the conversation up to now, ascending. Throws when the store does not answer. */
  readonly messages: (limit: number) => Promise<readonly Message[]>;
  readonly onEnded: (state: EndState, tookMs: number) => void;
  readonly onError: (turn: Turn, cause: unknown) => void;
}

/** Attempts that a turn gets over crashes: cut off twice, it ends as failed. */
const MAX_ATTEMPTS = 2;
/** Tries to put a final message into a conversation that is full or without storage. */
const MAX_COMMITS = 20;

/** Why a running turn is told to stop. */
type Stop = 'cancelled' | 'superseded' | 'deadline' | 'cut_off';

interface Running {
  turn: Turn;
  text: string;
  nextIndex: number;
  usage: Usage | null;
  readonly abort: AbortController;
  stop: Stop | undefined;
  pending: string;
  takeBackFlush: (() => void) | undefined;
}

/**
 * The turns of the agent in one conversation, one at a time, in the order they were asked for.
 *
 * Owns: the queue and the running turn. Does not own: the log (it sends drafts like everybody) or the model.
 * Invariants: T1. One turn runs. T2. An attempt is durable before it is asked of the agent. T3. A turn has
 * one end: durable, then told. T4. Nothing of an attempt is told after the end, or after the next attempt began.
 */
export class Turns {
  readonly #host: TurnHost;
  readonly #queue: Turn[] = [];
  #running: Running | undefined;
  #idle: (() => void) | undefined;
  #isStopped = false;

  constructor(host: TurnHost) {
    this.#host = host;
  }

  /** Turns that have not ended. */
  get open(): number {
    return this.#queue.length + (this.#running === undefined ? 0 : 1);
  }

  /** Takes turns that were written down as queued. */
  enqueue(turns: readonly Turn[]): void {
    this.#queue.push(...turns);
    this.#next();
  }

  /** Takes turns that an earlier process did not finish. */
  recover(turns: readonly Turn[]): void {
    this.enqueue(turns.filter((turn) => !isOver(turn.state)));
  }

  snapshots(): TurnSnapshot[] {
    const running = this.#running;
    return running === undefined ? [] : [snapshot(running)];
  }

  /** Undefined when it was told to stop; why not otherwise. The end is told as `turn.ended`. */
  cancel(id: TurnId): Failure | undefined {
    const running = this.#running;
    if (running?.turn.id === id) {
      if (running.turn.state === 'committing') return failure('turn_over');
      this.#stop(running, 'cancelled');
      return undefined;
    }
    const at = this.#queue.findIndex((turn) => turn.id === id);
    const [queued] = at === -1 ? [] : this.#queue.splice(at, 1);
    if (queued === undefined) return failure('turn_not_found');
    void this.#end(fresh(queued), 'cancelled', null);
    return undefined;
  }

  /** Something newer takes the place of the turn that runs. */
  supersedeRunning(): void {
    if (this.#running !== undefined) this.#stop(this.#running, 'superseded');
  }

  /** Something newer takes the place of the turns that wait. */
  supersedeQueued(): void {
    for (const turn of this.#queue.splice(0)) void this.#end(fresh(turn), 'superseded', null);
  }

  /** Resolves when no turn is open, or right after `cutOff`. */
  whenIdle(): Promise<void> {
    return new Promise((resolve) => {
      if (this.open === 0 || this.#isStopped) resolve();
      else this.#idle = resolve;
    });
  }

  /** Stops at once and writes nothing: the next process finds the turn unfinished and runs it again. */
  cutOff(): void {
    this.#isStopped = true;
    this.#queue.length = 0;
    if (this.#running !== undefined) this.#stop(this.#running, 'cut_off');
    this.#idle?.();
  }

  #next(): void {
    if (this.#running !== undefined || this.#isStopped) return;
    const turn = this.#queue.shift();
    if (turn === undefined) {
      this.#idle?.();
      return;
    }
    this.#running = fresh(turn);
    this.#run(this.#running)
      .catch((cause) => this.#host.onError(turn, cause))
      .finally(() => {
        this.#running = undefined;
        this.#next();
      });
  }

  async #run(running: Running): Promise<void> {
    const { clock, limits } = this.#host;
    if (running.turn.attempt >= MAX_ATTEMPTS) {
      return this.#end(running, 'failed', lost);
    }
    this.#step(running, 'START');
    running.turn = {
      ...running.turn,
      attempt: running.turn.attempt + 1,
      startedAt: running.turn.startedAt ?? clock.now(),
    };
    const begun = await this.#write(running.turn);
    if (!begun.ok) return this.#end(running, 'failed', publicError(begun.failure));
    if (running.stop === undefined) this.#announce(running);
    const takeBack = clock.after(limits.deadlineMs, () => this.#stop(running, 'deadline'));
    try {
      await this.#answer(running);
    } finally {
      takeBack();
      running.takeBackFlush?.();
    }
  }

  async #answer(running: Running): Promise<void> {
    try {
      for await (const chunk of untilAborted(this.#chunks(running), running.abort.signal)) {
        if (running.stop !== undefined) break;
        if (chunk.type === 'done') {
          this.#flushDelta(running);
          return await this.#finish(running, chunk);
        }
        this.#take(running, chunk);
        if (running.text.length >= this.#host.limits.maxAnswerChars) {
          this.#flushDelta(running);
          running.abort.abort();
          return await this.#finish(running, { type: 'done' });
        }
      }
      if (running.stop === undefined) throw new Error('the agent stopped without an end');
    } catch (cause) {
      if (running.stop === undefined) {
        this.#host.onError(running.turn, cause);
        return this.#end(running, 'failed', agentError(cause));
      }
    }
    switch (running.stop) {
      case 'cancelled':
      case 'superseded':
        return this.#end(running, running.stop, null);
      case 'deadline':
        return this.#end(running, 'failed', tooLong(this.#host.limits.deadlineMs));
      default:
        return;
    }
  }

  async *#chunks(running: Running): AsyncIterable<AgentChunk> {
    const { turn, abort } = running;
    if (running.stop !== undefined) return;
    const input = {
      conversationId: turn.conversationId,
      turnId: turn.id,
      agentId: turn.agentId,
      agentName: turn.agentName,
      triggerSeq: turn.triggerSeq,
      history: (limit: number) => this.#history(turn, limit),
    };
    yield* this.#host.agent.answer(input, abort.signal);
  }

  /** What the agent sees: all up to its trigger, and its own answers since, the trigger last. */
  async #history(turn: Turn, limit: number): Promise<readonly Message[]> {
    const all = await this.#host.messages(limit);
    const trigger = all.find(({ event }) => event.seq === turn.triggerSeq);
    const others = all.filter(
      ({ event }) =>
        event.seq < turn.triggerSeq ||
        (event.seq > turn.triggerSeq && event.author.id === turn.agentId),
    );
    return trigger === undefined ? others : [...others, trigger];
  }

  #take(running: Running, chunk: Exclude<AgentChunk, { type: 'done' }>): void {
    const { id: turnId } = running.turn;
    switch (chunk.type) {
      case 'delta':
        return this.#delta(running, chunk.text);
      case 'restarted':
        return this.#restart(running);
      case 'usage':
        running.usage = chunk.usage;
        return;
      case 'tool_call': {
        this.#flushDelta(running);
        const { callId, name, args } = chunk;
        this.#host.notify({
          kind: 'turn.tool_call',
          turnId,
          callId,
          name,
          args,
          needsApproval: false,
        });
        return;
      }
      case 'tool_result': {
        const { type: _, ...result } = chunk;
        this.#host.notify({ kind: 'turn.tool_result', turnId, ...result });
        return;
      }
      default:
        chunk satisfies never;
    }
  }

  #delta(running: Running, text: string): void {
    if (text === '') return;
    const isFirst = running.text === '' && running.pending === '';
    if (isFirst) this.#step(running, 'DELTA');
    running.pending += text;
    if (isFirst) this.#flushDelta(running);
    else {
      running.takeBackFlush ??= this.#host.clock.after(this.#host.limits.deltaMs, () =>
        this.#flushDelta(running),
      );
    }
  }

  /** Sends what was gathered. `text` grows only here: it is what the deltas said. */
  #flushDelta(running: Running): void {
    running.takeBackFlush?.();
    running.takeBackFlush = undefined;
    const text = running.pending;
    if (text === '' || running.stop !== undefined) return;
    running.pending = '';
    const { id: turnId, attempt } = running.turn;
    const index = running.nextIndex;
    running.text += text;
    running.nextIndex += 1;
    this.#host.notify({ kind: 'turn.delta', turnId, attempt, index, text });
  }

  #restart(running: Running): void {
    running.takeBackFlush?.();
    running.takeBackFlush = undefined;
    this.#step(running, 'RESTART');
    running.turn = { ...running.turn, attempt: running.turn.attempt + 1 };
    running.text = '';
    running.pending = '';
    running.nextIndex = 0;
    running.usage = null;
    this.#announce(running);
  }

  #announce({ turn }: Running): void {
    this.#host.notify({
      kind: 'turn.started',
      turnId: turn.id,
      agent: { id: turn.agentId, name: turn.agentName },
      triggerSeq: turn.triggerSeq,
      attempt: turn.attempt,
    });
  }

  async #finish(running: Running, done: AgentChunk & { type: 'done' }): Promise<void> {
    if (running.text === '') {
      return this.#end(
        running,
        'failed',
        agentError(new AgentFailure('agent_unavailable', 'The agent gave no answer.')),
      );
    }
    this.#step(running, 'DONE');
    const { turn, text, usage } = running;
    const ends: Turn = { ...turn, state: 'completed', endedAt: this.#host.clock.now(), usage };
    const body = encodeBody('message', {
      content: text,
      turn_id: turn.id,
      reply_to: turn.triggerSeq,
      ...(usage === null ? {} : { usage }),
      ...(done.citations === undefined ? {} : { citations: done.citations }),
    });
    const draft = {
      kind: 'message',
      author: author(turn),
      key: turn.id,
      content: text,
      body,
      ends,
    } as const;
    const outcome = await this.#commitPatiently(running, draft);
    if (!outcome.ok) return this.#end(running, 'failed', publicError(outcome.failure));
    this.#step(running, 'COMMITTED');
    this.#tellEnd(running, 'completed', outcome.value.seq, null);
  }

  /** The answer is worth some waiting: a full mailbox and a store that is away pass. */
  async #commitPatiently(
    running: Running,
    draft: Parameters<TurnHost['commit']>[0],
  ): Promise<Outcome> {
    for (let tries = 1; ; tries += 1) {
      const outcome = await this.#host.commit(draft);
      if (outcome.ok || tries === MAX_COMMITS || this.#isStopped) return outcome;
      const { retryAfterMs } = outcome.failure;
      if (retryAfterMs === undefined || running.stop !== undefined) return outcome;
      await new Promise<void>((resolve) => this.#host.clock.after(retryAfterMs, resolve));
    }
  }

  async #end(
    running: Running,
    state: Exclude<EndState, 'completed'>,
    error: TurnError | null,
  ): Promise<void> {
    running.takeBackFlush?.();
    running.turn = {
      ...running.turn,
      state,
      endedAt: this.#host.clock.now(),
      error,
      usage: running.usage,
    };
    const written = await this.#write(running.turn);
    if (!written.ok) this.#host.onError(running.turn, written.failure);
    this.#tellEnd(running, state, null, error);
  }

  #tellEnd(running: Running, state: EndState, seq: number | null, error: TurnError | null): void {
    const { turn, usage } = running;
    this.#host.notify({
      kind: 'turn.ended',
      turnId: turn.id,
      attempt: turn.attempt,
      state,
      seq,
      usage,
      error,
    });
    this.#host.onEnded(state, this.#host.clock.now() - (turn.startedAt ?? turn.createdAt));
  }

  #write(turn: Turn): Promise<Outcome> {
    return this.#host.commit({ kind: 'turn', author: author(turn), key: null, turn });
  }

  #step(running: Running, event: TurnEvent): void {
    const next = turnChart.next(running.turn.state, event);
    if (next === undefined) throw new Error(`${event} in a turn that is ${running.turn.state}`);
    running.turn = { ...running.turn, state: next };
  }

  #stop(running: Running, why: Stop): void {
    running.stop ??= why;
    running.abort.abort();
  }
}

/** Ends with the abort, also when the source does not: an agent that ignores its signal holds up nobody. */
async function* untilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncIterable<T> {
  const iterator = source[Symbol.asyncIterator]();
  let wake = () => {};
  const aborted = new Promise<undefined>((resolve) => {
    wake = () => resolve(undefined);
  });
  signal.addEventListener('abort', wake, { once: true });
  try {
    while (!signal.aborted) {
      const next = iterator.next();
      const result = await Promise.race([next, aborted]);
      if (result === undefined) next.catch(() => {});
      if (result === undefined || result.done === true) return;
      yield result.value;
    }
  } finally {
    signal.removeEventListener('abort', wake);
    iterator.return?.().catch(() => {});
  }
}

function fresh(turn: Turn): Running {
  return {
    // What an earlier process was in the middle of begins again.
    turn: { ...turn, state: turnChart.initial },
    text: '',
    nextIndex: 0,
    usage: null,
    abort: new AbortController(),
    stop: undefined,
    pending: '',
    takeBackFlush: undefined,
  };
}

function author(turn: Turn): Author {
  return { id: turn.agentId, name: turn.agentName, kind: 'agent' };
}

function snapshot({ turn, text, nextIndex }: Running): TurnSnapshot {
  return {
    turnId: turn.id,
    attempt: turn.attempt,
    agent: { id: turn.agentId, name: turn.agentName },
    triggerSeq: turn.triggerSeq,
    state: turn.state,
    text,
    nextIndex,
  };
}

const lost: TurnError = {
  code: statusOf('agent_unavailable'),
  reason: 'agent_unavailable',
  message: 'The server was stopped twice in the middle of this answer.',
};

function tooLong(deadlineMs: number): TurnError {
  return {
    code: statusOf('agent_unavailable'),
    reason: 'agent_unavailable',
    message: `The agent took longer than ${deadlineMs} ms.`,
  };
}

function publicError({ reason, message }: Failure): TurnError {
  return { code: statusOf(reason), reason, message };
}

/** Only what an agent says for people leaves the process. */
function agentError(cause: unknown): TurnError {
  if (cause instanceof AgentFailure) {
    return { code: statusOf(cause.reason), reason: cause.reason, message: cause.message };
  }
  return publicError(failure('internal', { message: 'The agent broke down.' }));
}
