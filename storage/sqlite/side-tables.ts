import type { Database, Statement } from 'better-sqlite3';
import type { ConversationId, TurnId } from '../../src/domain/ids.ts';
import { isOver, type Turn } from '../../src/domain/turn.ts';
import type { TurnPage } from '../store.ts';

/** A secret of the file's own, made with it. The port's secrets have other names. */
export const KEY_HASH_SECRET = 'sqlite.key-hash';

/** Statements on `edits`, `turns` and `secrets`. */
export class SideTables {
  readonly #addEdit: Statement<[cid: number, target: number, seq: number]>;
  readonly #edits: Statement<[cid: number, target: number], number>;
  readonly #newestEdits: Statement<
    [cid: number, from: number, to: number],
    { target: number; seq: number }
  >;
  readonly #putTurn: Statement<[cid: number, id: string, isOpen: number, record: string]>;
  readonly #turn: Statement<[cid: number, id: string], string>;
  readonly #turns: Statement<[cid: number, afterCid: number, after: string, limit: number], string>;
  readonly #openTurns: Statement<[cid: number], string>;
  readonly #withOpenTurns: Statement<[], ConversationId>;
  readonly #secret: Statement<[name: string], Uint8Array>;
  readonly #putSecret: Statement<[name: string, bytes: Uint8Array]>;

  constructor(db: Database) {
    this.#addEdit = db.prepare('INSERT OR IGNORE INTO edits VALUES (?, ?, ?)');
    this.#edits = db
      .prepare<[number, number], number>('SELECT seq FROM edits WHERE cid = ? AND target_seq = ?')
      .pluck();
    this.#newestEdits = db.prepare(
      `SELECT target_seq AS target, max(seq) AS seq FROM edits
       WHERE cid = ? AND target_seq BETWEEN ? AND ? GROUP BY target_seq`,
    );
    this.#putTurn = db.prepare(
      `INSERT INTO turns (cid, id, is_open, record) VALUES (?, ?, ?, ?)
       ON CONFLICT (cid, id) DO UPDATE SET is_open = excluded.is_open, record = excluded.record
       WHERE turns.is_open >= excluded.is_open`,
    );
    this.#turn = db
      .prepare<[number, string], string>('SELECT record FROM turns WHERE cid = ? AND id = ?')
      .pluck();
    this.#turns = db
      .prepare<[number, number, string, number], string>(
        `SELECT record FROM turns WHERE cid = ?
           AND place > coalesce((SELECT place FROM turns WHERE cid = ? AND id = ?), 0)
         ORDER BY place LIMIT ?`,
      )
      .pluck();
    this.#openTurns = db
      .prepare<[number], string>(
        'SELECT record FROM turns WHERE cid = ? AND is_open = 1 ORDER BY place',
      )
      .pluck();
    this.#withOpenTurns = db
      .prepare<[], ConversationId>(
        'SELECT DISTINCT c.id FROM turns t JOIN conversations c ON c.cid = t.cid WHERE t.is_open = 1',
      )
      .pluck();
    this.#secret = db
      .prepare<[string], Uint8Array>('SELECT bytes FROM secrets WHERE name = ?')
      .pluck();
    this.#putSecret = db.prepare('INSERT INTO secrets VALUES (?, ?)');
  }

  addEdit(cid: number, targetSeq: number, seq: number): void {
    this.#addEdit.run(cid, targetSeq, seq);
  }

  editsOf(cid: number, targetSeq: number): number[] {
    return this.#edits.all(cid, targetSeq);
  }

  /** The newest edit's seq by the message's, for messages from one seq to another. */
  newestEdits(cid: number, fromSeq: number, toSeq: number): ReadonlyMap<number, number> {
    return new Map(
      this.#newestEdits.all(cid, fromSeq, toSeq).map(({ target, seq }) => [target, seq]),
    );
  }

  putTurn(cid: number, turn: Turn): void {
    this.#putTurn.run(cid, turn.id, isOver(turn.state) ? 0 : 1, JSON.stringify(turn));
  }

  turn(cid: number, id: TurnId): Turn | undefined {
    const record = this.#turn.get(cid, id);
    return record === undefined ? undefined : decodeTurn(record);
  }

  /** In the order they were first stored. */
  turns(cid: number, { afterId, limit }: TurnPage): Turn[] {
    return this.#turns.all(cid, cid, afterId ?? '', limit).map(decodeTurn);
  }

  openTurns(cid: number): Turn[] {
    return this.#openTurns.all(cid).map(decodeTurn);
  }

  withOpenTurns(): ConversationId[] {
    return this.#withOpenTurns.all();
  }

  secret(name: string): Uint8Array | undefined {
    const bytes = this.#secret.get(name);
    return bytes === undefined ? undefined : Uint8Array.from(bytes);
  }

  /** One that the schema brings along. */
  requiredSecret(name: string): Uint8Array {
    const bytes = this.secret(name);
    if (bytes === undefined) throw new Error(`the secret ${name} is missing`);
    return bytes;
  }

  putSecret(name: string, bytes: Uint8Array): void {
    this.#putSecret.run(name, bytes);
  }
}

function decodeTurn(record: string): Turn {
  return JSON.parse(record) as Turn;
}
