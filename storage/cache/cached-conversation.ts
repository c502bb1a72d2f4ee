import { agentsOf, type ConversationState } from '../../src/domain/conversation.ts';
import { decodeBody, isKind, type LogEvent } from '../../src/domain/event.ts';
import type { Epoch, ParticipantId } from '../../src/domain/ids.ts';
import { type Message, messageOf } from '../../src/domain/message.ts';
import { PageFill } from '../batch.ts';
import type { Effect, EventPage, Head, MessagePage } from '../store.ts';
import { wellFormedEvent } from '../text.ts';

/** Events of a conversation that are kept at most, the bytes they may take, and when they are kept. */
export interface TailLimits {
  readonly events: number;
  readonly bytes: number;
  /** Events that nobody has read are kept, too: to read them from the store takes a round trip. */
  readonly keepsUnread: boolean;
}

/** What an entry costs besides its events and members. */
const ENTRY_BYTES = 512;
const EVENT_BYTES = 256;
const MEMBER_BYTES = 256;

/**
 * What the cache knows of one conversation: its head, its newest events without a gap up to the head, and its
 * state when that was read. Bytes are counted high (two a character), so that the bound holds in every script.
 *
 * Where reading the store is cheap, the newest events are kept while somebody reads them: from a read on, or from the
 * beginning where an agent listens, until as many have come as would fill the tail twice. To keep what nobody reads
 * was a tenth of the cost of a message (perf/README.md).
 */
export class CachedConversation {
  /** Its bytes as the cache has them in its sum. */
  countedBytes = 0;
  readonly #limits: TailLimits;
  #head: number;
  #epoch: Epoch;
  #firstSeq: number;
  #state: ConversationState | undefined;
  #stateBytes = 0;
  /** Seqs `head - length + 1 … head`. */
  #tail: LogEvent[] = [];
  #tailBytes = 0;
  /** Events that may still come before somebody must read them, or the tail is let go of; 0 when there is none. */
  #keeps = 0;

  constructor({ headSeq, epoch, firstSeq }: Head, limits: TailLimits) {
    this.#head = headSeq;
    this.#epoch = epoch;
    this.#firstSeq = firstSeq;
    this.#limits = limits;
    if (limits.keepsUnread) this.#keeps = Number.POSITIVE_INFINITY;
  }

  get head(): number {
    return this.#head;
  }

  get bytes(): number {
    return ENTRY_BYTES + this.#stateBytes + this.#tailBytes;
  }

