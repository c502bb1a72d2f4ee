import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
  unlinkSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { UsageError } from './usage-error.ts';

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
/** What SQLite puts beside a file that it writes. */
const BESIDE = ['', '-journal', '-wal', '-shm'];

/**
 * A file that is there whole, and durable, or not at all: `write` fills a temporary one beside it, for our eyes only
 * (0600), which gets the name at the end. A file that is there already is left alone. Throws `UsageError`, and what
 * `write` throws. Only SIGKILL or a power cut leaves the temporary file (`.NAME.PID.partial`) behind.
 */
export async function wholeFile<T>(
  path: string,
  write: (temporary: string) => Promise<T>,
): Promise<T> {
  if (existsSync(path)) throw taken(path);
  const target = resolve(path);
  const temporary = join(dirname(target), `.${basename(target)}.${process.pid}.partial`);
  const forget = () => {
    for (const end of BESIDE) rmSync(temporary + end, { force: true });
  };
  const takeBack = onSignals(forget);
  try {
    make(temporary, path);
    const result = await write(temporary);
    sync(temporary);
    publish(temporary, target);
    sync(dirname(target));
    return result;
  } finally {
    forget();
    takeBack();
  }
}

function make(temporary: string, path: string): void {
  try {
    closeSync(openSync(temporary, 'wx', 0o600));
  } catch (error) {
    throw new UsageError(`${path} cannot be written: ${(error as Error).message}`);
  }
}

/** Atomic, and never over another file: a link fails where a rename would replace. */
function publish(temporary: string, path: string): void {
  try {
    linkSync(temporary, path);
    unlinkSync(temporary);
  } catch {
    // There, or a file system without links: then only the look at it protects the other.
    if (existsSync(path)) throw taken(path);
    renameSync(temporary, path);
  }
}

/** Of a folder, too: its entry for a new file is durable after it. */
function sync(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function taken(path: string): UsageError {
  return new UsageError(`${path} is there already; name a file that is not`);
}

function onSignals(forget: () => void): () => void {
  const handlers = Object.entries(SIGNALS).map(([signal, code]) => {
    const handler = () => {
      forget();
      process.exit(code);
    };
    process.once(signal, handler);
    return { signal, handler };
  });
  return () => {
    for (const { signal, handler } of handlers) process.off(signal, handler);
  };
}
