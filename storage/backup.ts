import { OpenError } from './open-error.ts';
import { type CopyOptions, copyFile } from './sqlite/backup.ts';

/** How a backend is copied while servers use it; gives the copy's bytes. Throws `OpenError`. */
type Backup = (rest: string, options: CopyOptions) => Promise<number>;

const BY_DATABASE = refuses('is backed up by Postgres itself: use pg_dump, or `colloquy export`');

/** One row a backend; the rest of its URL comes without the scheme. */
const BACKENDS: Readonly<Record<string, Backup>> = {
  sqlite: copyFile,
  memory: refuses('keeps nothing that could be backed up'),
  postgres: BY_DATABASE,
  postgresql: BY_DATABASE,
};

/** Copies the store that a URL names into a file, as it is at this moment. Throws `OpenError`. */
export async function backupStore(url: string, options: CopyOptions): Promise<number> {
  const [scheme = '', ...rest] = url.split(':');
  const backup = Object.hasOwn(BACKENDS, scheme) ? BACKENDS[scheme] : undefined;
  if (backup === undefined) throw new OpenError(`the store ${scheme}: is of no known kind`);
  return backup(rest.join(':'), options);
}

function refuses(why: string): Backup {
  return async () => {
    throw new OpenError(`this store ${why}`);
  };
}
