import { type Actor, createActor } from 'xstate';
import {
  type ConversationEvent,
  type ConversationPort,
  conversationMachine,
} from '../machines/conversation.ts';

interface Host extends ConversationPort {
  /** An action threw, which would otherwise take the process down. */
  crashed(cause: unknown): void;
}

/**
 * The chart of one conversation, interpreted by XState; at rest, when it is idle and has been for a while, it is
 * no more than the knowledge of that. An interpreter takes 3.5 kB of heap and nearly all live conversations are
 * quiet; to make it anew takes 20 µs.
 */
export class Interpreter {
  readonly #host: Host;
  /** Undefined before the start, and at rest. */
  #actor: Actor<typeof conversationMachine> | undefined;
  #isAtRest = false;

  constructor(host: Host) {
    this.#host = host;
  }

  /** `loading`, `open.idle`, `open.writing`, `draining`, `failed` or `passivated`. */
  get state(): string {
    if (this.#isAtRest) return 'open.idle';
    const value = this.#actor?.getSnapshot().value;
    return typeof value === 'object' ? `open.${value.open}` : (value ?? 'loading');
  }

  /** An action threw: nothing is listened to any more, until the next start. */
  get isBroken(): boolean {
    return this.#actor?.getSnapshot().status === 'error';
  }

  start(): void {
    this.#run(createActor(conversationMachine, { input: { port: this.#host } }));
  }

  say(type: ConversationEvent['type']): void {
    if (this.#isAtRest) this.#resume();
    if (this.#actor?.getSnapshot().status === 'active') this.#actor.send({ type });
  }

  /** Does nothing unless the conversation is idle. */
  restIfIdle(): void {
    if (this.#isAtRest || this.state !== 'open.idle') return;
    this.#isAtRest = true;
    this.#actor = undefined;
  }

  /** A state that is resumed runs no entry action; `open.idle` has none. */
  #resume(): void {
    this.#isAtRest = false;
    const input = { port: this.#host };
    const snapshot = conversationMachine.resolveState({ value: { open: 'idle' }, context: input });
    this.#run(createActor(conversationMachine, { input, snapshot }));
  }

  #run(actor: Actor<typeof conversationMachine>): void {
    this.#actor = actor;
    actor.subscribe({ error: (cause) => this.#host.crashed(cause) });
    actor.start();
  }
}
