import type { Reason } from './failure.ts';
import type { ConversationId, ParticipantId } from './ids.ts';

/** What is written down about who did what, besides the logs of conversations. */
export const AUDIT_ACTIONS = [
  'signin.refused',
  'conversation.created',
  'conversation.updated',
  'conversation.deleted',
  'participant.joined',
  'participant.put',
  'participant.removed',
  'invite.created',
  'message.sent',
  'message.edited',
  'message.deleted',
  'message.refused',
  'answer.refused',
  'turn.asked',
  'turn.cancelled',
  'turn.decided',
  'document.added',
  'document.deleted',
  'admin.read',
  'admin.changed',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** One line of the audit log. It holds ids and reasons, never what anybody wrote. */
export interface AuditEntry {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly action: AuditAction;
  readonly outcome: 'ok' | Reason;
  /** Nobody is known where a sign-in was refused. */
  readonly participantId: ParticipantId | null;
  /** The address that the request came from; null for what the server did by itself. */
  readonly from: string | null;
  readonly conversationId: ConversationId | null;
  /** What it was done to: a seq, a participant, a turn, a document. */
  readonly target: string | null;
}

/** An entry, where it stands in the log. */
export interface StoredAuditEntry extends AuditEntry {
  /** Given by the store, growing; never used again. */
  readonly place: number;
}

/** Which entries are asked for, the newest first. */
export interface AuditQuery {
  /** Entries behind this one only. */
  readonly after?: { readonly at: number; readonly place: number };
  readonly action?: AuditAction;
  readonly participantId?: ParticipantId;
  readonly conversationId?: ConversationId;
  /** Milliseconds since 1970: from, and to before. */
  readonly since?: number;
  readonly until?: number;
  readonly limit: number;
}
