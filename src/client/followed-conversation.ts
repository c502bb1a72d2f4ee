/**
 * Owns: what is known of one conversation: the folds of frames into members, turns, typing and drafts.
 * Does not own: the place in the log (attachment.ts), the tries of a send (outbox.ts), the connection.
 *
 * 1. state first: a listener sees the fields as they are after the event it is told of.
 */
import type { AttachmentState, JoinOptions } from './attachment.ts';
import { Attachment } from './attachment.ts';
import type { ColloquyError } from './colloquy-error.ts';
import { localError } from './colloquy-error.ts';
import type { Conversation, ConversationEvents, Decision, SendOptions } from './conversation.ts';
import type { Draft, Receipt } from './draft.ts';
import { Emitter } from './emitter.ts';
import type { Link } from './link.ts';
import { foldMember, foldPresence, type Members, membersAtJoin } from './members.ts';
import { Outbox } from './outbox.ts';
import { OwnRead } from './own-read.ts';
import type { InviteOptions, PageOptions, Rest } from './rest.ts';
import {
  foldTurn,
  type TurnFrame,
  type Turns,
  turnAnswered,
  turnDecided,
  turnsAtJoin,
} from './turn-view.ts';
import { OthersTyping, OwnTyping } from './typing.ts';
import type {
  ClientFrameOf,
  ConversationInfo,
  Invite,
  LogEvent,
  Role,
  ServerFrame,
  ServerFrameOf,
  StoredMessage,
  Unasked,
} from './wire.ts';

export interface FollowedParts {
  readonly id: string;
  readonly options: JoinOptions;
  readonly link: Link;
  readonly rest: Rest;
  readonly onLeave: () => void;
}

export class FollowedConversation implements Conversation {
  readonly id: string;
  readonly #parts: FollowedParts;
  readonly #emitter = new Emitter<ConversationEvents>();
  readonly #attachment: Attachment;
  readonly #outbox: Outbox;
  readonly #others: OthersTyping;
  readonly #ownTyping: OwnTyping;
  readonly #ownRead: OwnRead;
  #role: Role | undefined;
  #members: Members = new Map();
  #turns: Turns = new Map();
  /** Events up to here are already in what `joined` told about the members. */
  #joinedSeq = 0;

