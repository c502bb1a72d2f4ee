import { defaultSettings, found } from '../../../actors/commands.ts';
import type { ConversationActor } from '../../../actors/conversation-actor.ts';
import type { Subscription } from '../../../actors/subscription.ts';
import type { AuditAction } from '../../domain/audit.ts';
import { type Failure, failure } from '../../domain/failure.ts';
import type { ConversationId, ParticipantId } from '../../domain/ids.ts';
import type { Author, Member, Role } from '../../domain/participant.ts';
import type { Result } from '../../domain/result.ts';
import type { ClientFrames } from '../../protocol/client-frames.ts';
import { errorFrame } from '../../protocol/encode.ts';
import type { ServerFrames } from '../../protocol/server-frames.ts';
import { noteDeed } from '../audited.ts';
import type { Edge } from '../edge.ts';
import { snapshotFrame } from '../encoder.ts';
import { enter } from '../joining.ts';
import { positionIn, resetOf } from '../position.ts';
import { roster } from '../roster.ts';
import type { Connection } from './connection.ts';

/** Where somebody speaks, and who they are there, where that is known. */
export interface Place {
  readonly actor: ConversationActor;
  readonly member?: Member | undefined;
}

/** One conversation that a connection listens to. */
class Membership implements Place {
  readonly actor: ConversationActor;
  readonly subscription: Subscription;
  #among: ReadonlyMap<ParticipantId, Member> | undefined;
  #member: Member | undefined;

  constructor(actor: ConversationActor, subscription: Subscription) {
    this.actor = actor;
    this.subscription = subscription;
  }

  /** Who that is among its members, as of now; looked up when they have changed. */
  get member(): Member | undefined {
    const { members } = this.actor;
    if (members !== this.#among) {
      this.#among = members;
      this.#member = members.get(this.subscription.participantId);
    }
    return this.#member;
  }
}

/** The conversations that one connection listens to. */
export class Memberships {
  readonly #edge: Edge;
  readonly #connection: Connection;
  readonly #of = new Map<ConversationId, Membership>();
  /** The one asked for last, while it is one of them. */
  #last: Membership | undefined;

  constructor(edge: Edge, connection: Connection) {
    this.#edge = edge;
    this.#connection = connection;
  }

  actorOf(id: ConversationId): ConversationActor | undefined {
    return this.of(id)?.actor;
  }

  /** Most connections speak in one conversation: to compare its id is cheaper than to find it. */
  of(id: ConversationId): Membership | undefined {
    if (this.#last?.actor.id !== id) this.#last = this.#of.get(id);
    return this.#last;
  }

  /** Answers `joined` or `reset`, or says why not. */
  async join(frame: ClientFrames['join'], who: Author): Promise<Failure | undefined> {
    const id = frame.conversation_id;
    if (!this.#of.has(id) && this.#of.size >= this.#edge.limits.maxConversationsPerConnection) {
      return failure('too_many_conversations');
    }
    const woken = await this.#wake(frame, who);
    if (!woken.ok) return woken.failure;
    const actor = woken.value;
    const isNew = !actor.members.has(who.id);
    const member = await enter(this.#edge, actor, { who, invite: frame.invite });
    if (isNew) this.#note('participant.joined', { who, id, outcome: member });
    if (!member.ok) return member.failure;
    if (!this.#connection.isOpen) return undefined;
    const position = positionIn(actor.conversation, {
      afterSeq: frame.after_seq,
      epoch: frame.epoch,
    });
    if (typeof position !== 'number') {
      this.#connection.say({ ...position, id: frame.id });
      return undefined;
    }
    this.#attach(actor, who, position);
    this.#connection.say(joinedFrame(frame.id, actor, member.value.role));
    const subscription = this.#of.get(id)?.subscription;
    if (subscription !== undefined) actor.audience.catchUp(subscription);
    return undefined;
  }

  /** Answers `left`. */
  leave({ id, conversation_id }: ClientFrames['leave']): Failure | undefined {
    const membership = this.#of.get(conversation_id);
    if (membership === undefined) return failure('not_a_participant');
    this.#of.delete(conversation_id);
    this.#count();
    membership.actor.detach(membership.subscription);
    this.#connection.say({ type: 'left', id, conversation_id });
    return undefined;
  }

  drained(): void {
    for (const { actor, subscription } of this.#of.values()) actor.audience.drained(subscription);
  }

  end(): void {
    for (const { actor, subscription } of this.#of.values()) actor.detach(subscription);
    this.#of.clear();
    this.#count();
  }

  #attach(actor: ConversationActor, who: Author, position: number): void {
    const before = this.#of.get(actor.id);
    if (before !== undefined) before.actor.detach(before.subscription);
    const listener = {
      outlet: this.#connection,
      participantId: who.id,
      dismissed: (reason: Failure) => {
        this.#of.delete(actor.id);
        this.#count();
        if (reason.reason === 'draining') return;
        if (reason.reason === 'trimmed')
          this.#connection.say(resetOf(actor.conversation, 'trimmed'));
        else this.#connection.send(errorFrame(reason, { conversationId: actor.id }));
      },
    };
    this.#of.set(actor.id, new Membership(actor, actor.attach(listener, position)));
    this.#count();
  }

  #count(): void {
    this.#last = undefined;
    this.#connection.isShared = this.#of.size > 1;
  }

  #note(
    action: AuditAction,
    { who, id, outcome }: { who: Author; id: ConversationId; outcome: Result<unknown, Failure> },
  ): void {
    const origin = { participantId: who.id, from: this.#connection.from };
    noteDeed(this.#edge.audit, origin, { action, conversationId: id, target: who.id, outcome });
  }

  async #wake(
    frame: ClientFrames['join'],
    who: Author,
  ): Promise<Result<ConversationActor, Failure>> {
    const id = frame.conversation_id;
    const { registry, defaults, clock } = this.#edge;
    const there = await registry.get(id);
    if (there.ok || frame.create !== true) return there;
    if (there.failure.reason !== 'conversation_not_found') return there;
    const made = await found(
      registry,
      { by: who, id, key: null, ...defaultSettings(defaults) },
      clock.now(),
    );
    this.#note('conversation.created', { who, id, outcome: made });
    if (made.ok || made.failure.reason !== 'already_exists') return made;
    return registry.get(id);
  }
}

function joinedFrame(id: string, actor: ConversationActor, role: Role): ServerFrames['joined'] {
  const { conversation } = actor;
  return {
    type: 'joined',
    id,
    conversation_id: conversation.id,
    epoch: conversation.epoch,
    head_seq: conversation.headSeq,
    first_seq: conversation.firstSeq,
    role,
    participants: roster(actor),
    turns: actor.turnSnapshots().map((turn) => snapshotFrame(conversation.id, turn)),
  };
}
