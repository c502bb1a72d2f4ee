/**
 * Owns: the socket, hello and welcome, the heartbeat, and when to try again.
 * Does not own: what frames say, apart from those about the connection itself; conversations; the outbox.
 *
 * 1. one socket: what an earlier socket still says is not heard.
 * 2. welcome first: nothing but hello is sent before the welcome came.
 * 3. every way a socket can fail, silence included, ends in `#lost`, and from there in `offline` or `closed`.
 */
import { CLOSE_CODES } from '../domain/failure.ts';
import { atLeastMs, backoffMs } from './backoff.ts';
import type { ColloquyError } from './colloquy-error.ts';
import { errorOfClose, errorOfFrame, localError } from './colloquy-error.ts';
import type { Credentials } from './credentials.ts';
import type { Clock, Socket, SocketConstructor, Stop } from './environment.ts';
import type { Author, ClientFrame, Limits, ServerFrame, ServerFrameOf } from './wire.ts';
import { decodeFrame } from './wire.ts';

export type ConnectionState =
  | { readonly kind: 'connecting'; readonly failures: number }
  | {
      readonly kind: 'online';
      readonly sessionId: string;
      readonly participant: Author;
      readonly limits: Limits;
    }
  | {
      /** Comes back by itself. */
      readonly kind: 'offline';
      /** The `bye` or close reason (`draining`, `slow_consumer`, …), or `unreachable`. */
      readonly reason: string;
      readonly failures: number;
      /** Milliseconds since 1970. */
      readonly retryAtMs: number;
    }
  /** Does not come back unless `reconnect` is called. */
  | { readonly kind: 'closed'; readonly error: ColloquyError };

export interface ConnectionParts {
  readonly url: string;
  readonly WebSocket: SocketConstructor;
  readonly clock: Clock;
  readonly random: () => number;
  readonly credentials: Credentials;
  readonly onState: (state: ConnectionState) => void;
  /** Every frame of a welcomed connection but those about the connection itself. */
  readonly onFrame: (frame: ServerFrame) => void;
}

/** Codes from here on are final: do not reconnect as you are. */
const FINAL_CODES = CLOSE_CODES.protocol_error;
const NORMAL_CLOSE = 1000;
/** From the opening of the socket to the welcome. */
const WELCOME_WITHIN_MS = 15_000;
/** From an error to the close that goes with it. */
const CLOSE_WITHIN_MS = 100;
/** A connection that lived this long was a success, so that the next failure counts from 0 again. */
const STABLE_MS = 5_000;
/** One that was welcomed and then lost sooner counts as so many at most: the server is there, but something is not right. */
const FAILURES_IF_WELCOMED = 2;

