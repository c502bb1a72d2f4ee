import type { Conversation } from '../src/domain/conversation.ts';
import type { ParticipantId } from '../src/domain/ids.ts';
import type { Member } from '../src/domain/participant.ts';
import type { ActorParts } from './actor-parts.ts';
import { hasAgents } from './agent-seat.ts';
import type { ChainLimits } from './asking.ts';
import type { ConversationActor } from './conversation-actor.ts';
import type { Seats } from './seats.ts';
import type { StageView } from './stage.ts';

/** What a batch of a conversation is judged by. */
export class ActorView implements StageView {
  readonly conversation: Conversation;
  readonly members: ReadonlyMap<ParticipantId, Member>;
  readonly #actor: ConversationActor;
  readonly #parts: ActorParts;
  readonly #turns: Seats | undefined;

  constructor(actor: ConversationActor, parts: ActorParts, turns: Seats | undefined) {
    this.conversation = actor.conversation;
    this.members = actor.members;
    this.#actor = actor;
    this.#parts = parts;
    this.#turns = turns;
  }

  get maxParticipants(): number {
    return this.#parts.limits.maxParticipants;
  }

  get maxQueuedTurns(): number {
    return this.#parts.limits.maxQueuedTurns;
  }

  get chain(): ChainLimits {
    return this.#parts.limits;
  }

  get beginsTurns(): boolean {
    return hasAgents(this.#parts);
  }

  get runner(): string | undefined {
    return this.#parts.runner;
  }

  openTurns(agent: ParticipantId): number {
    return this.#turns?.openOf(agent) ?? 0;
  }

  isErased(seq: number): boolean {
    return this.#actor.recent.isErased(seq);
  }

  agentOf(seq: number): ParticipantId | undefined {
    return this.#actor.recent.agentOf(seq);
  }
}
