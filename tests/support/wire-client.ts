import WebSocket from 'ws';
import type {
  EventFrame,
  ServerFrame,
  ServerFrames,
  ServerFrameType,
} from '../../src/protocol/server-frames.ts';
import { DEADLINE_MS, within } from './deadline.ts';
import { WireWitness } from './wire-witness.ts';

/**
 * A small client written from the contract. It keeps every frame in order, and fails whatever is
 * waited for as soon as a frame breaks a promise (wire-witness.ts).
 */

export type ClientFrame = Readonly<Record<string, unknown>> & { readonly type: string };
export type Answer = ServerFrames['joined' | 'reset' | 'left' | 'ack' | 'ok' | 'pong' | 'error'];

export interface ConnectOptions {
  readonly token?: string;
  readonly name?: string;
  /** Says who it is by the upgrade's `Authorization` header, and sends no `hello`. */
  readonly bearer?: string;
  /** Does not say hello at all. */
  readonly isSilent?: boolean;
  /** Whether it answers the protocol's pings; true unless said otherwise. */
  readonly autoPong?: boolean;
}

export interface JoinOptions {
  readonly create?: boolean;
  readonly after_seq?: number;
  readonly epoch?: string;
  readonly invite?: string;
}

export interface SendOptions {
  readonly key?: string;
  readonly reply_to?: number;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

export interface WaitOptions {
  /** Skips the frames before this place in `frames`. */
  readonly from?: number;
  readonly withinMs?: number;
}

interface Waiter {
  readonly offer: (frame: ServerFrame) => void;
  readonly fail: (error: Error) => void;
}

let requests = 0;

export class WireClient {
  readonly frames: ServerFrame[] = [];
  /** When each frame came, by `performance.now()`. */
  readonly arrivals: number[] = [];
  readonly closed: Promise<Closed>;
  readonly #socket: WebSocket;
  readonly #witness = new WireWitness();
  readonly #waiters = new Set<Waiter>();
  readonly #pending = new Map<string, Waiter>();
  #isClosed = false;

