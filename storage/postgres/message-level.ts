import type { EventBodies, MessageBody } from '../../src/domain/event.ts';
import type { ConversationId } from '../../src/domain/ids.ts';
import type { Statement, Transaction } from './database.ts';
import { lockIndex } from './index-effects.ts';
import { textTerms } from './terms.ts';

/** Bytes of bodies that one step takes in; one event may have more. */
const MAX_STEP_BYTES = 300_000;

/**
 * The row stays, so that the conversation is not removed meanwhile; sends do not wait for it. Nothing is lost when a
 * crash takes the last commits of the index: it is made from the log.
 */
const HOLD: Statement = {
  name: 'index-hold',
  text: `SELECT cid, set_config('synchronous_commit', 'off', true) FROM conversations WHERE id = $1 FOR KEY SHARE`,
};
const STANDING: Statement = {
  name: 'index-standing',
  text: `SELECT c.first_seq, c.head_seq, coalesce(k.mark, 0) AS mark
    FROM conversations c LEFT JOIN message_marks k ON k.cid = c.cid WHERE c.cid = $1`,
};
const PAGE: Statement = {
  name: 'index-page',
  text: `SELECT seq, kind, body, of_all FROM (
      SELECT seq, kind, body, count(*) OVER () AS of_all,
        sum(octet_length(body)) OVER (ORDER BY seq) - octet_length(body) AS bytes_before
      FROM events WHERE cid = $1 AND seq BETWEEN $2 AND $3 AND kind IN ('message', 'message.edited')) AS page
    WHERE bytes_before < ${MAX_STEP_BYTES} ORDER BY seq`,
};
const TAKE_OUT: Statement = {
  name: 'index-take-out',
  text: 'DELETE FROM message_texts WHERE cid = $1 AND seq = ANY($2::bigint[]) RETURNING seq',
};
const ADD_TEXTS: Statement = {
  name: 'index-add-texts',
  text: `INSERT INTO message_texts (cid, seq, text_seq)
    SELECT $1, t.seq, t.text_seq FROM unnest($2::bigint[], $3::bigint[]) AS t (seq, text_seq)`,
};
const ADD_TERMS: Statement = {
  name: 'index-add-terms',
  text: `INSERT INTO message_terms (cid, seq, part, length, terms)
    SELECT $1, t.seq, t.part, t.length, t.terms::tsvector
    FROM unnest($2::bigint[], $3::integer[], $4::integer[], $5::text[]) AS t (seq, part, length, terms)`,
};
const SET_MARK: Statement = {
  name: 'index-set-mark',
  text: `INSERT INTO message_marks (cid, mark) VALUES ($1, $2)
    ON CONFLICT (cid) DO UPDATE SET mark = excluded.mark`,
};

interface Standing {
  readonly first_seq: number;
  readonly head_seq: number;
  readonly mark: number;
}

interface PageRow {
  readonly seq: number;
  readonly kind: string;
  readonly body: string;
  readonly of_all: number;
}

interface Text {
  readonly textSeq: number;
  readonly text: string;
}

/** The conversation's number, its row held and its index locked; undefined when there is none. */
export async function holdIndex(tx: Transaction, id: ConversationId): Promise<number | undefined> {
  const [held] = await tx.rows<{ cid: number }>(HOLD, [id]);
  if (held !== undefined) await lockIndex(tx, held.cid);
  return held?.cid;
}

/** Takes in up to `limit` events of a conversation whose index is locked; where the mark is then. */
export async function takeIn(tx: Transaction, cid: number, limit: number): Promise<number> {
  const [at] = await tx.rows<Standing>(STANDING, [cid]);
  if (at === undefined) return 0;
  const from = Math.max(at.mark + 1, at.first_seq);
  const to = Math.min(from + limit - 1, at.head_seq);
  const rows = await tx.rows<PageRow>(PAGE, [cid, from, to]);
  const { added, changed } = textsOf(rows, from);
  const goneFrom = [...changed.keys()];
  const gone =
    goneFrom.length === 0 ? [] : await tx.rows<{ seq: number }>(TAKE_OUT, [cid, goneFrom]);
  // What was deleted or trimmed meanwhile is not in the index any more, and does not come back by an edit of it.
  for (const { seq } of gone) {
    const text = changed.get(seq);
    if (text !== undefined) added.set(seq, text);
  }
  await add(tx, cid, added);
  const last = rows.at(-1);
  const isCut = last !== undefined && rows.length < last.of_all;
  const mark = isCut ? last.seq : Math.max(to, at.mark);
  await tx.run(SET_MARK, [cid, mark]);
  return mark;
}

/** The texts of new messages, and the new texts of those before `from`. A redacted body has no content. */
function textsOf(rows: readonly PageRow[], from: number) {
  const added = new Map<number, Text>();
  const changed = new Map<number, Text>();
  for (const { seq, kind, body } of rows) {
    if (kind === 'message') {
      const { content } = JSON.parse(body) as MessageBody;
      if (content !== undefined) added.set(seq, { textSeq: seq, text: content });
      continue;
    }
    const { target_seq, content } = JSON.parse(body) as EventBodies['message.edited'];
    if (content === undefined) continue;
    const text = { textSeq: seq, text: content };
    if (target_seq < from) changed.set(target_seq, text);
    else if (added.has(target_seq)) added.set(target_seq, text);
  }
  return { added, changed };
}

async function add(tx: Transaction, cid: number, texts: ReadonlyMap<number, Text>): Promise<void> {
  if (texts.size === 0) return;
  const scopes = [conversationScope(cid)];
  const parts = [...texts].flatMap(([seq, { text }]) => {
    const { length, parts } = textTerms(text, scopes);
    return parts.map((terms, part) => ({ seq, part, length, terms }));
  });
  await tx.run(ADD_TEXTS, [cid, [...texts.keys()], [...texts.values()].map((t) => t.textSeq)]);
  await tx.run(ADD_TERMS, [
    cid,
    parts.map(({ seq }) => seq),
    parts.map(({ part }) => part),
    parts.map(({ length }) => length),
    parts.map(({ terms }) => terms),
  ]);
}

/** The lexeme that every text of a conversation has. */
function conversationScope(cid: number): string {
  return `@${cid}`;
}
