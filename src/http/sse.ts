import type { ConversationActor } from '../../actors/conversation-actor.ts';
import { type Failure, failure } from '../domain/failure.ts';
import type { Author } from '../domain/participant.ts';
import { err, ok } from '../domain/result.ts';
import { encodeFrame } from '../protocol/encode.ts';
import type { Edge } from './edge.ts';
import { type Asked, positionIn, resetOf } from './position.ts';
import type { Answer, OpenResponse } from './rest/reply.ts';
import { EventStream } from './sse-stream.ts';

/** Milliseconds between two comments that keep a stream alive. */
const BEAT_MS = 15_000;
/** Told to readers that a stopping server sends away, milliseconds. */
const RECONNECT_AFTER_MS = 1_000;

export interface Reader {
  readonly who: Author;
  /** When the token is over, milliseconds since 1970. */
  readonly expiresAt: number;
  readonly asked: Asked;
}

/** A response that is written to over time. */
export interface Held {
  /** From time to time, while it is open. */
  readonly beat: (now: number) => void;
  /** The server goes away. */
  readonly end: () => void;
}

/**
 * The responses of this server that are written to over time: event streams, and answers as they are made.
 *
 * Owns: which are open. Does not own: who may read what. Bound: `maxConnections`, together with the WebSockets.
 */
export class Streams {
  readonly #edge: Edge;
  readonly #open = new Set<Held>();
  #takeBackBeat: (() => void) | undefined;
  #isClosed = false;

  constructor(edge: Edge) {
    this.#edge = edge;
  }

  /** The reader's stream: the log after its position, then what happens. */
  follow(actor: ConversationActor, reader: Reader): Answer {
    const refused = this.refusal();
    if (refused !== undefined) return err(refused);
    return ok({
      kind: 'stream',
      open: (response) => this.#begin(response, actor, reader),
    });
  }

  /** Why no further one may be opened now. */
  refusal(): Failure | undefined {
    const { meters, limits } = this.#edge;
    if (this.#isClosed) return failure('draining');
    return meters.connections >= limits.maxConnections
      ? failure('too_many_connections')
      : undefined;
  }

  /** Counts one as a connection, and keeps it alive, until it is let go of; that may be done twice. */
  hold(held: Held): () => void {
    this.#edge.meters.connections += 1;
    this.#open.add(held);
    this.#takeBackBeat ??= this.#edge.clock.after(BEAT_MS, () => this.#beat());
    return () => {
      if (this.#open.delete(held)) this.#edge.meters.connections -= 1;
    };
  }

  /** Sends all readers away. */
  close(): void {
    this.#isClosed = true;
    this.#takeBackBeat?.();
    for (const held of [...this.#open]) held.end();
  }

  #begin(response: OpenResponse, actor: ConversationActor, reader: Reader): void {
    let over = () => {};
    const stream = new EventStream(response, () => over());
    const dismissed = (reason: Failure) => {
      // The server's own end says `bye` to all, after what was in the mailboxes went out.
      if (this.#edge.registry.isDraining || stream.isOver) return;
      if (reason.reason !== 'trimmed') {
        stream.end(reason.reason);
        return;
      }
      stream.send(encodeFrame(resetOf(actor.conversation, 'trimmed')));
      subscription = actor.attach(listener, actor.conversation.firstSeq - 1);
      actor.audience.catchUp(subscription);
    };
    const listener = { outlet: stream, participantId: reader.who.id, dismissed };
    let subscription = actor.attach(listener, this.#positionOf(stream, actor, reader.asked));
    const letGo = this.hold({
      beat: (now) => {
        if (now >= reader.expiresAt) stream.end('token_expired');
        // How long one may stay congested is for the audience to say.
        else if (subscription.state !== 'congested') stream.beat();
      },
      end: () => stream.end('draining', RECONNECT_AFTER_MS),
    });
    over = () => {
      letGo();
      actor.detach(subscription);
    };
    stream.onDrained = () => actor.audience.drained(subscription);
    actor.audience.catchUp(subscription);
    // It may have gone to sleep, or been deleted, while the request was on its way here.
    if (actor.state === 'passivated') stream.end('draining', RECONNECT_AFTER_MS);
  }

  /** A place that does not exist here is said to be so, and the stream begins where the log does. */
  #positionOf(stream: EventStream, actor: ConversationActor, asked: Asked): number {
    const position = positionIn(actor.conversation, asked);
    if (typeof position === 'number') return position;
    stream.send(encodeFrame(position));
    return position.first_seq - 1;
  }

  #beat(): void {
    const now = this.#edge.clock.now();
    for (const held of [...this.#open]) held.beat(now);
    const isNeeded = this.#open.size > 0;
    this.#takeBackBeat = isNeeded ? this.#edge.clock.after(BEAT_MS, () => this.#beat()) : undefined;
  }
}
