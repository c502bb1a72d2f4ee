import type { Database, Statement } from 'better-sqlite3';
import type { Conversation, ConversationState, Settings } from '../../src/domain/conversation.ts';
import type { ConversationId, Epoch, ParticipantId } from '../../src/domain/ids.ts';
import type { Member, Role } from '../../src/domain/participant.ts';
import type { ListPage } from '../store.ts';
import { wellFormedText } from '../text.ts';
import { participantCode, participantKind } from './codes.ts';

export interface ConversationRow {
  readonly cid: number;
  readonly id: ConversationId;
  readonly epoch: Epoch;
  readonly first_seq: number;
  readonly created_at: number;
  readonly created_by: ParticipantId;
  readonly created_key: string | null;
  readonly updated_at: number;
  /** JSON, and so exact for any text. */
  readonly settings: string;
}

interface MemberRow {
  readonly participant_id: ParticipantId;
  readonly name: string;
  readonly kind: number;
  readonly role: Role;
}

/** Statements on `conversations` and `members`. */
export class ConversationTables {
  readonly #insert: Statement<(string | number | null)[]>;
  readonly #find: Statement<[id: string], ConversationRow>;
  readonly #setSettings: Statement<[settings: string, updatedAt: number, cid: number]>;
  readonly #delete: Statement<[cid: number]>;
  readonly #deleteMembers: Statement<[cid: number]>;
  readonly #markRemoved: Statement<[cid: number, lastRow: number]>;
  readonly #removed: Statement<[], number>;
  readonly #putMember: Statement<(string | number)[]>;
  readonly #dropMember: Statement<[cid: number, participant: string]>;
  readonly #members: Statement<[cid: number], MemberRow>;
  readonly #setFirstSeq: Statement<[firstSeq: number, cid: number]>;
  readonly #listAll: Statement<[after: string, limit: number], ConversationId>;
  readonly #list: Statement<[participant: string, after: string, limit: number], ConversationRow>;

  constructor(db: Database) {
    this.#insert = db.prepare(
      `INSERT INTO conversations (id, epoch, first_seq, created_at, created_by, created_key, updated_at, settings)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#find = db.prepare('SELECT * FROM conversations WHERE id = ?');
    this.#setSettings = db.prepare(
      'UPDATE conversations SET settings = ?, updated_at = ? WHERE cid = ?',
    );
    this.#delete = db.prepare('DELETE FROM conversations WHERE cid = ?');
    this.#deleteMembers = db.prepare('DELETE FROM members WHERE cid = ?');
    this.#markRemoved = db.prepare('INSERT INTO removed VALUES (?, ?)');
    this.#removed = db.prepare<[], number>('SELECT cid FROM removed').pluck();
    this.#putMember = db.prepare(
      `INSERT INTO members (cid, conversation_id, participant_id, name, kind, role) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (cid, participant_id) DO UPDATE SET name = excluded.name, kind = excluded.kind, role = excluded.role`,
    );
    this.#dropMember = db.prepare('DELETE FROM members WHERE cid = ? AND participant_id = ?');
    this.#members = db.prepare(
      'SELECT participant_id, name, kind, role FROM members WHERE cid = ? ORDER BY place',
    );
    this.#setFirstSeq = db.prepare('UPDATE conversations SET first_seq = ? WHERE cid = ?');
    this.#listAll = db
      .prepare<[string, number], ConversationId>(
        'SELECT id FROM conversations WHERE id > ? ORDER BY id LIMIT ?',
      )
      .pluck();
    this.#list = db.prepare(
      `SELECT c.* FROM members m JOIN conversations c ON c.cid = m.cid
       WHERE m.participant_id = ? AND m.conversation_id > ? ORDER BY m.conversation_id LIMIT ?`,
    );
  }

  /** The new conversation's number, which is never used again. */
  insert({ conversation, members }: ConversationState): number {
    const { id, epoch, firstSeq, createdAt, createdBy, createdKey, updatedAt } = conversation;
    const { lastInsertRowid } = this.#insert.run(
      id,
      epoch,
      firstSeq,
      createdAt,
      createdBy,
      createdKey === null ? null : wellFormedText(createdKey),
      updatedAt,
      encodeSettings(conversation),
    );
    const cid = Number(lastInsertRowid);
    for (const member of members) this.putMember(cid, id, member);
    return cid;
  }

  find(id: ConversationId): ConversationRow | undefined {
    return this.#find.get(id);
  }

  setSettings(cid: number, conversation: Conversation): void {
    this.#setSettings.run(encodeSettings(conversation), conversation.updatedAt, cid);
  }

  setFirstSeq(cid: number, firstSeq: number): void {
    this.#setFirstSeq.run(firstSeq, cid);
  }

  /** Makes the conversation invisible; what is large (events, places, edits, turns) the indexer deletes later. */
  remove(cid: number, lastRow: number): void {
    this.#delete.run(cid);
    this.#deleteMembers.run(cid);
    this.#markRemoved.run(cid, lastRow);
  }

  /** The removed conversations of which something is still to be deleted. */
  removed(): ReadonlySet<number> {
    return new Set(this.#removed.all());
  }

  /** A new member comes last; one who is there keeps the place. */
  putMember(cid: number, id: ConversationId, member: Member): void {
    this.#putMember.run(
      cid,
      id,
      member.id,
      wellFormedText(member.name),
      participantCode(member.kind),
      member.role,
    );
  }

  dropMember(cid: number, participant: ParticipantId): void {
    this.#dropMember.run(cid, participant);
  }

  members(cid: number): Member[] {
    return this.#members.all(cid).map((row) => ({
      id: row.participant_id,
      name: row.name,
      kind: participantKind(row.kind),
      role: row.role,
    }));
  }

  listAll({ afterId = '' as ConversationId, limit }: ListPage): ConversationId[] {
    return this.#listAll.all(afterId, limit);
  }

  list(
    participant: ParticipantId,
    { afterId = '' as ConversationId, limit }: ListPage,
  ): ConversationRow[] {
    return this.#list.all(participant, afterId, limit);
  }
}

export function conversationOf(row: ConversationRow, headSeq: number): Conversation {
  return {
    id: row.id,
    epoch: row.epoch,
    ...decodeSettings(row.settings),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    createdBy: row.created_by,
    createdKey: row.created_key,
    headSeq,
    firstSeq: row.first_seq,
  };
}

function encodeSettings({ title, visibility, agent, agents, metadata }: Settings): string {
  return JSON.stringify({ title, visibility, agent, agents, metadata });
}

function decodeSettings(text: string): Settings {
  return JSON.parse(text) as Settings;
}
