import { errors, jwtVerify, SignJWT } from 'jose';
import type { ActorParts } from '../../actors/actor-parts.ts';
import { type Failure, failure } from '../domain/failure.ts';
import { isId, newParticipantId, participantId } from '../domain/ids.ts';
import { type Author, MAX_NAME_CHARS } from '../domain/participant.ts';
import { err, ok, type Result } from '../domain/result.ts';
import { Invites } from './invites.ts';

const ALGORITHM = 'HS256';
const ISSUER = 'colloquy';
/** Bytes of the signing secret: as many as the hash has. */
const SECRET_BYTES = 32;

export interface IdentityOptions {
  /** Signs tokens; the same after a restart, so that a guest stays who they are. */
  readonly secret: Uint8Array;
  /** Whether somebody without a token may come in as a guest. */
  readonly allowsGuests: boolean;
  /** Seconds a guest's token is good for. */
  readonly guestTokenSeconds: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Somebody who is known, and until when (milliseconds since 1970). */
export interface Verified {
  readonly participant: Author;
  readonly expiresAt: number;
  /** May look at and steer the server itself (`/v1/admin/…`); gives no rights in a conversation. */
  readonly isAdmin: boolean;
}

export interface Guest extends Verified {
  readonly token: string;
}

/**
 * Who somebody is: a signed token (JWT, HS256) says a participant's id and name. Nothing is stored; a guest's
 * token, presented again, makes the same participant.
 */
export class Identity {
  readonly invites: Invites;
  readonly #options: IdentityOptions;

  constructor(options: IdentityOptions) {
    this.#options = options;
    this.invites = new Invites(options);
  }

  get allowsGuests(): boolean {
    return this.#options.allowsGuests;
  }

  async verify(token: string): Promise<Result<Verified, Failure>> {
    const { secret, now } = this.#options;
    try {
      const { payload } = await jwtVerify(token, secret, {
        algorithms: [ALGORITHM],
        issuer: ISSUER,
        requiredClaims: ['sub', 'exp'],
        currentDate: new Date(now()),
      });
      const { sub, name, exp, admin } = payload;
      if (sub === undefined || !isId(sub) || typeof name !== 'string' || exp === undefined) {
        return err(failure('bad_token'));
      }
      const id = participantId(sub);
      const participant: Author = { id, name: name.slice(0, MAX_NAME_CHARS), kind: 'human' };
      return ok({ participant, expiresAt: exp * 1000, isAdmin: admin === true });
    } catch (cause) {
      return err(failure(cause instanceof errors.JWTExpired ? 'token_expired' : 'bad_token'));
    }
  }

  /** A new guest, if guests are let in. */
  async welcomeGuest(name: string | undefined): Promise<Result<Guest, Failure>> {
    if (!this.#options.allowsGuests) return err(failure('unauthenticated'));
    const id = newParticipantId();
    const participant: Author = { id, name: name ?? `Guest ${id.slice(2, 6)}`, kind: 'human' };
    const { guestTokenSeconds, now } = this.#options;
    const token = await this.sign(participant, guestTokenSeconds);
    const expiresAt = now() + guestTokenSeconds * 1000;
    return ok({ participant, token, expiresAt, isAdmin: false });
  }

  sign({ id, name }: Author, seconds: number, rights: { isAdmin?: boolean } = {}): Promise<string> {
    const issuedAt = Math.floor(this.#options.now() / 1000);
    return new SignJWT({ name, ...(rights.isAdmin === true ? { admin: true } : {}) })
      .setProtectedHeader({ alg: ALGORITHM })
      .setIssuer(ISSUER)
      .setSubject(id)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + seconds)
      .sign(this.#options.secret);
  }
}

/** The store's own signing secret, made at its first start. */
export function signingSecret(store: ActorParts['store']) {
  return store.secret('token-signing', () => crypto.getRandomValues(new Uint8Array(SECRET_BYTES)));
}
