/**
 * Owns: our place in one conversation's log: joining, and joining again from the last seq after each reconnect.
 * Does not own: what events mean, nor what we send.
 *
 * 1. in order, each once: an event is handed on only when its seq is the last one plus 1.
 * 2. no hole: a seq that is too high is not handed on; the conversation is joined again from the last one.
 * 3. one life: the epoch goes with the seq, so that a conversation made anew is told by `reset`, never mixed in.
 */
import { atLeastMs, backoffMs } from './backoff.ts';
import type { ColloquyError } from './colloquy-error.ts';
import type { Stop } from './environment.ts';
import type { Link } from './link.ts';
import type { LogEvent, ServerFrameOf } from './wire.ts';

export type AttachmentState =
  /** Not connected, or asked and not yet answered. */
  | { readonly kind: 'joining' }
  /** Events from before are coming in. */
  | { readonly kind: 'replaying'; readonly headSeq: number }
  | { readonly kind: 'live' }
  /** Refused for now; it is tried again by itself. */
  | { readonly kind: 'waiting'; readonly error: ColloquyError; readonly retryAtMs: number }
  /** Refused for good. */
  | { readonly kind: 'refused'; readonly error: ColloquyError }
  | { readonly kind: 'left' };

export interface JoinOptions {
  /** Start after this seq: 0 is the whole log. Without it, at the head: only what comes from now on. */
  readonly afterSeq?: number;
  /** The life of the conversation that `afterSeq` was read in, if it is known. */
  readonly epoch?: string;
  /** Make the conversation if it is not there. */
  readonly create?: boolean;
  /** What an owner's `invite` gave, where the conversation is not open to everybody. */
  readonly invite?: string;
}

export interface AttachmentParts {
  readonly id: string;
  readonly options: JoinOptions;
  readonly link: Link;
  readonly onJoined: (frame: ServerFrameOf<'joined'>) => void;
  readonly onEvent: (event: LogEvent) => void;
  readonly onReset: (frame: ServerFrameOf<'reset'>) => void;
  readonly onState: (state: AttachmentState) => void;
}

export class Attachment {
  readonly #parts: AttachmentParts;
  #state: AttachmentState = { kind: 'joining' };
  #seq: number | undefined;
  #epoch: string | undefined;
  /** Joins that were refused, or that led to a hole, since an event was last delivered. */
  #failures = 0;
  /** Answers to an earlier join are not ours any more. */
  #joins = 0;
  #stopTimer: Stop = () => undefined;

  constructor(parts: AttachmentParts) {
    this.#parts = parts;
    this.#seq = parts.options.afterSeq;
    this.#epoch = parts.options.epoch;
  }

  get state(): AttachmentState {
    return this.#state;
  }

  /** The seq of the last event delivered; undefined until the head is known. */
  get seq(): number | undefined {
    return this.#seq;
  }

  get epoch(): string | undefined {
    return this.#epoch;
  }

  get isAttached(): boolean {
    return this.#state.kind === 'replaying' || this.#state.kind === 'live';
  }

  /** A connection is there. */
  connected(): void {
    if (this.#state.kind !== 'refused' && this.#state.kind !== 'left') this.#join();
  }

  disconnected(): void {
    this.#stopTimer();
    this.#joins += 1;
    if (this.#state.kind !== 'refused' && this.#state.kind !== 'left') {
      this.#enter({ kind: 'joining' });
    }
  }

  /** After it was refused for good: as if it never had been. */
  retry(): void {
    if (this.#state.kind !== 'left') this.#join();
  }

  leave(): void {
    this.#stopTimer();
    this.#joins += 1;
    this.#enter({ kind: 'left' });
  }

  /** The server let go of us: refused for good, or for now, as a join is. */
  dismissed(error: ColloquyError): void {
    if (this.#state.kind === 'left') return;
    this.#joins += 1;
    this.#refuse(error);
  }

  hear(frame: ServerFrameOf<'event' | 'live' | 'reset'>): void {
    switch (frame.type) {
      case 'event':
        this.#event(frame);
        break;
      case 'live':
        if (this.isAttached) this.#enter({ kind: 'live' });
        break;
      case 'reset':
        this.#reset(frame);
        break;
      default:
        frame satisfies never;
    }
  }

  #join(): void {
    this.#stopTimer();
    this.#joins += 1;
    const join = this.#joins;
    const { id, options, link } = this.#parts;
    this.#enter({ kind: 'joining' });
    const question = {
      type: 'join' as const,
      conversation_id: id,
      ...(this.#seq === undefined ? {} : { after_seq: this.#seq }),
      ...(this.#epoch === undefined ? {} : { epoch: this.#epoch }),
      ...(options.create === true ? { create: true } : {}),
      ...(options.invite === undefined ? {} : { invite: options.invite }),
    };
    link.ask(question, (answer) => {
      if (join !== this.#joins) return;
      if (!answer.ok) this.#refuse(answer.error);
      else if (answer.frame.type === 'joined') this.#joined(answer.frame);
    });
  }

  #joined(frame: ServerFrameOf<'joined'>): void {
    this.#seq ??= frame.head_seq;
    this.#epoch = frame.epoch; // 3. one life
    this.#parts.onJoined(frame);
    this.#enter({ kind: 'replaying', headSeq: frame.head_seq });
  }

  #event(event: LogEvent): void {
    if (!this.isAttached || this.#seq === undefined || event.seq <= this.#seq) return;
    if (event.seq !== this.#seq + 1) {
      this.#mend(); // 2. no hole
      return;
    }
    this.#seq = event.seq; // 1. in order, each once
    this.#failures = 0;
    this.#parts.onEvent(event);
  }

  #mend(): void {
    this.#joins += 1;
    this.#enter({ kind: 'joining' });
    this.#rejoinIn(this.#failures === 0 ? 0 : backoffMs(this.#failures, this.#parts.link.random()));
  }

  #reset(frame: ServerFrameOf<'reset'>): void {
    if (this.#state.kind === 'left') return;
    this.#seq = Math.max(0, frame.first_seq - 1);
    this.#epoch = frame.epoch;
    this.#parts.onReset(frame);
    this.#join();
  }

  #refuse(error: ColloquyError): void {
    if (error.reason === 'disconnected') return;
    const { link } = this.#parts;
    if (!error.retryable) {
      this.#enter({ kind: 'refused', error });
      return;
    }
    const waitMs =
      error.retryAfterMs === undefined
        ? backoffMs(this.#failures, link.random())
        : atLeastMs(error.retryAfterMs, link.random());
    this.#rejoinIn(waitMs);
    this.#enter({ kind: 'waiting', error, retryAtMs: link.clock.now() + waitMs });
  }

  #rejoinIn(ms: number): void {
    this.#failures += 1;
    this.#stopTimer();
    if (ms === 0) this.#join();
    else this.#stopTimer = this.#parts.link.clock.after(ms, () => this.#join());
  }

  #enter(state: AttachmentState): void {
    this.#state = state;
    this.#parts.onState(state);
  }
}
