import { jwtVerify, SignJWT } from 'jose';
import type { Conversation } from '../domain/conversation.ts';
import { newId, participantId } from '../domain/ids.ts';
import type { Invite } from '../domain/invite.ts';

const ALGORITHM = 'HS256';
/** Not that of identities: the one is never taken for the other. */
const ISSUER = 'colloquy:invite';

export interface InviteOptions {
  readonly secret: Uint8Array;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface SignedInvite {
  readonly token: string;
  readonly expiresAt: number;
}

/**
 * Invites into conversations: signed, and kept nowhere. One is good for one life of one conversation, until it expires,
 * its uses are up, or who made it is no owner there any more.
 */
export class Invites {
  readonly #options: InviteOptions;

  constructor(options: InviteOptions) {
    this.#options = options;
  }

  async sign(
    { id, epoch }: Pick<Conversation, 'id' | 'epoch'>,
    { by, role, uses }: Omit<Invite, 'id'>,
    seconds: number,
  ): Promise<SignedInvite> {
    const issuedAt = Math.floor(this.#options.now() / 1000);
    const token = await new SignJWT({
      cid: id,
      epoch,
      by,
      role,
      ...(uses === null ? {} : { uses }),
    })
      .setProtectedHeader({ alg: ALGORITHM })
      .setIssuer(ISSUER)
      .setJti(newId())
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + seconds)
      .sign(this.#options.secret);
    return { token, expiresAt: (issuedAt + seconds) * 1000 };
  }

  /** The invite of a token; undefined for one that is not ours, not for this conversation, or expired. */
  async read(
    token: string,
    { id, epoch }: Pick<Conversation, 'id' | 'epoch'>,
  ): Promise<Invite | undefined> {
    const { secret, now } = this.#options;
    try {
      const { payload } = await jwtVerify(token, secret, {
        algorithms: [ALGORITHM],
        issuer: ISSUER,
        requiredClaims: ['jti', 'exp'],
        currentDate: new Date(now()),
      });
      const { cid, by, role, uses, jti } = payload;
      if (cid !== id || payload['epoch'] !== epoch || jti === undefined) return undefined;
      if (typeof by !== 'string' || (role !== 'member' && role !== 'observer')) return undefined;
      return { id: jti, by: participantId(by), role, uses: typeof uses === 'number' ? uses : null };
    } catch {
      return undefined;
    }
  }
}
