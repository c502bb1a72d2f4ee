import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import Sqlite, { type Database } from 'better-sqlite3';
import { OpenError } from '../open-error.ts';
import { codeOf } from './errors.ts';

/** One look at all pages of the file, as it is told to who keeps the log. */
export interface FileCheck {
  readonly bytes: number;
  readonly seconds: number;
  /** While the store was serving, because the file is large. */
  readonly isBeside: boolean;
  /** What is wrong, in SQLite's words; undefined when nothing is. */
  readonly damage: string | undefined;
}

export interface CheckOptions {
  /** Up to so many bytes a start waits for the check; larger files are checked beside the serving process. */
  readonly checkHereBytes: number;
  readonly onChecked: (check: FileCheck) => void;
}

/** The check that runs, or ran, beside the store. */
export interface BesideCheck {
  readonly damage: () => string | undefined;
  readonly stop: () => void;
}

const SCRIPT = fileURLToPath(new URL('./integrity-process.ts', import.meta.url));
/** Lets everything else go first. */
const NICENESS = 10;

/**
 * Checks the file if the process before us did not end cleanly; to be called with the lock held, before anything
 * is changed. Throws `OpenError` when it is damaged.
 *
 * The sign of such an end is a write-ahead log that is not empty: a close that got to its end has taken it away.
 * `PRAGMA quick_check` reads every page once: 0.7 s a GB of log from the system's cache, the disk's speed without
 * it, and 12 s a GB of search words (FTS5 is read term by term; only what was searched for or uploaded is there).
 * A file over `checkHereBytes` is checked by a process of its own (a thread could not be stopped in the middle);
 * until it is done, the write-ahead log cannot begin anew and grows by what is written, and a file beside it,
 * `PATH-unchecked`, says to the next start that there is a check to make. Its damage is told by `onChecked` and by
 * the answer's `damage`.
 */
export function checkAfterCrash(path: string, options: CheckOptions): BesideCheck | undefined {
  const bytes = sizeOf(path) + sizeOf(walOf(path));
  const isUnclean = sizeOf(walOf(path)) > 0 || isThere(markOf(path));
  if (!isUnclean || sizeOf(path) === 0) return undefined;
  if (bytes > options.checkHereBytes) return checkBeside(path, bytes, options);
  const startedAt = performance.now();
  const damage = damageOf(path);
  if (damage !== undefined) throw new OpenError(`is damaged (${damage}); ${REPAIR}`);
  rmSync(markOf(path), { force: true });
  const seconds = (performance.now() - startedAt) / 1_000;
  options.onChecked({ bytes, seconds, isBeside: false, damage });
  return undefined;
}

/** What is wrong with the file, which is only read; undefined when nothing is. Seconds for each GB. */
export function damageOf(path: string): string | undefined {
  const db = new Sqlite(path, { readonly: true });
  try {
    return damageIn(db);
  } finally {
    db.close();
  }
}

export function damageIn(db: Database): string | undefined {
  try {
    const found = String(db.pragma('quick_check(1)', { simple: true }));
    return found === 'ok' ? undefined : oneLine(found);
  } catch (error) {
    if (codeOf(error)?.startsWith('SQLITE_CORRUPT') !== true) throw error;
    return oneLine((error as Error).message);
  }
}

/** What to do about a damaged file. An old write-ahead log would be played onto whatever stands in its place. */
export const REPAIR =
  'nothing was changed. Move it away together with its -wal and -shm, and put a backup in its place';

function checkBeside(path: string, bytes: number, { onChecked }: CheckOptions): BesideCheck {
  writeFileSync(markOf(path), '');
  const startedAt = performance.now();
  let damage: string | undefined;
  const child = spawn(process.execPath, [SCRIPT, path], { stdio: ['ignore', 'pipe', 'ignore'] });
  yieldToOthers(child);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  let isStopped = false;
  const ended = (code: number | null) => {
    if (isStopped) return;
    isStopped = true;
    if (code !== 0) damage = `the check ended with ${code ?? 'a signal'}`;
    else if (output !== '') damage = output;
    else rmSync(markOf(path), { force: true });
    const seconds = (performance.now() - startedAt) / 1_000;
    onChecked({ bytes, seconds, isBeside: true, damage });
  };
  child.on('close', ended).on('error', () => ended(null));
  child.unref();
  return {
    damage: () => damage,
    stop: () => {
      isStopped = true;
      child.kill('SIGKILL');
    },
  };
}

function yieldToOthers({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) setPriority(pid, NICENESS);
  } catch {
    // It is over already, or the system does not let us: the check is only less polite.
  }
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').slice(0, 200);
}

function walOf(path: string): string {
  return `${path}-wal`;
}

function markOf(path: string): string {
  return `${path}-unchecked`;
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
