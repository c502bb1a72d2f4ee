/**
 * Owns: the connection and the conversations on it; which question a frame answers.
 * Does not own: what happens inside a conversation.
 *
 * 1. each question is answered once: by its frame, or by `disconnected` when the connection it went out on ends.
 * 2. shut before answered: conversations hear of a lost connection before their questions do, so that nothing
 *    is sent into it again.
 */
import type { JoinOptions } from './attachment.ts';
import { errorOfFrame, localError } from './colloquy-error.ts';
import type { ConnectionState } from './connection.ts';
import { Connection } from './connection.ts';
import type { Conversation } from './conversation.ts';
import type { Credentials } from './credentials.ts';
import { Emitter } from './emitter.ts';
import type { Clock, SocketConstructor } from './environment.ts';
import { FollowedConversation } from './followed-conversation.ts';
import type { Answer, AnswerFrame, Link } from './link.ts';
import type { Rest } from './rest.ts';
import type { Author, Limits, ServerFrame, Unasked } from './wire.ts';

export interface ClientEvents extends Record<string, unknown> {
  state: ConnectionState;
}

/** A connection to a server, kept up for as long as it is wanted. */
export interface Client {
  readonly state: ConnectionState;
  /** Who we are there; undefined until the first welcome. */
  readonly participant: Author | undefined;
  /** What the server takes; undefined until the first welcome. */
  readonly limits: Limits | undefined;
  on(name: 'state', listener: (state: ConnectionState) => void): () => void;
  /** Follows a conversation. Asked again for one it follows, it gives the handle there is. */
  join(conversationId: string, options?: JoinOptions): Conversation;
  /** Tries again now, where it would wait, or after the server closed for good. */
  reconnect(): void;
  /** Leaves everything, for good. What was not stored is given up. */
  close(): void;
}

export interface ClientParts {
  readonly url: string;
  readonly WebSocket: SocketConstructor;
  readonly clock: Clock;
  readonly random: () => number;
  readonly credentials: Credentials;
  readonly rest: Rest;
}

export class ConnectedClient implements Client {
  readonly #parts: ClientParts;
  readonly #connection: Connection;
  readonly #emitter = new Emitter<ClientEvents>();
  readonly #conversations = new Map<string, FollowedConversation>();
  readonly #questions = new Map<string, (answer: Answer) => void>();
  readonly #link: Link;
  #lastQuestion = 0;
  #isClosed = false;
  #participant: Author | undefined;
  #limits: Limits | undefined;

  constructor(parts: ClientParts) {
    this.#parts = parts;
    this.#connection = new Connection({
      ...parts,
      onState: (state) => this.#entered(state),
      onFrame: (frame) => this.#hear(frame),
    });
    this.#link = {
      clock: parts.clock,
      random: parts.random,
      ask: (question, answer) => this.#ask(question, answer),
      tell: (frame) => void this.#connection.send(frame),
    };
    this.#connection.reconnect();
  }

  get state(): ConnectionState {
    return this.#connection.state;
  }

  get participant(): Author | undefined {
    return this.#participant;
  }

  get limits(): Limits | undefined {
    return this.#limits;
  }

  on(name: 'state', listener: (state: ConnectionState) => void): () => void {
    return this.#emitter.on(name, listener);
  }

  join(conversationId: string, options: JoinOptions = {}): Conversation {
    const known = this.#conversations.get(conversationId);
    if (known !== undefined) return known;
    if (this.#isClosed) throw localError('closed');
    const conversation = new FollowedConversation({
      id: conversationId,
      options,
      link: this.#link,
      rest: this.#parts.rest,
      onLeave: () => void this.#conversations.delete(conversationId),
    });
    this.#conversations.set(conversationId, conversation);
    if (this.state.kind === 'online') conversation.connected();
    return conversation;
  }

  reconnect(): void {
    if (!this.#isClosed) this.#connection.reconnect();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#connection.close();
    for (const conversation of this.#conversations.values()) conversation.end(localError('closed'));
    this.#conversations.clear();
  }

  #entered(state: ConnectionState): void {
    if (state.kind === 'online') {
      this.#participant = state.participant;
      this.#limits = state.limits;
    } else {
      this.#disconnected();
    }
    this.#emitter.emit('state', state);
    if (state.kind !== 'online') return;
    for (const conversation of [...this.#conversations.values()]) conversation.connected();
  }

  #disconnected(): void {
    for (const conversation of this.#conversations.values()) conversation.disconnected(); // 2.
    const unanswered = [...this.#questions.values()];
    this.#questions.clear();
    for (const answer of unanswered) answer({ ok: false, error: localError('disconnected') });
  }

  #ask(question: Unasked, answer: (answer: Answer) => void): void {
    this.#lastQuestion += 1;
    const id = `q${this.#lastQuestion}`;
    this.#questions.set(id, answer);
    if (this.#connection.send({ ...question, id })) return;
    this.#questions.delete(id);
    answer({ ok: false, error: localError('disconnected') });
  }

  #hear(frame: ServerFrame): void {
    if (frame.type === 'error') {
      const error = errorOfFrame(frame);
      if (frame.id !== undefined) this.#answer(frame.id, { ok: false, error });
      else if (frame.conversation_id !== undefined) {
        this.#conversations.get(frame.conversation_id)?.dismissed(error);
      }
    } else if (isAnswer(frame)) {
      this.#answer(frame.id, { ok: true, frame });
    } else if ('conversation_id' in frame) {
      this.#conversations.get(frame.conversation_id)?.hear(frame);
    }
  }

  #answer(id: string, answer: Answer): void {
    const question = this.#questions.get(id);
    this.#questions.delete(id);
    question?.(answer);
  }
}

function isAnswer(frame: ServerFrame): frame is AnswerFrame {
  return (
    frame.type === 'ack' || frame.type === 'joined' || frame.type === 'left' || frame.type === 'ok'
  );
}
