import { amend, isUnknownTarget, lookAtTarget, say } from '../../../actors/commands.ts';
import type { ConversationActor } from '../../../actors/conversation-actor.ts';
import type { Outcome } from '../../../actors/draft.ts';
import { type Failure, failure } from '../../domain/failure.ts';
import type { ConversationId } from '../../domain/ids.ts';
import type { Author } from '../../domain/participant.ts';
import type { Result } from '../../domain/result.ts';
import type { Admitted } from '../../pipeline/moderation.ts';
import type { ClientFrame, ClientFrames } from '../../protocol/client-frames.ts';
import { type BadFrame, decodeFrame } from '../../protocol/decode.ts';
import { ackFrame, errorFrame, wireTime } from '../../protocol/encode.ts';
import { type Looked, look, spared } from '../admission.ts';
import { type Deed, noteDeed } from '../audited.ts';
import type { Edge } from '../edge.ts';
import type { Connection } from './connection.ts';
import { FullMailbox, rateLimited } from './early-refusal.ts';
import { greet } from './greeting.ts';
import { Memberships, type Place } from './memberships.ts';
import { steer } from './steer.ts';

/** Frames, and characters of frames, that may wait behind one that takes its time. */
const WAITING_FRAMES = 512;
const WAITING_CHARS = 1024 * 1024;
/** Frames in a row that are not even JSON objects, after which this is not our protocol. */
const BAD_FRAMES = 50;

/**
 * What one connection says, in the order it says it.
 *
 * Owns: who it is, its place in its conversations (through `Memberships`), the frames that wait. Does not own:
 * the socket.
 * Invariants: N1. Nothing but `hello` is listened to before somebody is known. N2. A frame is looked at after
 * the joins before it are done, so a client need not wait for `joined` to send.
 */
export class Session {
  /** For people and logs: which connection this was. */
  readonly id = `s_${crypto.randomUUID()}`;
  readonly connection: Connection;
  readonly memberships: Memberships;
  who: Author | undefined;
  /** Milliseconds since 1970; undefined while nobody is known. */
  tokenExpiresAt: number | undefined;
  readonly openedAt: number;
  lastHeardAt: number;
  readonly #edge: Edge;
  #waiting: string[] = [];
  #waitingChars = 0;
  #isBusy = false;
  #badFrames = 0;
  /** What refused a send of this connection last, as long as it would again. */
  #full: FullMailbox | undefined;

  constructor(edge: Edge, connection: Connection) {
    this.#edge = edge;
    this.connection = connection;
    this.memberships = new Memberships(edge, connection);
    this.openedAt = edge.clock.now();
    this.lastHeardAt = this.openedAt;
  }

  /** A text frame from the client. */
  receive(text: string): void {
    this.lastHeardAt = this.#edge.clock.now();
    if (this.#isBusy) this.#wait(text);
    else if (this.#full === undefined || !this.#refusesEarly(this.#full, text))
      this.#dispatch(text);
  }

  #refusesEarly(full: FullMailbox, text: string): boolean {
    if (!full.isFull) {
      this.#full = undefined;
      return false;
    }
    const refusal = full.refusalOf(text);
    if (refusal === undefined) return false;
    this.#edge.meters.refuse('mailbox_full');
    this.connection.answer(refusal);
    return true;
  }

  #wait(text: string): void {
    const isFull =
      this.#waiting.length >= WAITING_FRAMES || this.#waitingChars + text.length > WAITING_CHARS;
    if (isFull) {
      const refusal = rateLimited(text);
      if (refusal === undefined) {
        const decoded = decodeFrame(text);
        this.#refuse(decoded.ok ? about(decoded.value) : decoded.failure, failure('rate_limited'));
        return;
      }
      this.#edge.meters.refuse('rate_limited');
      this.connection.answer(refusal);
      return;
    }
    this.#waiting.push(text);
    this.#waitingChars += text.length;
  }

  /** The header of the upgrade said who it is: no `hello` needed. */
  introduce(token: string): void {
    this.#inOrder(() => greet(this.#edge, this, { type: 'hello', token }));
  }

  /** Something that is no text frame of the protocol. */
  refuseFrame(reason: Failure): void {
    this.lastHeardAt = this.#edge.clock.now();
    this.#refuse({}, reason);
    if (reason.reason === 'frame_too_large') this.connection.close('frame_too_large');
    else this.#countBad();
  }

  /** The socket has room again. */
  drained(): void {
    this.memberships.drained();
  }

  /** The socket is gone. */
  end(): void {
    this.#waiting = [];
    this.#full = undefined;
    this.memberships.end();
  }

