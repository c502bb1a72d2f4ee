import { setTimeout } from 'k6/timers';
import { WebSocket } from 'k6/websockets';
import { now } from './clock.ts';
import { Follower } from './follower.ts';
import * as metrics from './metrics.ts';
import { Outbox, type Pending } from './outbox.ts';
import { TurnFollower, type TurnTimes } from './turn.ts';

/** Milliseconds before a connection that was lost is tried again, with as much again by chance. */
const RETRY_MS = 200;
/** From this code on a close is final: do not reconnect as you are. */
const FINAL_CLOSE = 4_400;
const NO_TAGS = {};

/** Of a frame of the server, what is looked at here. */
interface Frame {
  readonly type: string;
  readonly id?: string;
  readonly code?: number;
  readonly reason?: string;
  readonly retry_after_ms?: number;
  readonly token?: string;
  readonly seq?: number;
  readonly head_seq?: number;
  readonly kind?: string;
  readonly content?: string;
  readonly key?: string;
  readonly turn_id?: string;
  readonly state?: string;
  readonly attempt?: number;
  readonly index?: number;
  readonly text?: string;
  readonly next_index?: number;
  readonly usage?: { readonly output_tokens: number };
  readonly from?: { readonly kind: string };
}

export interface Who {
  readonly url: string;
  readonly name: string;
  readonly conversationId: string;
  /** Devices of one participant share it: the first that is welcomed brings the token. */
  readonly pass?: Pass;
}

export interface Pass {
  token: string | undefined;
}

/**
 * One connection in one conversation, over the real contract: hello, join, send with a key, resume.
 *
 * Owns: the socket, the position, and the sends that are under way; it counts what is wrong.
 * Invariants:
 * 1. At most one socket is listened to: what an abandoned one still says is not heard.
 * 2. A send stays in the outbox until its `ack` and its own event are here, and goes out again,
 *    with its key, after every join and after every refusal that allows it.
 */
export class Person {
  readonly #who: Who;
  readonly #pass: Pass;
  readonly #follower = new Follower();
  readonly #outbox = new Outbox();
  readonly #turns = new Map<string, TurnFollower>();
  #socket: WebSocket | undefined;
  #isLive = false;
  #isOver = false;
  #hasLeft = false;
  #openedAt = 0;
  #hasBeenLive = false;
  #nextKey = 0;
  #checked: (() => void) | undefined;
  /** A turn is over: its times, and the tokens of its answer. */
  onTurn: ((times: TurnTimes, tokens: number) => void) | undefined;
  /** Tags for what is measured of a message, by when it was due. */
  tagsOf: (dueAt: number) => Record<string, string> = () => NO_TAGS;

  constructor(who: Who) {
    this.#who = who;
    this.#pass = who.pass ?? { token: undefined };
  }

  get isLive(): boolean {
    return this.#isLive;
  }

  /** Whether it is gone on purpose, until `connect`: nobody is there to send. */
  get isAway(): boolean {
    return this.#hasLeft;
  }

  /** Whether nothing is under way. */
  get isSettled(): boolean {
    return this.#outbox.size === 0;
  }