export class Connection {
  readonly #parts: ConnectionParts;
  #state: ConnectionState = { kind: 'connecting', failures: 0 };
  #socket: Socket | undefined;
  #failures = 0;
  #onlineSinceMs: number | undefined;
  #bye: ServerFrameOf<'bye'> | undefined;
  #refusal: ColloquyError | undefined;
  #heardAtMs = 0;
  #stopTimer: Stop = () => undefined;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Opens a socket now, whatever was planned; does nothing while there is one. */
  reconnect(): void {
    if (this.#socket !== undefined) return;
    this.#stopTimer();
    this.#bye = undefined;
    this.#refusal = undefined;
    this.#enter({ kind: 'connecting', failures: this.#failures });
    this.#open();
  }

  /** Ends the connection for good, or until `reconnect`. */
  close(error: ColloquyError = localError('closed')): void {
    const socket = this.#socket;
    this.#forget();
    socket?.close(NORMAL_CLOSE);
    this.#enter({ kind: 'closed', error });
  }

  /** False when it is not online: nothing was sent then. */
  send(frame: ClientFrame): boolean {
    if (this.#state.kind !== 'online' || this.#socket === undefined) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  #open(): void {
    const { WebSocket, clock, url } = this.#parts;
    const socket = new WebSocket(url);
    this.#socket = socket;
    this.#stopTimer = clock.after(WELCOME_WITHIN_MS, () => this.#drop('unreachable'));
    const isCurrent = () => this.#socket === socket; // 1. one socket
    socket.addEventListener('open', () => {
      if (isCurrent()) void this.#greet(socket);
    });
    socket.addEventListener('message', ({ data }) => {
      if (isCurrent() && typeof data === 'string') this.#hear(data);
    });
    socket.addEventListener('close', ({ code, reason }) => {
      if (isCurrent()) this.#lost(code, reason);
    });
    // A close is to follow, and says more; Node 22 has none after a connection that was refused.
    socket.addEventListener('error', () => {
      clock.after(CLOSE_WITHIN_MS, () => {
        if (isCurrent()) this.#drop('unreachable');
      });
    });
  }

  async #greet(socket: Socket): Promise<void> {
    let hello: Awaited<ReturnType<Credentials['hello']>>;
    try {
      hello = await this.#parts.credentials.hello();
    } catch {
      if (this.#socket === socket) this.#drop('no_token');
      return;
    }
    if (this.#socket === socket) socket.send(JSON.stringify({ type: 'hello', ...hello }));
  }

  #hear(text: string): void {
    this.#heardAtMs = this.#parts.clock.now();
    const frame = decodeFrame(text);
    if (frame === undefined) return;
    if (frame.type === 'welcome') this.#welcome(frame);
    else if (frame.type === 'bye') this.#bye = frame;
    else if (frame.type === 'pong') return;
    else if (this.#state.kind === 'online') this.#parts.onFrame(frame);
    else if (frame.type === 'error') this.#refusal = errorOfFrame(frame);
  }

  #welcome(frame: ServerFrameOf<'welcome'>): void {
    this.#stopTimer();
    this.#onlineSinceMs = this.#parts.clock.now();
    this.#parts.credentials.accept(frame.token);
    this.#beat(frame.heartbeat_ms);
    this.#enter({
      kind: 'online',
      sessionId: frame.session_id,
      participant: frame.participant,
      limits: frame.limits,
    });
  }

  /** A ping twice a heartbeat keeps the server sure of us; a heartbeat and a half of silence is a dead line. */
  #beat(heartbeatMs: number): void {
    const { clock } = this.#parts;
    const periodMs = Math.max(1_000, heartbeatMs / 2);
    this.#stopTimer = clock.after(periodMs, () => {
      if (clock.now() - this.#heardAtMs >= periodMs * 3) return this.#drop('heartbeat_timeout');
      this.send({ type: 'ping' });
      this.#beat(heartbeatMs);
    });
  }

  /** Gives up on a socket that may never say that it closed. */
  #drop(reason: string): void {
    const socket = this.#socket;
    this.#retry(reason);
    socket?.close(NORMAL_CLOSE);
  }

  #lost(code: number, reason: string): void {
    const error = this.#refusal ?? errorOfClose(code, reason);
    if (code < FINAL_CODES) {
      this.#retry(this.#bye?.reason ?? (reason === '' ? 'unreachable' : reason));
    } else if (code === CLOSE_CODES.unauthenticated && this.#parts.credentials.refused()) {
      this.#forget();
      this.reconnect();
    } else {
      this.close(error);
    }
  }

  #retry(reason: string): void {
    const { clock, random } = this.#parts;
    const onlineSinceMs = this.#onlineSinceMs;
    const asked = this.#bye?.reconnect_after_ms;
    this.#forget();
    if (onlineSinceMs !== undefined) {
      const isStable = clock.now() - onlineSinceMs >= STABLE_MS;
      this.#failures = isStable ? 0 : Math.min(this.#failures, FAILURES_IF_WELCOMED);
    }
    const waitMs = Math.max(
      backoffMs(this.#failures, random()),
      asked === undefined ? 0 : atLeastMs(asked, random()),
    );
    this.#failures += 1;
    this.#stopTimer = clock.after(waitMs, () => this.reconnect());
    this.#enter({
      kind: 'offline',
      reason,
      failures: this.#failures,
      retryAtMs: clock.now() + waitMs,
    });
  }

  #forget(): void {
    this.#stopTimer();
    this.#socket = undefined;
    this.#onlineSinceMs = undefined;
  }

  #enter(state: ConnectionState): void {
    this.#state = state;
    this.#parts.onState(state);
  }
}
