import type { AuditAction } from '../../domain/audit.ts';
import type { ConversationId } from '../../domain/ids.ts';
import type { Audit } from '../../pipeline/audit.ts';
import { noteDeed, type Origin } from '../audited.ts';
import type { Answer } from './reply.ts';
import type { Method } from './route.ts';

interface Row {
  readonly action: AuditAction;
  /** The parameter of the path that says what it was done to; else the field of the answer. */
  readonly target?: string;
}

const MESSAGE: Row = { action: 'message.sent', target: 'seq' };

/** The requests that leave a line in the audit log, by method and path. */
const ROWS: Readonly<Record<string, Row>> = {
  'POST /v1/conversations': { action: 'conversation.created' },
  'PATCH /v1/conversations/{id}': { action: 'conversation.updated' },
  'DELETE /v1/conversations/{id}': { action: 'conversation.deleted' },
  'PUT /v1/conversations/{id}/participants/{participant_id}': {
    action: 'participant.put',
    target: 'participant_id',
  },
  'DELETE /v1/conversations/{id}/participants/{participant_id}': {
    action: 'participant.removed',
    target: 'participant_id',
  },
  'POST /v1/conversations/{id}/invites': { action: 'invite.created' },
  'POST /v1/conversations/{id}/messages': MESSAGE,
  'POST /v1/conversations/{id}/stream': MESSAGE,
  'POST /v1/chat': MESSAGE,
  'POST /v1/chat/stream': MESSAGE,
  'PATCH /v1/conversations/{id}/messages/{seq}': { action: 'message.edited', target: 'seq' },
  'DELETE /v1/conversations/{id}/messages/{seq}': { action: 'message.deleted', target: 'seq' },
  'POST /v1/conversations/{id}/turns': { action: 'turn.asked', target: 'turn_id' },
  'POST /v1/conversations/{id}/turns/{turn_id}/cancel': {
    action: 'turn.cancelled',
    target: 'turn_id',
  },
  'POST /v1/conversations/{id}/turns/{turn_id}/decisions': {
    action: 'turn.decided',
    target: 'turn_id',
  },
  'POST /v1/documents': { action: 'document.added', target: 'document_id' },
  'DELETE /v1/documents/{id}': { action: 'document.deleted', target: 'id' },
};

const ADMIN = '/v1/admin/';
const DOCUMENTS = '/v1/documents';

export interface Request {
  readonly method: Method;
  /** The pattern. */
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly answer: Answer;
}

/** Writes a request down that is one of those. */
export function noteRequest(audit: Audit, origin: Origin, request: Request): void {
  const { method, path, params, answer } = request;
  const row = rowOf(request);
  const isRefused = !answer.ok && answer.failure.reason === 'content_refused';
  if (row === undefined || (row === MESSAGE && !audit.keepsMessages && !isRefused)) return;
  const action = isRefused ? 'message.refused' : row.action;
  const said = saidIn(answer);
  const { target = '' } = row;
  const id = path.startsWith(DOCUMENTS) ? undefined : (params['id'] ?? said['conversation_id']);
  const isAdmin = path.startsWith(ADMIN);
  noteDeed(audit, origin, {
    action,
    conversationId: isAdmin || id === undefined ? null : (id as ConversationId),
    target: isAdmin ? `${method} ${path}` : (params[target] ?? said[target] ?? null),
    outcome: answer,
  });
}

function rowOf({ method, path }: Request): Row | undefined {
  if (path.startsWith(ADMIN)) return { action: method === 'GET' ? 'admin.read' : 'admin.changed' };
  return ROWS[`${method} ${path}`];
}

/** The fields of an answer that are ids and seqs. */
function saidIn(answer: Answer): Readonly<Record<string, string>> {
  if (!answer.ok || answer.value.kind !== 'json' || typeof answer.value.body !== 'object')
    return {};
  const fields = Object.entries(answer.value.body ?? {}).flatMap(([name, value]) =>
    typeof value === 'string' || typeof value === 'number' ? [[name, String(value)] as const] : [],
  );
  return Object.fromEntries(fields);
}
