import type { Conversation, ConversationState } from '../../src/domain/conversation.ts';
import type { LogEvent } from '../../src/domain/event.ts';
import type { ConversationId, Epoch, ParticipantId, TurnId } from '../../src/domain/ids.ts';
import { type Message, messageOf } from '../../src/domain/message.ts';
import type { Member, Role } from '../../src/domain/participant.ts';
import { ok, type Result } from '../../src/domain/result.ts';
import type { Summary } from '../../src/domain/summary.ts';
import type { Turn } from '../../src/domain/turn.ts';
import { PageFill } from '../batch.ts';
import type { EventPage, Head, ListPage, MessagePage, TurnPage } from '../store.ts';
import { wellFormedText } from '../text.ts';
import type { Unavailable } from '../unavailable.ts';
import type { Database, Statement, Value } from './database.ts';
import {
  CONVERSATION_COLUMNS,
  type ConversationRow,
  conversationOf,
  EVENT_COLUMNS,
  type EventRow,
  eventOf,
  HEAD_SEQ,
} from './rows.ts';

const LOAD: Statement = {
  name: 'load',
  text: `SELECT ${CONVERSATION_COLUMNS}, (
      SELECT json_agg(json_build_array(m.participant_id, m.name, m.kind, m.role) ORDER BY m.place)
      FROM members m WHERE m.cid = c.cid) AS members
    FROM conversations c WHERE c.id = $1`,
};
const EVENTS: Statement = {
  name: 'events',
  text: `SELECT ${EVENT_COLUMNS} FROM conversations c
    CROSS JOIN LATERAL (SELECT * FROM events e
      WHERE e.cid = c.cid AND e.seq > $2 AND e.seq >= c.first_seq ORDER BY e.seq LIMIT $3) e
    WHERE c.id = $1 ORDER BY e.seq`,
};
/** Nothing after the event that fills the page; characters here are at most those that JavaScript counts. */
const EVENTS_WITHIN: Statement = {
  name: 'events-within',
  text: `SELECT ${EVENT_COLUMNS} FROM conversations c
    CROSS JOIN LATERAL (SELECT *, sum(length(page.body)) OVER (ORDER BY page.seq) - length(page.body) AS before
      FROM (SELECT * FROM events e
        WHERE e.cid = c.cid AND e.seq > $2 AND e.seq >= c.first_seq ORDER BY e.seq LIMIT $3) page) e
    WHERE c.id = $1 AND e.before <= $4 ORDER BY e.seq`,
};
/** Each with the newest edit there is of it. */
const messagesIn = (name: string, range: string, order: 'ASC' | 'DESC'): Statement => ({
  name,
  text: `SELECT ${EVENT_COLUMNS}, edit.seq AS edit_seq, edit.created_at AS edited_at, edit.body AS edit_body
    FROM conversations c
    CROSS JOIN LATERAL (SELECT * FROM events e
      WHERE e.cid = c.cid AND e.kind = 'message' AND e.seq > $2 AND e.seq >= c.first_seq ${range}
      ORDER BY e.seq ${order} LIMIT $3) e
    LEFT JOIN LATERAL (SELECT w.seq, w.created_at, w.body FROM edits d
      JOIN events w ON w.cid = d.cid AND w.seq = d.seq
      WHERE d.cid = c.cid AND d.target_seq = e.seq ORDER BY d.seq DESC LIMIT 1) edit ON true
    WHERE c.id = $1 ORDER BY e.seq`,
});
const OLDEST_MESSAGES = messagesIn('oldest-messages', '', 'ASC');
const NEWEST_MESSAGES = messagesIn('newest-messages', 'AND e.seq < $4', 'DESC');
const SEQ_OF_KEY: Statement = {
  name: 'seq-of-key',
  text: `SELECT e.seq FROM conversations c JOIN events e ON e.cid = c.cid
    WHERE c.id = $1 AND e.author_id = $2 AND e.key = $3`,
};
const LIST: Statement = {
  name: 'list',
  text: `SELECT ${CONVERSATION_COLUMNS} FROM members m JOIN conversations c ON c.cid = m.cid
    WHERE m.participant_id = $1 AND m.conversation_id > $2 ORDER BY m.conversation_id LIMIT $3`,
};
const LIST_ALL: Statement = {
  name: 'list-all',
  text: 'SELECT c.id FROM conversations c WHERE c.id > $1 ORDER BY c.id LIMIT $2',
};
const HEADS: Statement = {
  name: 'heads',
  text: `SELECT c.id, c.epoch, c.first_seq, ${HEAD_SEQ} AS head_seq FROM unnest($1::text[]) AS asked (id)
    CROSS JOIN LATERAL (SELECT * FROM conversations WHERE id = asked.id LIMIT 1) AS c`,
};
const TURN: Statement = {
  name: 'turn',
  text: `SELECT t.record FROM conversations c JOIN turns t ON t.cid = c.cid WHERE c.id = $1 AND t.id = $2`,
};
const TURNS: Statement = {
  name: 'turns',
  text: `SELECT t.record FROM conversations c JOIN turns t ON t.cid = c.cid
    WHERE c.id = $1 AND t.place > coalesce((SELECT a.place FROM turns a WHERE a.cid = c.cid AND a.id = $2), 0)
    ORDER BY t.place LIMIT $3`,
};
const OPEN_TURNS: Statement = {
  name: 'open-turns',
  text: `SELECT t.record FROM conversations c JOIN turns t ON t.cid = c.cid
    WHERE c.id = $1 AND t.is_open ORDER BY t.place`,
};
const WITH_OPEN_TURNS: Statement = {
  name: 'with-open-turns',
  text: `SELECT c.id FROM conversations c WHERE c.cid IN (SELECT t.cid FROM turns t WHERE t.is_open)`,
};

