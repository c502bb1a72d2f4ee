import type { EventKind, LogEvent } from '../../src/domain/event.ts';
import type { ParticipantId } from '../../src/domain/ids.ts';
import type { ParticipantKind } from '../../src/domain/participant.ts';

/** The small integers that stand in the file. A code never changes its meaning; new kinds get new ones. */
const KIND_CODES: Readonly<Record<EventKind, number>> = {
  message: 0,
  'message.edited': 1,
  'message.deleted': 2,
  'participant.joined': 3,
  'participant.left': 4,
  'participant.role_changed': 5,
  'conversation.updated': 6,
  'turn.decided': 7,
};
const PARTICIPANT_CODES: Readonly<Record<ParticipantKind, number>> = { human: 0, agent: 1 };

const KINDS = inverse(KIND_CODES);
const PARTICIPANT_KINDS = inverse(PARTICIPANT_CODES);

export const MESSAGE_CODE = KIND_CODES.message;

export function kindCode(kind: EventKind): number {
  return KIND_CODES[kind];
}

export function participantCode(kind: ParticipantKind): number {
  return PARTICIPANT_CODES[kind];
}

export function participantKind(code: number): ParticipantKind {
  return known(PARTICIPANT_KINDS, code);
}

/** An event as `log` and `events` both hold it. */
export interface EventRow {
  readonly seq: number;
  readonly kind: number;
  readonly author_id: ParticipantId;
  readonly author_name: string;
  readonly author_kind: number;
  readonly created_at: number;
  readonly key: string | null;
  readonly body: string;
}

export const EVENT_COLUMNS =
  'seq, kind, author_id, author_name, author_kind, created_at, key, body';

export function eventOf(row: EventRow): LogEvent {
  return {
    seq: row.seq,
    kind: known(KINDS, row.kind),
    author: { id: row.author_id, name: row.author_name, kind: participantKind(row.author_kind) },
    createdAt: row.created_at,
    key: row.key,
    body: row.body,
  };
}

function inverse<K extends string>(codes: Readonly<Record<K, number>>): readonly K[] {
  const names: K[] = [];
  for (const name in codes) names[codes[name]] = name;
  return names;
}

function known<K>(names: readonly K[], code: number): K {
  const name = names[code];
  if (name === undefined) throw new RangeError(`unknown code ${code} in the file`);
  return name;
}
