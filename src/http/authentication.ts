import type { Failure } from '../domain/failure.ts';
import type { Result } from '../domain/result.ts';
import type { StageMeter } from '../pipeline/stages.ts';
import { type Guest, Identity, type IdentityOptions, type Verified } from './identity.ts';

/** The stage that says who somebody is, before anything else is looked at. */
interface Authentication {
  /** Whose token this is, while it is good. */
  verify(token: string): Promise<Result<Verified, Failure>>;
  /** Somebody new without a token, where guests are let in. */
  welcomeGuest(name: string | undefined): Promise<Result<Guest, Failure>>;
}

/** Signed tokens, with what came of each counted. */
export class MeteredIdentity extends Identity implements Authentication {
  readonly #meter: StageMeter;

  constructor(options: IdentityOptions, meter: StageMeter) {
    super(options);
    this.#meter = meter;
  }

  override verify(token: string): Promise<Result<Verified, Failure>> {
    return this.#meter.time(
      () => super.verify(token),
      (verified) => (verified.ok ? 'passed' : verified.failure.reason),
    );
  }

  override welcomeGuest(name: string | undefined): Promise<Result<Guest, Failure>> {
    return this.#meter.time(
      () => super.welcomeGuest(name),
      (guest) => (guest.ok ? 'guest' : guest.failure.reason),
    );
  }
}
