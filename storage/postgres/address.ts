import pg from 'pg';
import { OpenError } from '../open-error.ts';

/**
 * What a URL connects to, in words that may be shown: no password, no parameters. Throws `OpenError`, without the
 * URL, when it is none.
 */
export function labelOf(url: string): string {
  const { user = '', host, port, database = '' } = read(url);
  // A folder of sockets, in the form that a URL has for it.
  const at = host.startsWith('/') ? encodeURIComponent(host) : host;
  return `postgres://${user}@${at}:${port}/${database}`;
}

function read(url: string): pg.Client {
  try {
    return new pg.Client({ connectionString: url });
  } catch {
    // The error holds the URL, and that the password.
    throw new OpenError(
      'the address of the Postgres store cannot be read: write postgres://USER:PASSWORD@HOST:PORT/DATABASE, and escape what is special in a URL',
    );
  }
}
