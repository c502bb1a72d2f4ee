import type { Conversation, ConversationState } from '../../src/domain/conversation.ts';
import type { LogEvent } from '../../src/domain/event.ts';
import type { ConversationId, ParticipantId } from '../../src/domain/ids.ts';
import { type Message, messageOf } from '../../src/domain/message.ts';
import { PageFill } from '../batch.ts';
import type { EventPage, Head, ListPage, MessagePage } from '../store.ts';
import { wellFormedText } from '../text.ts';
import { eventOf, MESSAGE_CODE } from './codes.ts';
import { conversationOf } from './conversation-tables.ts';
import type { Entry } from './directory.ts';
import type { Tables } from './tables.ts';

/** Every read: places say where older events stand in the log, the index of pending rows where the newer ones do. */
export class Reader {
  readonly #tables: Tables;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  load(id: ConversationId): ConversationState | undefined {
    const { conversations, directory } = this.#tables;
    const row = conversations.find(id);
    if (row === undefined) return undefined;
    const head = directory.headOf(row.cid, row.first_seq);
    return { conversation: conversationOf(row, head), members: conversations.members(row.cid) };
  }

  list(participant: ParticipantId, page: ListPage): Conversation[] {
    const { conversations, directory } = this.#tables;
    return conversations
      .list(participant, page)
      .map((row) => conversationOf(row, directory.headOf(row.cid, row.first_seq)));
  }

  heads(ids: readonly ConversationId[]): ReadonlyMap<ConversationId, Head> {
    const { conversations, directory } = this.#tables;
    const heads = new Map<ConversationId, Head>();
    for (const id of ids) {
      const row = conversations.find(id);
      if (row === undefined) continue;
      const { cid, epoch, first_seq: firstSeq } = row;
      heads.set(id, { epoch, firstSeq, headSeq: directory.headOf(cid, firstSeq) });
    }
    return heads;
  }

  events(id: ConversationId, page: EventPage): readonly LogEvent[] {
    const entry = this.#tables.directory.find(id);
    if (entry === undefined) return [];
    const fill = new PageFill(page);
    for (let seq = Math.max(page.afterSeq + 1, entry.firstSeq); seq <= entry.head; seq += 1) {
      const event = this.#at(entry.cid, seq);
      if (event === undefined || !fill.take(event) || fill.room === 0) break;
    }
    return fill.events;
  }

  messages(id: ConversationId, page: MessagePage): readonly Message[] {
    const entry = this.#tables.directory.find(id);
    if (entry === undefined) return [];
    const events = this.#messageEvents(entry, page);
    const [first, last] = [events[0], events.at(-1)];
    if (first === undefined || last === undefined) return [];
    const edits = this.#tables.sides.newestEdits(entry.cid, first.seq, last.seq);
    return events.map((event) => {
      const edit = edits.get(event.seq);
      return messageOf(event, edit === undefined ? undefined : this.#at(entry.cid, edit));
    });
  }

  seqOfKey(id: ConversationId, sender: ParticipantId, key: string): number | undefined {
    const entry = this.#tables.directory.find(id);
    return entry && this.#tables.keys.seqOf(entry.cid, sender, wellFormedText(key));
  }

  /** Ascending: the oldest after `afterSeq`, or the newest before `beforeSeq`. */
  #messageEvents(entry: Entry, { afterSeq = 0, beforeSeq, limit }: MessagePage): LogEvent[] {
    const { cid, head, firstSeq } = entry;
    const events: LogEvent[] = [];
    const from = Math.max(afterSeq + 1, firstSeq);
    const take = (seq: number) => {
      const event = this.#messageAt(cid, seq);
      if (event !== undefined) events.push(event);
    };
    if (beforeSeq === undefined) {
      for (let seq = from; seq <= head && events.length < limit; seq += 1) take(seq);
      return events;
    }
    for (let seq = Math.min(beforeSeq - 1, head); seq >= from && events.length < limit; seq -= 1)
      take(seq);
    return events.reverse();
  }

  /** Undefined when there is an event of another kind, which a place tells without reading it. */
  #messageAt(cid: number, seq: number): LogEvent | undefined {
    const { pending, places } = this.#tables;
    const isPending = pending.rowOf(cid, seq) !== undefined;
    if (!isPending && places.kindOf(cid, seq) !== MESSAGE_CODE) return undefined;
    const event = this.#at(cid, seq);
    return event?.kind === 'message' ? event : undefined;
  }

  #at(cid: number, seq: number): LogEvent | undefined {
    const { log, pending, places } = this.#tables;
    const row = pending.rowOf(cid, seq) ?? places.rowOf(cid, seq);
    return row === undefined ? undefined : eventOf(log.get(row));
  }
}
