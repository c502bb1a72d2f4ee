import type { ParticipantId } from './ids.ts';

export type ParticipantKind = 'human' | 'agent';

/** Who speaks, as it is kept with every event: the name is the one at that time. */
export interface Author {
  readonly id: ParticipantId;
  readonly name: string;
  readonly kind: ParticipantKind;
}

export const ROLES = ['owner', 'member', 'observer', 'agent'] as const;
export type Role = (typeof ROLES)[number];

export interface Member extends Author {
  readonly role: Role;
}

/** Characters, after trimming. */
export const MAX_NAME_CHARS = 64;

/** Who may put messages into the conversation. */
export function maySend(role: Role): boolean {
  return role !== 'observer';
}

/** Who may change settings, roles and members. */
export function mayManage(role: Role): boolean {
  return role === 'owner';
}