  private constructor(url: string, { bearer, autoPong = true }: ConnectOptions) {
    const headers = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
    this.#socket = new WebSocket(url, { headers, autoPong, perMessageDeflate: false });
    this.#socket.on('error', () => {}); // What matters of it comes as a close.
    this.#socket.on('message', (data, isBinary) => this.#receive(String(data), isBinary));
    this.closed = new Promise((resolve) => {
      this.#socket.on('close', (code, reason) => {
        this.#isClosed = true;
        this.#witness.closes(code, this.frames.at(-1));
        this.#abandon(new Error(`closed with ${code} ${reason}${this.#recent()}`));
        resolve({ code, reason: String(reason) });
      });
    });
  }

  /** Connects and, unless silent, says hello and has its welcome. */
  static async connect(url: string, options: ConnectOptions = {}): Promise<WireClient> {
    const client = new WireClient(url, options);
    await within(
      new Promise<void>((resolve, reject) => {
        client.#socket.once('open', resolve);
        client.#socket.once('error', reject);
      }),
      'a connection',
    );
    if (options.isSilent) return client;
    if (options.bearer === undefined) {
      const { token, name } = options;
      client.tell({ type: 'hello', ...(token && { token }), ...(name && { name }) });
    }
    await client.waitFor('welcome');
    return client;
  }

  get violations(): readonly string[] {
    return this.#witness.violations;
  }

  get welcome(): ServerFrames['welcome'] {
    const found = this.frames.find((frame) => frame.type === 'welcome');
    if (!found) throw new Error('not welcomed');
    return found;
  }

  get participantId(): string {
    return this.welcome.participant.id;
  }

  get token(): string {
    const { token } = this.welcome;
    if (token === undefined) throw new Error('welcomed without a token');
    return token;
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  /** Sends a request and gives its answer, an `error` too. */
  ask(frame: ClientFrame, { withinMs = DEADLINE_MS }: WaitOptions = {}): Promise<Answer> {
    requests += 1;
    const id = typeof frame['id'] === 'string' ? frame['id'] : `q${requests}`;
    const request = { ...frame, id };
    const answer = new Promise<Answer>((resolve, reject) => {
      if (this.#isClosed) reject(new Error('the connection is closed'));
      const offer = (found: ServerFrame) => resolve(found as Answer);
      this.#pending.set(id, { offer, fail: reject });
    });
    answer.catch(() => {}); // A flood may leave some of its answers unread.
    this.tell(request);
    const what = () => `an answer to ${JSON.stringify(request).slice(0, 200)}`;
    return within(answer, what(), withinMs).catch((error: Error) => {
      throw new Error(`${error.message}${this.#recent()}`);
    });
  }

  async join(conversation: string, options: JoinOptions = {}): Promise<ServerFrames['joined']> {
    const frame = await this.ask({ type: 'join', conversation_id: conversation, ...options });
    if (frame.type !== 'joined') throw new Error(`not joined: ${JSON.stringify(frame)}`);
    return frame;
  }

  /** Joins and has seen the replay to its end. */
  async joinLive(conversation: string, options: JoinOptions = {}): Promise<ServerFrames['joined']> {
    const from = this.frames.length;
    const joined = await this.join(conversation, options);
    await this.waitFor('live', (live) => live.conversation_id === conversation, { from });
    return joined;
  }

  trySend(conversation: string, content: string, options: SendOptions = {}): Promise<Answer> {
    return this.ask({ type: 'send', conversation_id: conversation, content, ...options });
  }

  async send(
    conversation: string,
    content: string,
    options: SendOptions = {},
  ): Promise<ServerFrames['ack']> {
    const frame = await this.trySend(conversation, content, options);
    if (frame.type !== 'ack') throw new Error(`not acked: ${JSON.stringify(frame)}`);
    return frame;
  }

  /** Sends a frame that is not waited for. */
  tell(frame: ClientFrame): void {
    this.#witness.asks(frame);
    this.sendRaw(JSON.stringify(frame));
  }

  /** Sends these bytes as one message: text unless said otherwise, whatever they are. */
  sendRaw(bytes: string | Buffer, { binary = false } = {}): void {
    if (!this.#isClosed) this.#socket.send(bytes, { binary, compress: false }, () => {});
  }

  /** Sends one text message as a chain of fragments of at most so many bytes. */
  sendInPieces(message: Buffer, bytes: number): void {
    for (let start = 0; start < message.length; start += bytes) {
      const fin = start + bytes >= message.length;
      const piece = message.subarray(start, start + bytes);
      this.#socket.send(piece, { binary: false, compress: false, fin }, () => {});
    }
  }

  /** The first frame of the type, past or to come, that matches. */
  waitFor<T extends ServerFrameType>(
    type: T,
    match: (frame: ServerFrames[T]) => boolean = () => true,
    { from = 0, withinMs = DEADLINE_MS }: WaitOptions = {},
  ): Promise<ServerFrames[T]> {
    const isIt = (frame: ServerFrame): frame is ServerFrames[T] & ServerFrame =>
      frame.type === type && match(frame as ServerFrames[T]);
    const found = this.frames.slice(from).find(isIt);
    if (found) return this.violations[0] ? Promise.reject(this.#flaw()) : Promise.resolve(found);
    const frame = new Promise<ServerFrames[T]>((resolve, reject) => {
      if (this.#isClosed) return reject(new Error(`closed before ${type} came${this.#recent()}`));
      const waiter: Waiter = {
        offer: (next) => {
          if (!isIt(next)) return;
          this.#waiters.delete(waiter);
          resolve(next);
        },
        fail: reject,
      };
      this.#waiters.add(waiter);
    });
    return within(frame, `${type} that matches ${match}`, withinMs).catch((error: Error) => {
      throw new Error(`${error.message}${this.#recent()}`);
    });
  }

  /** The event with this seq, past or to come. */
  waitForSeq(conversation: string, seq: number, options: WaitOptions = {}): Promise<EventFrame> {
    return this.waitFor(
      'event',
      (event) => event.conversation_id === conversation && event.seq === seq,
      options,
    );
  }

  framesOf<T extends ServerFrameType>(type: T, from = 0): ServerFrames[T][] {
    return this.frames.slice(from).filter((frame) => frame.type === type) as ServerFrames[T][];
  }

  events(conversation: string): EventFrame[] {
    return this.framesOf('event').filter((event) => event.conversation_id === conversation);
  }

  /** The contents of the messages seen in a conversation, in order. */
  contents(conversation: string): string[] {
    return this.events(conversation).flatMap((event) =>
      event.kind === 'message' && event.content !== undefined ? [event.content] : [],
    );
  }

  /** The last seq this connection was given in a conversation, where it is attached to it. */
  attachedSeq(conversation: string): number | undefined {
    const next = this.#witness.nextSeq(conversation);
    return next === undefined ? undefined : next - 1;
  }

  lastSeq(conversation: string): number {
    const seq = this.attachedSeq(conversation);
    if (seq === undefined) throw new Error(`not attached to ${conversation}`);
    return seq;
  }

  /** Resolves when the server has worked through everything sent before on this connection. */
  async settle(): Promise<void> {
    await this.ask({ type: 'ping' });
  }

  /** Stops reading from the socket: the system's buffers fill, then the server's. */
  pause(): void {
    this.#witness.slows();
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  async close(): Promise<void> {
    if (this.#socket.isPaused) this.#socket.resume();
    this.#socket.close(1000);
    await within(this.closed, 'the close').catch(() => this.terminate());
  }

  /** Drops the connection without a word. */
  terminate(): void {
    this.#socket.terminate();
  }

  #receive(text: string, isBinary: boolean): void {
    if (isBinary) this.#witness.violations.push('a binary frame');
    const frame = this.#witness.sees(text);
    if (frame) {
      this.frames.push(frame);
      this.arrivals.push(performance.now());
    }
    if (this.violations.length > 0) this.#abandon(this.#flaw());
    if (!frame) return;
    this.#answer(frame);
    for (const waiter of this.#waiters) waiter.offer(frame);
  }

  #answer(frame: ServerFrame): void {
    if (!('id' in frame) || typeof frame.id !== 'string' || frame.type === 'welcome') return;
    this.#pending.get(frame.id)?.offer(frame);
    this.#pending.delete(frame.id);
  }

  #abandon(error: Error): void {
    for (const waiter of this.#waiters) waiter.fail(error);
    for (const waiter of this.#pending.values()) waiter.fail(error);
    this.#waiters.clear();
    this.#pending.clear();
  }

  #flaw(): Error {
    return new Error(`the contract is broken: ${this.violations.slice(0, 5).join('; ')}`);
  }

  #recent(): string {
    const lines = this.frames.slice(-6).map((frame) => JSON.stringify(frame).slice(0, 160));
    return `\nlast frames:\n  ${lines.join('\n  ')}`;
  }
}
