import type { ParticipantId } from './ids.ts';

/** Leave to join a conversation. */
export interface Invite {
  readonly id: string;
  /** Who gave it. */
  readonly by: ParticipantId;
  readonly role: 'member' | 'observer';
  /** People that it lets in; as many as come when null. */
  readonly uses: number | null;
}

/** Uses that an invite may be limited to. */
export const MAX_INVITE_USES = 100;
