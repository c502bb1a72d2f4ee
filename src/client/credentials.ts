import type { KeyValueStorage } from './environment.ts';

/** Where a guest's token is kept, beside whatever else the page keeps there. */
export const TOKEN_KEY = 'colloquy.token';

export type TokenSource = string | (() => string | Promise<string>);

export interface CredentialOptions {
  readonly token?: TokenSource | undefined;
  readonly name?: string | undefined;
  readonly storage: KeyValueStorage;
}

/**
 * Who we say we are. A token that was given is used as it is; without one we are a guest, and the token the
 * server makes for the guest is kept, so that the next connection is the same participant.
 */
export class Credentials {
  readonly #options: CredentialOptions;

  constructor(options: CredentialOptions) {
    this.#options = options;
  }

  async hello(): Promise<{ token?: string; name?: string }> {
    const { name } = this.#options;
    const token = await this.token();
    return { ...(token === undefined ? {} : { token }), ...(name === undefined ? {} : { name }) };
  }

  /** What REST calls carry as `Authorization: Bearer`. */
  async token(): Promise<string | undefined> {
    const { token, storage } = this.#options;
    if (token === undefined) return storage.getItem(TOKEN_KEY) ?? undefined;
    return typeof token === 'string' ? token : await token();
  }

  /** The welcome's token, if it made one. */
  accept(token: string | undefined): void {
    if (token !== undefined && this.#options.token === undefined) {
      this.#options.storage.setItem(TOKEN_KEY, token);
    }
  }

  /**
   * The server did not take the token. True when another try makes sense: a kept guest's token is dropped, as
   * the server may have lost the secret it was signed with, and we come back as a new guest.
   */
  refused(): boolean {
    const { token, storage } = this.#options;
    if (token !== undefined || storage.getItem(TOKEN_KEY) === null) return false;
    storage.removeItem(TOKEN_KEY);
    return true;
  }
}
