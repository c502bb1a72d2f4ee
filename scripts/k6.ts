// Which k6 the load tests run on, and where it is.
import { accessSync, constants } from 'node:fs';
import { arch, type } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The release that `npm run k6:install` builds; `@types/k6` follows it. k6 2 is another module path. */
export const K6_VERSION = 'v1.8.1';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The folder of the k6 of this checkout. */
export const K6_FOLDER = join(ROOT, '.toolchain', `k6-${K6_VERSION}-${type()}-${arch()}`);

/** Path of a k6: `$K6`, or the one that `npm run k6:install` built, or the first on the PATH. */
export function findK6(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const own = env['K6'];
  if (own) return isExecutable(own) ? own : undefined;
  const folders = (env['PATH'] ?? '').split(delimiter).filter(Boolean);
  return [K6_FOLDER, ...folders].map((folder) => join(folder, 'k6')).find(isExecutable);
}

/** What to do about it when there is none. */
export function noK6(env: NodeJS.ProcessEnv = process.env): string {
  const own = env['K6'] ? `K6 names ${env['K6']}, which is no program` : 'no k6 found';
  return `${own}: \`npm run k6:install\` builds one with Go, or set K6 to the path of one`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