  get state(): ConversationState | undefined {
    if (this.#state === undefined) return undefined;
    const { conversation, members } = this.#state;
    const firstSeq = this.#firstSeq;
    return { conversation: { ...conversation, headSeq: this.#head, firstSeq }, members };
  }

  set state(state: ConversationState | undefined) {
    this.#state = state;
    this.#stateBytes = 0;
    if (state === undefined) return;
    this.#stateBytes = state.members.length * MEMBER_BYTES + settingsBytes(state);
    this.#epoch = state.conversation.epoch;
    this.#firstSeq = state.conversation.firstSeq;
    // Each turn of an agent reads what was said.
    if (agentsOf(state.conversation).length > 0) this.#isRead();
  }

  /** It is about the log that stands there. */
  isAt({ epoch, firstSeq, headSeq }: Head): boolean {
    return this.#head === headSeq && this.#epoch === epoch && this.#firstSeq === firstSeq;
  }

  /** Follows an effect of the write that was stored; false when nothing of this may be kept. */
  follow(effect: Effect): boolean {
    switch (effect.kind) {
      case 'member':
      case 'member_gone':
      case 'settings':
        this.state = undefined;
        return true;
      case 'erased':
        return false;
      case 'trimmed':
        this.#begin(effect.firstSeq);
        return true;
      case 'edited':
      case 'turn':
      case 'summary':
        return true;
      default:
        return effect satisfies never;
    }
  }

  /** The events right after the head. Amortised O(1) an event. */
  extend(events: readonly LogEvent[]): void {
    if (this.#keeps === 0) this.#head += events.length;
    else this.#lengthen(events);
  }

  #lengthen(events: readonly LogEvent[]): void {
    for (const given of events) {
      const event = wellFormedEvent(given);
      this.#tail.push(event);
      this.#tailBytes += bytesOf(event);
    }
    this.#head += events.length;
    this.#keeps = Math.max(0, this.#keeps - events.length);
    if (this.#keeps === 0) this.#letGo();
    else if (this.#tail.length > 2 * this.#limits.events || this.#tailBytes > this.#limits.bytes)
      this.#trim();
  }

  /** Somebody reads the newest events. */
  #isRead(): void {
    this.#keeps = Math.max(this.#keeps, 2 * this.#limits.events);
  }

  #letGo(): void {
    this.#tail = [];
    this.#tailBytes = 0;
  }

  /** Takes what a page has from before the tail, when it reaches up to it and there is room. */
  widen(page: readonly LogEvent[]): void {
    this.#isRead();
    const start = this.#tailStart;
    const isNext = (page.at(-1)?.seq ?? 0) >= start - 1;
    if (!isNext || this.#tail.length >= this.#limits.events) return;
    const older = page.filter(({ seq }) => seq < start);
    this.#tail = [...older, ...this.#tail];
    this.#tailBytes += older.reduce((bytes, event) => bytes + bytesOf(event), 0);
    this.#trim();
  }

  /** The page, if the tail has all of it. */
  events(page: EventPage): readonly LogEvent[] | undefined {
    if (page.afterSeq >= this.#head) return [];
    this.#isRead();
    const start = this.#indexAfter(page.afterSeq);
    if (start < 0) return undefined;
    const fill = new PageFill(page);
    for (let index = start; index < this.#tail.length; index += 1) {
      const event = this.#tail[index];
      if (event === undefined || !fill.take(event) || fill.room === 0) break;
    }
    return fill.events;
  }

  /** The page, if the tail has all of it: an edit is newer than its message, so the tail has that too. */
  messages({ afterSeq = 0, beforeSeq, limit }: MessagePage): readonly Message[] | undefined {
    this.#isRead();
    const start = this.#indexAfter(afterSeq);
    if (beforeSeq === undefined && start < 0) return undefined;
    const end = Math.min(beforeSeq ?? this.#head + 1, this.#head + 1);
    const messages = this.#tail.filter(
      (event) => isKind(event, 'message') && event.seq > afterSeq && event.seq < end,
    );
    if (beforeSeq !== undefined && start < 0 && messages.length < limit) return undefined;
    const wanted = beforeSeq === undefined ? messages.slice(0, limit) : messages.slice(-limit);
    const edits = this.#newestEdits();
    return wanted.map((event) => messageOf(event, edits.get(event.seq)));
  }

  /** The seq of a key; `none` when the whole log is here and the key is not; undefined when it can't be told. */
  seqOfKey(sender: ParticipantId, key: string): number | 'none' | undefined {
    for (let index = this.#tail.length - 1; index >= 0; index -= 1) {
      const event = this.#tail[index];
      if (event?.key === key && event.author.id === sender) return event.seq;
    }
    return this.#tail.length === this.#head ? 'none' : undefined;
  }

  #newestEdits(): ReadonlyMap<number, LogEvent> {
    const edits = new Map<number, LogEvent>();
    for (const event of this.#tail) {
      if (isKind(event, 'message.edited')) edits.set(decodeBody(event).target_seq, event);
    }
    return edits;
  }

  /** Where the first event after that seq is in the tail; negative when the tail does not reach back to it. */
  #indexAfter(seq: number): number {
    return Math.max(seq + 1, this.#firstSeq) - this.#tailStart;
  }

  get #tailStart(): number {
    return this.#head - this.#tail.length + 1;
  }

  /** The log begins at `firstSeq`, unless it begins later already. */
  #begin(firstSeq: number): void {
    this.#firstSeq = Math.max(firstSeq, this.#firstSeq);
    const dropped = this.#firstSeq - this.#tailStart;
    if (dropped <= 0) return;
    for (const event of this.#tail.splice(0, dropped)) this.#tailBytes -= bytesOf(event);
  }

  #trim(): void {
    let dropped = Math.max(0, this.#tail.length - this.#limits.events);
    let bytes = this.#tailBytes;
    for (let index = 0; index < dropped; index += 1) bytes -= bytesOf(this.#tail[index]);
    // Down to half, so that the next trim is a while away.
    const room = bytes > this.#limits.bytes ? this.#limits.bytes / 2 : this.#limits.bytes;
    while (dropped < this.#tail.length && bytes > room) {
      bytes -= bytesOf(this.#tail[dropped]);
      dropped += 1;
    }
    this.#tail = this.#tail.slice(dropped);
    this.#tailBytes = bytes;
  }
}

function bytesOf(event: LogEvent | undefined): number {
  return event === undefined ? 0 : EVENT_BYTES + 2 * (event.body.length + (event.key?.length ?? 0));
}

function settingsBytes({ conversation }: ConversationState): number {
  return ENTRY_BYTES + 2 * JSON.stringify(conversation.metadata).length;
}
