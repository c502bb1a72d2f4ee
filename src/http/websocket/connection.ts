import type { WebSocket } from 'uWebSockets.js';
import type { Outlet, TopicMember } from '../../../actors/outlet.ts';
import { CLOSE_CODES, type CloseReason } from '../../domain/failure.ts';
import { encodeFrame } from '../../protocol/encode.ts';
import type { ServerFrame } from '../../protocol/server-frames.ts';
import type { Flusher } from './flusher.ts';
import type { Session } from './session.ts';

/** What uWS keeps with each socket. */
export interface SocketData {
  connection: Connection | undefined;
  /** Undefined where there were too many connections. */
  session: Session | undefined;
  /** The token of an `Authorization: Bearer` header on the upgrade. */
  readonly bearer: string | undefined;
  /** Who called the proxy in front, where there is one that says it. */
  readonly from: string | undefined;
}

export type Socket = WebSocket<SocketData>;

/** What uWS answers when nothing is left unsent. */
const ALL_SENT = 1;
/** Shared by all that have nothing queued, and so never added to. */
const NOTHING: never[] = [];

/** Whose queue is being written: `cork` calls at once, and so needs no closure a write. */
let corked: Connection | undefined;
const writeCorked = () => corked?.writeQueue();

/**
 * One WebSocket as an outlet: frames are queued and go out in one write. Safe to use after the socket is gone,
 * when everything is a no-op. No closures of its own: each would be another object to fetch for a frame.
 */
export class Connection implements Outlet, TopicMember {
  readonly #flusher: Flusher;
  readonly #mostUnreadBytes: number;
  #socket: Socket | undefined;
  /** The queue: most have one frame, or two. */
  #first: string | undefined;
  #second: string | undefined;
  #rest: string[] = NOTHING;
  #queuedChars = 0;
  /** Once it was in one: what is published there is not counted here. */
  #hasTopics = false;
  /** The other side has not taken all that was written, as far as the writing told. */
  #hasUnsent = false;
  isShared = false;

  /** Above `mostUnreadBytes` it is closed: even answers are not piled up for who reads nothing. */
  constructor(socket: Socket, flusher: Flusher, mostUnreadBytes: number) {
    this.#socket = socket;
    this.#flusher = flusher;
    this.#mostUnreadBytes = mostUnreadBytes;
  }

  get topics(): TopicMember {
    return this;
  }

  enter(topic: string): void {
    this.#hasTopics = true;
    this.#socket?.subscribe(topic);
  }

  leave(topic: string): void {
    this.#socket?.unsubscribe(topic);
  }

  publishToOthers(topic: string, frame: string): void {
    this.#socket?.publish(topic, frame);
  }

  /** The address that it comes from; null once it is gone. */
  get from(): string | null {
    if (this.#socket === undefined) return null;
    const { from } = this.#socket.getUserData();
    if (from !== undefined) return from;
    return Buffer.from(this.#socket.getRemoteAddressAsText()).toString();
  }

  get isOpen(): boolean {
    return this.#socket !== undefined;
  }

  send(frame: string): void {
    if (this.#socket === undefined) return;
    this.#queuedChars += frame.length;
    if (this.#first === undefined) {
      this.#first = frame;
      this.#flusher.request(this);
    } else if (this.#second === undefined) {
      this.#second = frame;
    } else if (this.#rest.length === 0) {
      this.#rest = [frame];
    } else {
      this.#rest.push(frame);
    }
  }

  /**
   * An answer to the frame that uWS handed in just now: it joins such writes by itself, so nothing is queued. Only
   * from within its message handler.
   */
  answer(frame: string): void {
    const socket = this.#socket;
    if (this.#first !== undefined || socket === undefined) {
      this.send(frame);
      return;
    }
    this.#hasUnsent = true;
    if (socket.send(frame) !== ALL_SENT && socket.getBufferedAmount() > this.#mostUnreadBytes)
      this.#end(socket, 'slow_consumer');
  }

  say(frame: ServerFrame): void {
    this.send(encodeFrame(frame));
  }

  flush(): void {
    const socket = this.#socket;
    if (this.#first === undefined || socket === undefined) return;
    if (this.#second === undefined) {
      const isSent = socket.send(this.#first) === ALL_SENT;
      this.#clear();
      if (isSent) return;
    } else {
      corked = this;
      socket.cork(writeCorked);
    }
    if (this.#unsent(socket) > this.#mostUnreadBytes) this.#end(socket, 'slow_consumer');
  }

  bufferedBytes(): number {
    if (this.#socket === undefined) return 0;
    return (
      this.#queuedChars + (this.#hasTopics || this.#hasUnsent ? this.#unsent(this.#socket) : 0)
    );
  }

  /** Within `cork`: one write, however many frames. */
  writeQueue(): void {
    const first = this.#first;
    const second = this.#second;
    const rest = this.#rest;
    this.#clear();
    if (first !== undefined) this.#socket?.send(first);
    if (second !== undefined) this.#socket?.send(second);
    for (let at = 0; at < rest.length; at += 1) this.#socket?.send(rest[at] as string);
  }

  #unsent(socket: Socket): number {
    const unsent = socket.getBufferedAmount();
    this.#hasUnsent = unsent > 0;
    return unsent;
  }

  /** Says `bye`, lets what is queued go out, and closes. */
  close(reason: CloseReason, reconnectAfterMs?: number): void {
    this.flush();
    if (this.#socket !== undefined) this.#end(this.#socket, reason, reconnectAfterMs);
  }

  /** uWS calls `forget` before `end` returns; what it has buffered goes out all the same, or times out. */
  #end(socket: Socket, reason: CloseReason, reconnectAfterMs?: number): void {
    const after = reconnectAfterMs === undefined ? {} : { reconnect_after_ms: reconnectAfterMs };
    socket.send(encodeFrame({ type: 'bye', reason, ...after }));
    socket.end(CLOSE_CODES[reason], reason);
  }

  ping(): void {
    this.#socket?.ping();
  }

  /** uWS says that the socket is gone: it must not be touched any more. */
  forget(): void {
    this.#socket = undefined;
    this.#clear();
  }

  #clear(): void {
    this.#first = undefined;
    this.#second = undefined;
    this.#rest = NOTHING;
    this.#queuedChars = 0;
  }
}