const SUMMARY: Statement = {
  name: 'summary',
  text: 'SELECT s.record FROM conversations c JOIN summaries s ON s.cid = c.cid WHERE c.id = $1',
};

interface MessageRow extends EventRow {
  readonly edit_seq: number | null;
  readonly edited_at: number;
  readonly edit_body: string;
}

type MemberFields = readonly [ParticipantId, string, Member['kind'], Role];

interface HeadRow {
  readonly id: ConversationId;
  readonly epoch: Epoch;
  readonly first_seq: number;
  readonly head_seq: number;
}

type Answer<T> = Promise<Result<T, Unavailable>>;

/** The reads of the log, a statement each: what one answers is from one moment. */
export class Reader {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async load(id: ConversationId): Answer<ConversationState | undefined> {
    type Row = ConversationRow & { members: readonly MemberFields[] | null };
    const found = await this.#db.read<Row>(LOAD, [id]);
    if (!found.ok) return found;
    const [row] = found.value;
    if (row === undefined) return ok(undefined);
    return ok({ conversation: conversationOf(row), members: (row.members ?? []).map(memberOf) });
  }

  async events(id: ConversationId, page: EventPage): Answer<readonly LogEvent[]> {
    const { afterSeq, limit, maxChars } = page;
    const found =
      maxChars === undefined
        ? await this.#db.read<EventRow>(EVENTS, [id, afterSeq, limit])
        : await this.#db.read<EventRow>(EVENTS_WITHIN, [id, afterSeq, limit, maxChars]);
    if (!found.ok) return found;
    const fill = new PageFill(page);
    for (const row of found.value) if (!fill.take(eventOf(row))) break;
    return ok(fill.events);
  }

  async messages(id: ConversationId, page: MessagePage): Answer<readonly Message[]> {
    const { afterSeq = 0, beforeSeq, limit } = page;
    const found =
      beforeSeq === undefined
        ? await this.#db.read<MessageRow>(OLDEST_MESSAGES, [id, afterSeq, limit])
        : await this.#db.read<MessageRow>(NEWEST_MESSAGES, [id, afterSeq, limit, beforeSeq]);
    return found.ok ? ok(found.value.map(messageOfRow)) : found;
  }

  async seqOfKey(
    id: ConversationId,
    sender: ParticipantId,
    key: string,
  ): Answer<number | undefined> {
    const values = [id, sender, wellFormedText(key)];
    const found = await this.#db.read<{ seq: number }>(SEQ_OF_KEY, values);
    return found.ok ? ok(found.value[0]?.seq) : found;
  }

  async list(participant: ParticipantId, page: ListPage): Answer<readonly Conversation[]> {
    const { afterId = '', limit } = page;
    const found = await this.#db.read<ConversationRow>(LIST, [participant, afterId, limit]);
    return found.ok ? ok(found.value.map(conversationOf)) : found;
  }

  async listAll({
    afterId = '' as ConversationId,
    limit,
  }: ListPage): Answer<readonly ConversationId[]> {
    return this.#ids(LIST_ALL, [afterId, limit]);
  }

  async heads(ids: readonly ConversationId[]): Answer<ReadonlyMap<ConversationId, Head>> {
    const found = await this.#db.read<HeadRow>(HEADS, [ids]);
    if (!found.ok) return found;
    return ok(
      new Map(
        found.value.map(({ id, epoch, first_seq, head_seq }) => [
          id,
          { epoch, firstSeq: first_seq, headSeq: head_seq },
        ]),
      ),
    );
  }

  async turn(id: ConversationId, turn: TurnId): Answer<Turn | undefined> {
    const found = await this.#turns(TURN, [id, turn]);
    return found.ok ? ok(found.value[0]) : found;
  }

  turns(id: ConversationId, { afterId = '' as TurnId, limit }: TurnPage): Answer<readonly Turn[]> {
    return this.#turns(TURNS, [id, afterId, limit]);
  }

  openTurns(id: ConversationId): Answer<readonly Turn[]> {
    return this.#turns(OPEN_TURNS, [id]);
  }

  withOpenTurns(): Answer<readonly ConversationId[]> {
    return this.#ids(WITH_OPEN_TURNS, []);
  }

  async summary(id: ConversationId): Answer<Summary | undefined> {
    const found = await this.#db.read<{ record: string }>(SUMMARY, [id]);
    if (!found.ok) return found;
    const [row] = found.value;
    return ok(row && (JSON.parse(row.record) as Summary));
  }

  async #turns(statement: Statement, values: readonly Value[]): Answer<readonly Turn[]> {
    const found = await this.#db.read<{ record: string }>(statement, values);
    return found.ok ? ok(found.value.map(({ record }) => JSON.parse(record) as Turn)) : found;
  }

  async #ids(statement: Statement, values: readonly Value[]): Answer<readonly ConversationId[]> {
    const found = await this.#db.read<{ id: ConversationId }>(statement, values);
    return found.ok ? ok(found.value.map(({ id }) => id)) : found;
  }
}

function memberOf([id, name, kind, role]: MemberFields): Member {
  return { id, name, kind, role };
}

function messageOfRow(row: MessageRow): Message {
  const event = eventOf(row);
  if (row.edit_seq === null) return messageOf(event, undefined);
  // Of an edit, its time and body count.
  const { edit_seq: seq, edited_at: createdAt, edit_body: body } = row;
  return messageOf(event, { ...event, kind: 'message.edited', seq, createdAt, body });
}
