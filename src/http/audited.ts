import type { AuditAction, AuditEntry } from '../domain/audit.ts';
import { type Failure, isRetryable } from '../domain/failure.ts';
import type { ConversationId, ParticipantId } from '../domain/ids.ts';
import type { Audit } from '../pipeline/audit.ts';

/** Who asked for something, and from where. */
export interface Origin {
  readonly participantId: ParticipantId | null;
  readonly from: string | null;
}

export interface Deed {
  readonly action: AuditAction;
  readonly conversationId?: ConversationId | null;
  readonly target?: string | null;
}

/** What came of it: nothing that is a failure, or the failure. */
type Outcome = { readonly ok: true } | { readonly ok: false; readonly failure: Failure };

/** Notes what somebody did, or was refused; what may be asked for again as it is did not happen yet. */
export function noteDeed(audit: Audit, origin: Origin, deed: Deed & { outcome: Outcome }): void {
  const { action, conversationId = null, target = null, outcome } = deed;
  if (!outcome.ok && isRetryable(outcome.failure.reason)) return;
  const result: AuditEntry['outcome'] = outcome.ok ? 'ok' : outcome.failure.reason;
  audit.note({ ...origin, action, outcome: result, conversationId, target });
}