  /** A throw here would end the process: it ends at the client instead. */
  #dispatch(text: string): void {
    try {
      this.#look(text);
    } catch (cause) {
      this.#broke(cause);
    }
  }

  #look(text: string): void {
    const decoded = decodeFrame(text);
    if (decoded.ok) {
      this.#badFrames = 0;
      this.#handle(decoded.value);
      return;
    }
    this.#refuse(decoded.failure, decoded.failure.failure);
    if (decoded.failure.failure.reason === 'bad_frame') this.#countBad();
    if (this.who === undefined) this.connection.close('unauthenticated');
  }

  #handle(frame: ClientFrame): void {
    const { who } = this;
    if (who === undefined && frame.type !== 'hello') {
      this.#refuse(about(frame), failure('unauthenticated', { message: 'Say `hello` first.' }));
      this.connection.close('unauthenticated');
      return;
    }
    if (frame.type === 'hello') this.#inOrder(() => greet(this.#edge, this, frame));
    else if (who !== undefined) this.#obey(frame, who);
  }

  #obey(frame: Exclude<ClientFrame, { type: 'hello' }>, who: Author): void {
    switch (frame.type) {
      case 'send':
        this.#send(frame, who);
        break;
      case 'join':
      case 'leave':
        this.#inOrder(() => this.#moveAbout(frame, who));
        break;
      case 'edit':
        this.#edit(frame, who);
        break;
      case 'delete':
        this.#amend(frame, who);
        break;
      case 'cancel':
      case 'decide':
        this.#steer(frame, who).catch(this.#broke);
        break;
      case 'read':
      case 'typing':
        this.#tell(frame, who);
        break;
      case 'ping':
        this.connection.say({
          type: 'pong',
          ...(frame.id === undefined ? {} : { id: frame.id }),
          time: wireTime(this.#edge.clock.now()),
        });
        break;
      default:
        frame satisfies never;
    }
  }

  /** What the frames behind it depend on: it is done before the next one is looked at. */
  #inOrder(act: () => Promise<void>): void {
    this.#isBusy = true;
    act()
      .catch(this.#broke)
      .finally(() => {
        this.#isBusy = false;
        this.#goOn();
      });
  }

  async #moveAbout(frame: ClientFrames['join' | 'leave'], who: Author): Promise<void> {
    const refused =
      frame.type === 'join'
        ? await this.memberships.join(frame, who)
        : this.memberships.leave(frame);
    if (refused !== undefined) this.#refuse(about(frame), refused);
  }

  #goOn(): void {
    while (!this.#isBusy && this.connection.isOpen) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#waitingChars -= next.length;
      this.#dispatch(next);
    }
  }

  /** The hot path. */
  #send(given: ClientFrames['send'], who: Author): void {
    const looked = look(this.#edge, given.content);
    if (looked === given.content) this.#sendNow(given, who);
    else if (typeof looked === 'string') this.#sendNow({ ...given, content: looked }, who);
    else this.#whenAdmitted({ given, who, looked }, (frame) => this.#sendLater(frame, who));
  }

  #sendNow(frame: ClientFrames['send'], who: Author): void {
    const place = this.memberships.of(frame.conversation_id);
    const { reply_to: target } = frame;
    if (place !== undefined && (target === undefined || !isUnknownTarget(place.actor, target))) {
      this.#say(place, frame, who);
    } else {
      this.#inOrder(() => this.#sendLater(frame, who));
    }
  }

  /** It was refused, or somebody else is asked about it: `then` it is said, with all frames behind it waiting. */
  #whenAdmitted<F extends ClientFrames['send' | 'edit']>(
    { given, who, looked }: { given: F; who: Author; looked: Looked },
    then: (admitted: F) => void | Promise<void>,
  ): void {
    const { conversation_id: conversationId, key = null, content } = given;
    this.#inOrder(async () => {
      const sayer = { conversationId, who, key };
      const frame = this.#withContent(given, await spared(this.#edge, content, { sayer, looked }));
      if (frame !== undefined) await then(frame);
    });
  }

  #withContent<F extends ClientFrames['send' | 'edit']>(
    frame: F,
    content: Admitted,
  ): F | undefined {
    if (content === frame.content) return frame;
    if (typeof content === 'string') return { ...frame, content };
    const outcome = { ok: false, failure: content } as const;
    const deed = { action: 'message.refused', conversationId: frame.conversation_id } as const;
    if (content.reason === 'content_refused') this.#noting(deed)(outcome);
    this.#refuse(about(frame), content);
    return undefined;
  }

  /** To a conversation that is not listened to here, or in reply to who knows whom. */
  async #sendLater(frame: ClientFrames['send'], who: Author): Promise<void> {
    const found = await this.#edge.registry.get(frame.conversation_id);
    if (!found.ok) {
      this.#refuse(about(frame), found.failure);
      return;
    }
    if (frame.reply_to !== undefined) await lookAtTarget(found.value, frame.reply_to);
    this.#say({ actor: found.value }, frame, who);
  }

  #say({ actor, member }: Place, frame: ClientFrames['send'], who: Author): void {
    const { content, key = null, reply_to: replyTo, metadata } = frame;
    say(actor, { author: who, content, key, replyTo, metadata, member }, (outcome) => {
      this.#acknowledge(frame, outcome);
      if (!this.#edge.audit.keepsMessages) {
        if (!outcome.ok && outcome.failure.reason === 'mailbox_full')
          this.#full = new FullMailbox(actor, outcome.failure);
        return;
      }
      const target = outcome.ok ? String(outcome.value.seq) : null;
      this.#noting({ action: 'message.sent', conversationId: actor.id, target })(outcome);
    });
  }

  #edit(given: ClientFrames['edit'], who: Author): void {
    const amend = (frame: ClientFrames['edit']) => this.#amend(frame, who, frame.content);
    const looked = look(this.#edge, given.content);
    if (typeof looked === 'string') amend({ ...given, content: looked });
    else this.#whenAdmitted({ given, who, looked }, amend);
  }

  #amend(frame: ClientFrames['edit' | 'delete'], who: Author, content?: string): void {
    const note = this.#noting({
      action: content === undefined ? 'message.deleted' : 'message.edited',
      conversationId: frame.conversation_id,
      target: String(frame.seq),
    });
    this.#withActor(frame, async (actor) => {
      const outcome = await amend(actor, {
        author: who,
        targetSeq: frame.seq,
        key: frame.key ?? null,
        ...(content === undefined ? {} : { content }),
      });
      note(outcome);
      this.#acknowledge(frame, outcome);
    });
  }

  #acknowledge(
    frame: { id: string; conversation_id: ConversationId; key?: string | undefined },
    outcome: Outcome,
  ): void {
    if (!outcome.ok) {
      this.#refuse(about(frame), outcome.failure);
      return;
    }
    this.connection.send(ackFrame(frame, outcome.value));
  }

  async #steer(frame: ClientFrames['cancel' | 'decide'], who: Author): Promise<void> {
    const note = this.#noting({
      action: frame.type === 'cancel' ? 'turn.cancelled' : 'turn.decided',
      conversationId: frame.conversation_id,
      target: frame.turn_id,
    });
    const found = await this.#edge.registry.get(frame.conversation_id);
    const done = found.ok ? await steer(found.value, frame, who) : found;
    note(done);
    if (done.ok) this.connection.say({ type: 'ok', id: frame.id });
    else this.#refuse(about(frame), done.failure);
  }

  /** `read` and `typing`: told to the others, and to nobody's log. */
  #tell(frame: ClientFrames['read' | 'typing'], who: Author): void {
    const actor = this.memberships.actorOf(frame.conversation_id);
    if (actor === undefined || !actor.members.has(who.id)) {
      this.#refuse(about(frame), failure('not_a_participant'));
      return;
    }
    const participantId = who.id;
    if (frame.type === 'typing') {
      actor.notify({ kind: 'typing', participantId, active: frame.active }, participantId);
      return;
    }
    if (frame.seq > actor.conversation.headSeq) {
      const message = '`seq`: there is no such seq yet';
      this.#refuse(about(frame), failure('invalid_field', { message }));
      return;
    }
    actor.notify({ kind: 'read', participantId, seq: frame.seq }, participantId);
  }

  #withActor(
    frame: { id: string; conversation_id: ConversationId },
    then: (actor: ConversationActor) => void | Promise<void>,
  ): void {
    const use = async (found: Result<ConversationActor, Failure>) => {
      if (found.ok) await then(found.value);
      else this.#refuse(about(frame), found.failure);
    };
    this.#edge.registry.get(frame.conversation_id).then(use).catch(this.#broke);
  }

  #refuse(origin: Omit<BadFrame, 'failure'>, refused: Failure): void {
    const { reason, cause } = refused;
    this.#edge.meters.refuse(reason);
    if (cause !== undefined)
      this.#edge.log.warn('frame_refused', { session: this.id, reason, cause });
    this.connection.send(errorFrame(refused, origin));
  }

  /** Writes down what came of a deed; from where it came is known now, and perhaps no longer then. */
  #noting(deed: Deed): (outcome: Result<unknown, Failure>) => void {
    const origin = { participantId: this.who?.id ?? null, from: this.connection.from };
    return (outcome) => noteDeed(this.#edge.audit, origin, { ...deed, outcome });
  }

  #countBad(): void {
    this.#badFrames += 1;
    if (this.#badFrames >= BAD_FRAMES) this.connection.close('protocol_error');
  }

  readonly #broke = (cause: unknown): void => {
    this.#edge.log.error('session_broke', { session: this.id, cause });
    const message = `Something broke on our side; it is in the log under ${this.id}.`;
    this.#refuse({}, failure('internal', { message }));
  };
}

function about(frame: { id?: string | undefined; conversation_id?: ConversationId | undefined }) {
  return {
    ...(frame.id === undefined ? {} : { id: frame.id }),
    ...(frame.conversation_id === undefined ? {} : { conversationId: frame.conversation_id }),
  };
}
