import type { HttpResponse } from 'uWebSockets.js';
import type { Outlet } from '../../actors/outlet.ts';
import type { CloseReason, Reason } from '../domain/failure.ts';
import { encodeFrame } from '../protocol/encode.ts';
import type { OpenResponse } from './rest/reply.ts';
import { EVENT_STREAM, type StreamFormat } from './stream-format.ts';

/** Characters that go into one write: a frame may be longer, and is one write then. */
const PIECE_CHARS = 64 * 1024;
/** Comments in a row that did not go out, after which nobody is there. */
const LOST_COMMENTS = 4;

/**
 * One event stream as an outlet.
 *
 * Owns: the frames that wait, and the response until it ends. Does not own: the subscription.
 * Invariants: X1. After uWS said that its buffer is not empty, nothing more is given to it before it is: what
 * waits, waits here, and is counted. X2. The response is not touched after `end` or after the reader went away.
 */
export class EventStream implements Outlet {
  /** The reader has taken what was written, and has room again. */
  onDrained: () => void = () => {};
  readonly #response: OpenResponse;
  readonly #onOver: () => void;
  readonly #format: StreamFormat;
  #queue: string[] = [];
  #queuedBytes = 0;
  /** Bytes that uWS could not hand to the system yet. */
  #heldBytes = 0;
  #isDue = false;
  #isOver = false;
  #lostComments = 0;

  /** `onOver` is called once, however it ends. */
  constructor(response: OpenResponse, onOver: () => void, format = EVENT_STREAM) {
    this.#response = response;
    this.#onOver = onOver;
    this.#format = format;
    const { res, headers } = response;
    response.onGone(() => this.#over());
    res.onWritable(() => this.#writable());
    res.cork(() => {
      res.writeStatus('200 OK');
      for (const [name, value] of Object.entries(headers)) res.writeHeader(name, value);
      if (format.head !== '') res.write(format.head);
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  readonly send = (frame: string, seq?: number): void => {
    if (this.#isOver) return;
    this.#push(this.#format.record(frame, seq));
    if (this.#isDue) return;
    this.#isDue = true;
    // Behind the promises that are settled now: what they have to say goes out in the same write.
    queueMicrotask(this.flush);
  };

  readonly flush = (): void => {
    this.#isDue = false;
    if (this.#isOver || this.#heldBytes > 0) return;
    this.#response.res.cork(() => this.#write());
  };

  readonly bufferedBytes = (): number => this.#queuedBytes + this.#heldBytes;

  readonly close = (reason: CloseReason): void => this.end(reason);

  /** Says `bye` behind all that waits, and ends. */
  end(reason: CloseReason | Reason, reconnectAfterMs?: number): void {
    const after = reconnectAfterMs === undefined ? {} : { reconnect_after_ms: reconnectAfterMs };
    this.finish(encodeFrame({ type: 'bye', reason, ...after }));
  }

  /** Says this behind all that waits, and ends. uWS lets it go out, or cuts off who does not read. */
  finish(last: string, seq?: number): void {
    if (this.#isOver) return;
    this.#push(this.#format.record(last, seq));
    const { res } = this.#response;
    const rest = this.#queue.join('');
    this.#over();
    res.cork(() => {
      res.write(rest);
      // Told to close the connection, uWS would write a header into the middle of the body.
      res.end();
    });
  }

  /** Shows that it is alive; false, and closed, when the reader has not been for long. */
  beat(): void {
    if (this.#isOver) return;
    if (this.bufferedBytes() === 0) {
      this.#push(this.#format.idle);
      this.flush();
    } else {
      this.#lostComments += 1;
      if (this.#lostComments >= LOST_COMMENTS) this.#response.res.close();
    }
  }

  #push(text: string): void {
    this.#queue.push(text);
    this.#queuedBytes += Buffer.byteLength(text);
  }

  /** Writes what waits until uWS has to keep some of it. */
  #write(): void {
    const { res } = this.#response;
    while (this.#queue.length > 0) {
      const text = this.#takePiece();
      const bytes = Buffer.byteLength(text);
      this.#queuedBytes -= bytes;
      if (!writeTo(res, text)) {
        this.#heldBytes += bytes;
        return;
      }
    }
  }

  #takePiece(): string {
    let chars = 0;
    let count = 0;
    for (const text of this.#queue) {
      if (count > 0 && chars + text.length > PIECE_CHARS) break;
      chars += text.length;
      count += 1;
    }
    return this.#queue.splice(0, count).join('');
  }

  /** The socket takes bytes again. uWS hands over what it holds only with the next write: so there is always one. */
  #writable(): boolean {
    if (this.#isOver) return true;
    this.#lostComments = 0;
    const { res } = this.#response;
    res.cork(() => {
      if (!writeTo(res, this.#format.idle)) return;
      this.#heldBytes = 0;
      this.#write();
    });
    this.onDrained();
    return true;
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#heldBytes = 0;
    this.#onOver();
  }
}

/** False when uWS has to keep some of it, or of what came before. Nothing is lost either way. */
function writeTo(res: HttpResponse, text: string): boolean {
  return res.write(text);
}