  /** Opens the connection, and after a drop opens it again and resumes. */
  connect(): void {
    if (this.#isOver || this.#socket !== undefined) return;
    this.#hasLeft = false;
    const socket = new WebSocket(this.#who.url);
    this.#socket = socket;
    this.#openedAt = now();
    const isCurrent = () => this.#socket === socket; // Invariant 1.
    socket.onopen = () => {
      if (isCurrent()) this.#greet();
    };
    socket.onmessage = (event) => {
      if (event === undefined || !isCurrent()) return;
      this.#hear(JSON.parse(event.data as string) as Frame, timeOf(event));
    };
    // The types of k6 know nothing of the event; it has the code that the server gave.
    socket.onclose = (event?: { readonly code?: number }) => {
      if (isCurrent()) this.#lost(event?.code ?? 1006);
    };
    // What failed is closed next; without a listener it would end the VU.
    socket.onerror = () => {};
  }

  /** Sends a message that was due at `dueAt`, now or as soon as there is a connection. */
  send(content: string, dueAt: number): void {
    this.#nextKey += 1;
    const pending = this.#outbox.add({
      key: `${this.#who.name}-${this.#nextKey}`,
      content: `${dueAt.toFixed(2)} ${content}`,
      dueAt,
    });
    metrics.sends.add(1, this.tagsOf(dueAt));
    if (this.#isLive) this.#post(pending);
  }

  /** Closes the connection, whatever is under way; `connect` brings it back. */
  drop(): void {
    this.#hasLeft = true;
    const socket = this.#socket;
    this.#socket = undefined;
    this.#isLive = false;
    socket?.close();
  }

  /**
   * Asks where the conversation ends, when all is quiet: what the server has beyond the position was never
   * delivered. Calls back when it is known, at once when there is no connection.
   */
  checkTail(done: () => void): void {
    if (!this.#isLive) {
      done();
      return;
    }
    this.#checked = done;
    this.#join();
  }

  /** Ends it, and counts what never came. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.drop();
    metrics.lostAcks.add(this.#outbox.unacked().length);
    metrics.lostEvents.add(this.#outbox.unseen().length);
    metrics.mismatches.add(this.#outbox.mismatches);
  }

  #greet(): void {
    const { token } = this.#pass;
    this.#say(
      token === undefined ? { type: 'hello', name: this.#who.name } : { type: 'hello', token },
    );
    this.#join();
  }

  #join(): void {
    const { position } = this.#follower;
    this.#follower.joins(position);
    this.#say({
      type: 'join',
      id: 'join',
      conversation_id: this.#who.conversationId,
      create: true,
      ...(position === undefined ? {} : { after_seq: position }),
    });
  }

  #post(pending: Pending): void {
    const { key, content } = pending;
    pending.sentAt = now();
    this.#say({ type: 'send', id: key, key, content, conversation_id: this.#who.conversationId });
  }

  #say(frame: Readonly<Record<string, unknown>>): void {
    this.#socket?.send(JSON.stringify(frame));
  }

  #hear(frame: Frame, at: number): void {
    switch (frame.type) {
      case 'event':
        this.#event(frame, at);
        return;
      case 'ack':
        this.#acked(frame, at);
        return;
      case 'welcome':
        this.#pass.token ??= frame.token;
        return;
      case 'joined':
        this.#joined(frame.head_seq ?? 0);
        return;
      case 'live':
        this.#live(at);
        return;
      case 'reset':
        metrics.gaps.add(1, { reason: frame.reason ?? 'reset' });
        return;
      case 'error':
        this.#failed(frame, at);
        return;
      default:
        if (frame.turn_id !== undefined) this.#turn(frame, at);
    }
  }

  #joined(headSeq: number): void {
    const beyond = this.#follower.joined(headSeq);
    if (this.#checked === undefined) return;
    metrics.gaps.add(beyond, { reason: 'tail' });
    this.#checked();
    this.#checked = undefined;
  }

  #live(at: number): void {
    if (this.#isLive) return;
    this.#isLive = true;
    const took = at - this.#openedAt;
    if (this.#hasBeenLive) {
      metrics.resumeMs.add(took);
      metrics.resumes.add(1);
    } else {
      metrics.connectMs.add(took);
      metrics.connects.add(1);
      this.#hasBeenLive = true;
    }
    for (const pending of this.#outbox.unacked()) this.#post(pending); // Invariant 2.
  }

  #event({ seq = 0, kind, content = '', key, from, turn_id: turnId }: Frame, at: number): void {
    const { place, missing } = this.#follower.event(seq);
    if (place === 'gap') metrics.gaps.add(missing, { reason: 'order' });
    if (place === 'duplicate') metrics.duplicates.add(1);
    if (!this.#isLive) metrics.replayed.add(1);
    if (kind !== 'message') return;
    if (key !== undefined) this.#outbox.seen(key, seq);
    if (turnId !== undefined) this.#turns.get(turnId)?.message(content);
    if (!this.#isLive || from?.kind === 'agent') return;
    metrics.deliveries.add(1);
    const dueAt = Number.parseFloat(content);
    metrics.deliveryMs.add(at - dueAt, this.tagsOf(dueAt));
  }

  #acked({ key, seq = 0 }: Frame, at: number): void {
    if (key === undefined) return;
    const pending = this.#outbox.acked(key, seq);
    if (pending === undefined) return;
    const tags = this.tagsOf(pending.dueAt);
    metrics.acks.add(1, tags);
    metrics.ackMs.add(at - pending.dueAt, tags);
  }

  #failed(frame: Frame, at: number): void {
    const { id, code = 0, reason = 'unknown', retry_after_ms: waitMs } = frame;
    const pending = id === undefined ? undefined : this.#outbox.get(id);
    const mayTryAgain = code === 429 || code === 503;
    if (pending === undefined || !mayTryAgain) {
      metrics.errors.add(1, { reason });
      if (pending !== undefined) this.#outbox.giveUp(pending.key);
      return;
    }
    metrics.refusals.add(1, { reason });
    metrics.refusalMs.add(at - pending.sentAt);
    // All that were refused together do not come back together.
    const afterMs = (waitMs ?? 1_000) * (1 + Math.random());
    const { key } = pending;
    setTimeout(() => {
      if (this.#isLive && this.#outbox.get(key)?.ackSeq === undefined) this.#post(pending);
    }, afterMs);
  }

  #turn(frame: Frame, at: number): void {
    const { type, turn_id: id = '', attempt = 1, text = '', state = '' } = frame;
    let turn = this.#turns.get(id);
    if (turn === undefined) {
      turn = new TurnFollower();
      this.#turns.set(id, turn);
    }
    if (type === 'turn.delta') turn.delta({ attempt, index: frame.index ?? 0, text }, at);
    if (type === 'turn.snapshot')
      turn.snapshot({ attempt, text, next_index: frame.next_index ?? 0 });
    if (type !== 'turn.ended') return;
    this.#turns.delete(id);
    this.onTurn?.(turn.ended(state), frame.usage?.output_tokens ?? 0);
  }

  #lost(code: number): void {
    this.#socket = undefined;
    this.#isLive = false;
    metrics.closes.add(1, { code: String(code) });
    this.#checked?.();
    this.#checked = undefined;
    if (this.#isOver || code >= FINAL_CLOSE) return;
    setTimeout(() => this.connect(), RETRY_MS * (1 + Math.random()));
  }
}

/** When the message came off the socket, not when this VU got to it. Milliseconds since 1970. */
function timeOf(event: object): number {
  return (event as { readonly timestamp: number }).timestamp;
}
