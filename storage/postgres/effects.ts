import { type LogEvent, redactBody } from '../../src/domain/event.ts';
import type { ConversationId } from '../../src/domain/ids.ts';
import type { Member } from '../../src/domain/participant.ts';
import { isOver, type Turn } from '../../src/domain/turn.ts';
import type { Effect } from '../store.ts';
import { wellFormedName } from '../text.ts';
import type { Statement, Transaction, Value } from './database.ts';
import { forgetMessages } from './index-effects.ts';
import { encodeSettings } from './rows.ts';

/** The effects of one conversation's batch. */
export interface Affected {
  readonly cid: number;
  readonly id: ConversationId;
  readonly effects: readonly Effect[];
}

const PUT_MEMBERS: Statement = {
  name: 'put-members',
  text: `INSERT INTO members (cid, conversation_id, participant_id, name, kind, role)
    SELECT cid, conversation_id, participant_id, name, kind, role
    FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
      WITH ORDINALITY AS m (cid, conversation_id, participant_id, name, kind, role, n) ORDER BY n
    ON CONFLICT (cid, participant_id) DO UPDATE SET name = excluded.name, kind = excluded.kind, role = excluded.role`,
};
const DROP_MEMBERS: Statement = {
  name: 'drop-members',
  text: `DELETE FROM members m USING unnest($1::bigint[], $2::text[]) AS d (cid, participant_id)
    WHERE m.cid = d.cid AND m.participant_id = d.participant_id`,
};
const SET_SETTINGS: Statement = {
  name: 'set-settings',
  text: `UPDATE conversations c SET settings = s.settings, updated_at = s.updated_at
    FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS s (cid, settings, updated_at) WHERE c.cid = s.cid`,
};
const PUT_TURNS: Statement = {
  name: 'put-turns',
  text: `INSERT INTO turns (cid, id, is_open, record)
    SELECT cid, id, is_open, record
    FROM unnest($1::bigint[], $2::text[], $3::boolean[], $4::text[])
      WITH ORDINALITY AS t (cid, id, is_open, record, n) ORDER BY n
    ON CONFLICT (cid, id) DO UPDATE SET is_open = excluded.is_open, record = excluded.record
    WHERE turns.is_open OR NOT excluded.is_open`,
};
const ADD_EDIT: Statement = {
  name: 'add-edit',
  text: 'INSERT INTO edits (cid, target_seq, seq) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
};
/** A message and its edits, unless they were trimmed: those are being emptied in any case. */
const BODIES: Statement = {
  name: 'bodies-to-erase',
  text: `SELECT e.seq, e.kind, e.body FROM events e
    WHERE e.cid = $1
      AND e.seq = ANY(array_append(ARRAY(SELECT d.seq FROM edits d WHERE d.cid = $1 AND d.target_seq = $2), $2::bigint))
      AND e.seq >= (SELECT c.first_seq FROM conversations c WHERE c.cid = $1)`,
};
const SET_BODIES: Statement = {
  name: 'set-bodies',
  text: `UPDATE events e SET body = b.body FROM unnest($2::bigint[], $3::text[]) AS b (seq, body)
    WHERE e.cid = $1 AND e.seq = b.seq`,
};
const TRIM: Statement = {
  name: 'trim',
  text: 'UPDATE conversations SET first_seq = $2 WHERE cid = $1 AND first_seq < $2',
};
const PUT_SUMMARY: Statement = {
  name: 'put-summary',
  text: `INSERT INTO summaries (cid, to_seq, record) VALUES ($1, $2, $3)
    ON CONFLICT (cid) DO UPDATE SET to_seq = excluded.to_seq, record = excluded.record`,
};
const DROP_SUMMARY: Statement = {
  name: 'drop-summary',
  text: 'DELETE FROM summaries WHERE cid = $1 AND to_seq >= $2',
};

/**
 * Applies the effects of batches whose events are in, and whose conversations are locked. What is everyday (members,
 * settings, turns) takes one statement for all batches; the others take their own. Order matters only
 * among the effects on one thing, and is kept there.
 */
export async function applyEffects(tx: Transaction, all: readonly Affected[]): Promise<void> {
  await changeMembers(tx, all);
  await setSettings(tx, all);
  await putTurns(tx, all);
  for (const { cid, effects } of all) {
    for (const effect of effects) await applyAlone(tx, cid, effect);
  }
}