  constructor(parts: FollowedParts) {
    this.#parts = parts;
    this.id = parts.id;
    const { id, link, options } = parts;
    const onChange = () => this.#emitter.emit('change', undefined);
    this.#attachment = new Attachment({
      id,
      options,
      link,
      onJoined: (frame) => this.#joined(frame),
      onEvent: (event) => this.#event(event),
      onReset: (frame) => this.#reset(frame),
      onState: onChange,
    });
    const position = () => this.seq ?? 0;
    this.#outbox = new Outbox({ conversationId: id, link, position, onChange });
    this.#others = new OthersTyping(link.clock, onChange);
    this.#ownTyping = new OwnTyping(link.clock, (active) =>
      link.tell({ type: 'typing', conversation_id: id, active }),
    );
    this.#ownRead = new OwnRead(link.clock, (seq) =>
      link.tell({ type: 'read', conversation_id: id, seq }),
    );
  }

  get state(): AttachmentState {
    return this.#attachment.state;
  }

  get seq(): number | undefined {
    return this.#attachment.seq;
  }

  get epoch(): string | undefined {
    return this.#attachment.epoch;
  }

  get role(): Role | undefined {
    return this.#role;
  }

  get participants(): Members {
    return this.#members;
  }

  get turns(): Turns {
    return this.#turns;
  }

  get typing(): readonly string[] {
    return this.#others.ids;
  }

  get drafts(): readonly Draft[] {
    return this.#outbox.drafts;
  }

  on<E extends keyof ConversationEvents & string>(
    name: E,
    listener: (event: ConversationEvents[E]) => void,
  ): () => void {
    return this.#emitter.on(name, listener);
  }

  send(content: string, options: SendOptions = {}): Promise<Receipt> {
    this.setTyping(false);
    const { key, replyTo, metadata } = options;
    return this.#outbox.add({ kind: 'send', content, replyTo, metadata }, key);
  }

  edit(seq: number, content: string): Promise<Receipt> {
    return this.#outbox.add({ kind: 'edit', seq, content });
  }

  delete(seq: number): Promise<Receipt> {
    return this.#outbox.add({ kind: 'delete', seq });
  }

  retry(key: string): void {
    this.#outbox.retry(key);
  }

  discard(key: string): void {
    this.#outbox.discard(key);
  }

  cancel(turnId: string): Promise<void> {
    return this.#steer({ type: 'cancel', conversation_id: this.id, turn_id: turnId });
  }

  decide(turnId: string, { callId, verdict, reason }: Decision): Promise<void> {
    const about = { conversation_id: this.id, turn_id: turnId, call_id: callId };
    const why = reason === undefined ? {} : { reason };
    return this.#steer({ type: 'decide', ...about, decision: verdict, ...why });
  }

  #steer(question: Unasked<ClientFrameOf<'cancel' | 'decide'>>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#parts.link.ask(question, (answer) => (answer.ok ? resolve() : reject(answer.error)));
    });
  }

  setTyping(isActive: boolean): void {
    if (this.#attachment.isAttached) this.#ownTyping.set(isActive);
  }

  setRead(seq: number): void {
    if (this.#attachment.isAttached) this.#ownRead.set(seq);
  }

  messages(page: PageOptions): Promise<readonly StoredMessage[]> {
    return this.#parts.rest.messages(this.id, page);
  }

  describe(): Promise<ConversationInfo> {
    return this.#parts.rest.conversation(this.id);
  }

  invite(options: InviteOptions = {}): Promise<Invite> {
    return this.#parts.rest.invite(this.id, options);
  }

  rejoin(): void {
    this.#attachment.retry();
  }

  leave(): void {
    if (this.state.kind === 'left') return;
    this.#parts.link.ask({ type: 'leave', conversation_id: this.id }, () => undefined);
    this.end(localError('left'));
    this.#parts.onLeave();
  }

  /** The connection is there. */
  connected(): void {
    this.#attachment.connected();
  }

  /** The connection is gone. Presence and typing are not known now; members and turns stay as last seen. */
  disconnected(): void {
    this.#outbox.shut();
    this.#ownTyping.forget();
    this.#others.clear();
    this.#attachment.disconnected();
  }

  /** Nothing more comes. */
  end(error: ColloquyError): void {
    this.#ownTyping.forget();
    this.#others.clear();
    this.#attachment.leave();
    this.#outbox.close(error);
  }

  /** The server let go of us: we were removed, or the conversation was. */
  dismissed(error: ColloquyError): void {
    this.#outbox.shut();
    this.#ownTyping.forget();
    this.#others.clear();
    this.#attachment.dismissed(error);
  }

  /** A frame about this conversation that answers no question. */
  hear(frame: ServerFrame): void {
    switch (frame.type) {
      case 'event':
      case 'live':
      case 'reset':
        this.#attachment.hear(frame);
        break;
      case 'presence':
        this.#know(foldPresence(this.#members, frame));
        break;
      case 'typing':
        this.#others.hear(frame.participant_id, frame.active);
        break;
      case 'read':
        this.#emitter.emit('read', { participantId: frame.participant_id, seq: frame.seq });
        break;
      case 'turn.started':
      case 'turn.delta':
      case 'turn.snapshot':
      case 'turn.tool_call':
      case 'turn.tool_result':
      case 'turn.ended':
        this.#turn(frame);
        break;
      default:
        // Answers that nobody awaits any more, and what a newer server may say.
        break;
    }
  }

  #joined(frame: ServerFrameOf<'joined'>): void {
    this.#role = frame.role;
    this.#joinedSeq = frame.head_seq;
    this.#members = membersAtJoin(frame);
    this.#turns = turnsAtJoin(this.#turns, frame.turns);
    this.#outbox.open();
  }

  #event(event: LogEvent): void {
    if (event.seq > this.#joinedSeq) this.#know(foldMember(this.#members, event));
    if (event.kind === 'message') {
      this.#others.hear(event.from.id, false);
      if (event.turn_id !== undefined) {
        this.#turns = turnAnswered(this.#turns, event.turn_id, event.seq);
      }
    }
    if (event.kind === 'turn.decided') this.#turns = turnDecided(this.#turns, event);
    this.#outbox.heard(event);
    this.#emitter.emit('event', event); // 1. state first
    this.#emitter.emit('change', undefined);
  }

  #reset(frame: ServerFrameOf<'reset'>): void {
    this.#outbox.shut();
    this.#ownRead.clear();
    this.#turns = new Map();
    this.#emitter.emit('reset', frame);
  }

  #turn(frame: TurnFrame): void {
    const turns = foldTurn(this.#turns, frame);
    if (turns === this.#turns) return;
    this.#turns = turns;
    const turn = turns.get(frame.turn_id);
    if (turn !== undefined) this.#emitter.emit('turn', turn);
    this.#emitter.emit('change', undefined);
  }

  #know(members: Members): void {
    if (members === this.#members) return;
    this.#members = members;
    this.#emitter.emit('change', undefined);
  }
}
