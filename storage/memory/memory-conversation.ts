import type { Conversation, ConversationState } from '../../src/domain/conversation.ts';
import { isKind, type LogEvent, redactBody } from '../../src/domain/event.ts';
import type { ParticipantId, TurnId } from '../../src/domain/ids.ts';
import { type Message, messageOf } from '../../src/domain/message.ts';
import type { Member } from '../../src/domain/participant.ts';
import type { Summary } from '../../src/domain/summary.ts';
import { isOver, type Turn } from '../../src/domain/turn.ts';
import { keyText, PageFill, takenKeys } from '../batch.ts';
import type { Effect, EventPage, MessagePage, TakenKey } from '../store.ts';
import { wellFormedEvent, wellFormedName, wellFormedText } from '../text.ts';

/** One conversation of the memory store: the port's words on plain maps. */
export class MemoryConversation {
  readonly members = new Map<ParticipantId, Member>();
  readonly turns = new Map<TurnId, Turn>();
  summary: Summary | undefined;
  #conversation: Conversation;
  /** The event with seq n is at `n - firstSeq`. */
  readonly #events: LogEvent[] = [];
  readonly #keys = new Map<string, number>();
  /** The seqs of a message's edits, ascending. */
  readonly #edits = new Map<number, number[]>();

  constructor({ conversation, members }: ConversationState) {
    this.#conversation = conversation;
    for (const member of members) this.members.set(member.id, member);
  }

  get head(): number {
    return this.#conversation.firstSeq - 1 + this.#events.length;
  }

  get isEmpty(): boolean {
    return this.#events.length === 0;
  }

  get state(): ConversationState {
    return { conversation: this.conversation, members: [...this.members.values()] };
  }

  get conversation(): Conversation {
    return { ...this.#conversation, headSeq: this.head };
  }

  add(events: readonly LogEvent[]): void {
    for (const event of events) {
      const stored = wellFormedEvent(event);
      this.#events.push(stored);
      if (stored.key !== null) this.#keys.set(keyText(stored.author.id, stored.key), stored.seq);
    }
  }

  seqOfKey(sender: ParticipantId, key: string): number | undefined {
    return this.#keys.get(keyText(sender, wellFormedText(key)));
  }

  taken(events: readonly LogEvent[]): readonly TakenKey[] | undefined {
    return takenKeys(events.map(wellFormedEvent), (sender, key) => this.seqOfKey(sender, key));
  }

  apply(effect: Effect): void {
    switch (effect.kind) {
      case 'member':
        this.members.set(effect.member.id, wellFormedName(effect.member));
        return;
      case 'member_gone':
        this.members.delete(effect.participantId);
        return;
      case 'settings': {
        const { title, visibility, agent, agents, metadata, updatedAt } = effect.conversation;
        const { agents: _, ...rest } = this.#conversation;
        this.#conversation = {
          ...rest,
          ...(agents === undefined ? {} : { agents }),
          title,
          visibility,
          agent,
          metadata,
          updatedAt,
        };
        return;
      }
      case 'edited':
        this.#forgetSummary(effect.targetSeq);
        this.#edits.set(effect.targetSeq, [
          ...(this.#edits.get(effect.targetSeq) ?? []),
          effect.seq,
        ]);
        return;
      case 'erased':
        this.#forgetSummary(effect.targetSeq);
        for (const seq of [effect.targetSeq, ...(this.#edits.get(effect.targetSeq) ?? [])])
          this.#redact(seq);
        return;
      case 'turn':
        this.#putTurn(effect.turn);
        return;
      case 'summary':
        this.summary = effect.summary;
        return;
      case 'trimmed':
        this.summary = undefined;
        this.#trim(effect.firstSeq);
        return;
      default:
        effect satisfies never;
    }
  }

  /** One that has ended stays ended. */
  #putTurn(turn: Turn): void {
    const before = this.turns.get(turn.id);
    const isReopened = before !== undefined && isOver(before.state) && !isOver(turn.state);
    if (!isReopened) this.turns.set(turn.id, turn);
  }

  page(page: EventPage): readonly LogEvent[] {
    const fill = new PageFill(page);
    for (
      let seq = Math.max(page.afterSeq + 1, this.#conversation.firstSeq);
      seq <= this.head;
      seq += 1
    ) {
      const event = this.#at(seq);
      if (event === undefined || !fill.take(event)) break;
    }
    return fill.events;
  }

  messages({ afterSeq = 0, beforeSeq, limit }: MessagePage): readonly Message[] {
    const within = this.#events.filter(
      (event) =>
        isKind(event, 'message') &&
        event.seq > afterSeq &&
        event.seq < (beforeSeq ?? this.head + 1),
    );
    const wanted = beforeSeq === undefined ? within.slice(0, limit) : within.slice(-limit);
    return wanted.map((event) => {
      const edit = this.#edits.get(event.seq)?.at(-1);
      return messageOf(event, edit === undefined ? undefined : this.#at(edit));
    });
  }

  /** Edits of what is gone are kept in `#edits`: they can still be erased. Keys stay (S5). */
  #trim(firstSeq: number): void {
    const count = firstSeq - this.#conversation.firstSeq;
    if (count <= 0) return;
    this.#events.splice(0, count);
    this.#conversation = { ...this.#conversation, firstSeq };
  }

  #at(seq: number): LogEvent | undefined {
    return this.#events[seq - this.#conversation.firstSeq];
  }

  /** When it goes as far as `seq`. */
  #forgetSummary(seq: number): void {
    if (this.summary !== undefined && this.summary.toSeq >= seq) this.summary = undefined;
  }

  #redact(seq: number): void {
    const event = this.#at(seq);
    if (event === undefined || !(isKind(event, 'message') || isKind(event, 'message.edited')))
      return;
    this.#events[seq - this.#conversation.firstSeq] = {
      ...event,
      body: redactBody(event.kind, event.body),
    };
  }
}