async function applyAlone(tx: Transaction, cid: number, effect: Effect): Promise<void> {
  switch (effect.kind) {
    case 'edited':
      await tx.run(ADD_EDIT, [cid, effect.targetSeq, effect.seq]);
      await tx.run(DROP_SUMMARY, [cid, effect.targetSeq]);
      return;
    case 'erased':
      await erase(tx, cid, effect.targetSeq);
      await tx.run(DROP_SUMMARY, [cid, effect.targetSeq]);
      return;
    case 'trimmed':
      await tx.run(TRIM, [cid, effect.firstSeq]);
      await tx.run(DROP_SUMMARY, [cid, 0]);
      return;
    case 'summary':
      await tx.run(PUT_SUMMARY, [cid, effect.summary.toSeq, JSON.stringify(effect.summary)]);
      return;
    default:
      return;
  }
}

/** Members who come or change, and then those who go. A statement takes a row once, so a batch may need several. */
interface Wave {
  readonly puts: (readonly [Affected, Member])[];
  readonly drops: (readonly [Affected, string])[];
}

async function changeMembers(tx: Transaction, all: readonly Affected[]): Promise<void> {
  const waves: Wave[] = [];
  for (const one of all) addToWaves(waves, one);
  for (const { puts, drops } of waves) {
    if (puts.length > 0) await tx.run(PUT_MEMBERS, memberColumns(puts));
    if (drops.length > 0)
      await tx.run(
        DROP_MEMBERS,
        columns(drops, ([{ cid }, participant]) => [cid, participant], 2),
      );
  }
}

function addToWaves(waves: Wave[], one: Affected): void {
  let at = 0;
  let touched = new Set<string>();
  for (const effect of one.effects) {
    if (effect.kind !== 'member' && effect.kind !== 'member_gone') continue;
    const participant = effect.kind === 'member' ? effect.member.id : effect.participantId;
    if (touched.has(participant)) {
      at += 1;
      touched = new Set();
    }
    touched.add(participant);
    const wave = waves[at] ?? { puts: [], drops: [] };
    waves[at] = wave;
    if (effect.kind === 'member') wave.puts.push([one, wellFormedName(effect.member)]);
    else wave.drops.push([one, participant]);
  }
}

function memberColumns(puts: Wave['puts']): Value[][] {
  const row = ([{ cid, id }, member]: Wave['puts'][number]) => [
    cid,
    id,
    member.id,
    member.name,
    member.kind,
    member.role,
  ];
  return columns(puts, row, 6);
}

async function setSettings(tx: Transaction, all: readonly Affected[]): Promise<void> {
  const newest = all.flatMap(({ cid, effects }) => {
    const last = effects.findLast((effect) => effect.kind === 'settings');
    return last === undefined ? [] : [{ cid, conversation: last.conversation }];
  });
  if (newest.length === 0) return;
  const row = ({ cid, conversation }: (typeof newest)[number]) => [
    cid,
    encodeSettings(conversation),
    conversation.updatedAt,
  ];
  await tx.run(SET_SETTINGS, columns(newest, row, 3));
}

async function putTurns(tx: Transaction, all: readonly Affected[]): Promise<void> {
  const newest = new Map<string, { cid: number; turn: Turn }>();
  for (const { cid, effects } of all) {
    for (const effect of effects) if (effect.kind === 'turn') keep(newest, cid, effect.turn);
  }
  if (newest.size === 0) return;
  const row = ({ cid, turn }: { cid: number; turn: Turn }) => [
    cid,
    turn.id,
    !isOver(turn.state),
    JSON.stringify(turn),
  ];
  await tx.run(PUT_TURNS, columns([...newest.values()], row, 4));
}

/** A turn that is over stays so, as it does against the rows that are there. */
function keep(newest: Map<string, { cid: number; turn: Turn }>, cid: number, turn: Turn): void {
  const key = `${cid} ${turn.id}`;
  const before = newest.get(key);
  const isReopened = before !== undefined && isOver(before.turn.state) && !isOver(turn.state);
  if (!isReopened) newest.set(key, { cid, turn });
}

async function erase(tx: Transaction, cid: number, targetSeq: number): Promise<void> {
  const found = await tx.rows<Pick<LogEvent, 'seq' | 'kind' | 'body'>>(BODIES, [cid, targetSeq]);
  const erased = found.flatMap(({ seq, kind, body }) =>
    kind === 'message' || kind === 'message.edited' ? [[seq, redactBody(kind, body)]] : [],
  );
  if (erased.length > 0) await tx.run(SET_BODIES, [cid, ...columns(erased, (one) => one, 2)]);
  await forgetMessages(tx, cid, [targetSeq]);
}

/** Rows as the arrays that unnest takes. */
function columns<T>(rows: readonly T[], row: (one: T) => readonly unknown[], width: number) {
  const made: unknown[][] = Array.from({ length: width }, () => []);
  for (const one of rows) for (const [at, value] of row(one).entries()) made[at]?.push(value);
  return made as Value[][];
}
