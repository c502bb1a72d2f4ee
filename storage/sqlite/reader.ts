import type { Conversation, ConversationState } from '../../src/domain/conversation.ts';
import type { LogEvent } from '../../src/domain/event.ts';
import type { ConversationId, ParticipantId } from '../../src/domain/ids.ts';
import { type Message, messageOf } from '../../src/domain/message.ts';
import { PageFill } from '../batch.ts';
import type { EventPage, ListPage, MessagePage } from '../store.ts';
import { type EventRow, eventOf, MESSAGE_CODE } from './codes.ts';
import { conversationOf } from './conversation-tables.ts';
import type { Entry } from './directory.ts';
import type { Tables } from './tables.ts';

/** Every read: the older part from `events`, the newer from the rows of the log that are not moved yet. */
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

  events(id: ConversationId, page: EventPage): readonly LogEvent[] {
    const entry = this.#tables.directory.find(id);
    if (entry === undefined || page.afterSeq >= entry.head) return [];
    const { events, log, pending } = this.#tables;
    const fill = new PageFill(page);
    const firstPending = pending.firstSeq(entry.cid) ?? entry.head + 1;
    if (page.afterSeq + 1 < firstPending) {
      for (const row of events.page({
        cid: entry.cid,
        after: page.afterSeq,
        before: firstPending,
      })) {
        if (!fill.take(eventOf(row)) || fill.room === 0) return fill.events;
      }
    }
    for (let seq = Math.max(page.afterSeq + 1, firstPending); seq <= entry.head; seq += 1) {
      const row = pending.rowOf(entry.cid, seq);
      if (row === undefined || !fill.take(eventOf(log.get(row))) || fill.room === 0) break;
    }
    return fill.events;
  }

  messages(
    id: ConversationId,
    { afterSeq = 0, beforeSeq, limit }: MessagePage,
  ): readonly Message[] {
    const entry = this.#tables.directory.find(id);
    if (entry === undefined) return [];
    const rows =
      beforeSeq === undefined
        ? this.#oldestMessages(entry, afterSeq, limit)
        : this.#newestMessages(entry, {
            afterSeq,
            beforeSeq: Math.min(beforeSeq, entry.head + 1),
            limit,
          });
    const [first, last] = [rows[0], rows.at(-1)];
    if (first === undefined || last === undefined) return [];
    const edits = this.#tables.sides.newestEdits(entry.cid, first.seq, last.seq);
    return rows.map((row) => {
      const edit = edits.get(row.seq);
      return messageOf(eventOf(row), edit === undefined ? undefined : this.#at(entry.cid, edit));
    });
  }

  seqOfKey(id: ConversationId, sender: ParticipantId, key: string): number | undefined {
    const { directory, events, pending } = this.#tables;
    const entry = directory.find(id);
    if (entry === undefined) return undefined;
    const text = key.toWellFormed();
    return pending.seqOfKey(entry.cid, sender, text) ?? events.seqOfKey(entry.cid, sender, text);
  }

  #oldestMessages({ cid, head }: Entry, after: number, limit: number): EventRow[] {
    const { events, log, pending } = this.#tables;
    const firstPending = pending.firstSeq(cid) ?? head + 1;
    const rows =
      after + 1 < firstPending
        ? events.oldestMessages({ cid, after, before: firstPending }, limit)
        : [];
    for (
      let seq = Math.max(after + 1, firstPending);
      seq <= head && rows.length < limit;
      seq += 1
    ) {
      const at = pending.rowOf(cid, seq);
      const row = at === undefined ? undefined : log.get(at);
      if (row?.kind === MESSAGE_CODE) rows.push(row);
    }
    return rows;
  }

  #newestMessages({ cid, head }: Entry, page: Required<MessagePage>): EventRow[] {
    const { afterSeq: after, beforeSeq: before, limit } = page;
    const { events, log, pending } = this.#tables;
    const firstPending = pending.firstSeq(cid) ?? head + 1;
    const rows: EventRow[] = [];
    for (
      let seq = before - 1;
      seq > after && seq >= firstPending && rows.length < limit;
      seq -= 1
    ) {
      const at = pending.rowOf(cid, seq);
      const row = at === undefined ? undefined : log.get(at);
      if (row?.kind === MESSAGE_CODE) rows.push(row);
    }
    const range = { cid, after, before: Math.min(before, firstPending) };
    if (rows.length < limit) rows.push(...events.newestMessages(range, limit - rows.length));
    return rows.reverse();
  }

  #at(cid: number, seq: number): LogEvent | undefined {
    const { events, log, pending } = this.#tables;
    const at = pending.rowOf(cid, seq);
    const row = at === undefined ? events.at(cid, seq) : log.get(at);
    return row === undefined ? undefined : eventOf(row);
  }
}
