import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { type LoadedConfig, readConfig } from '../config.ts';
import { UsageError } from './usage-error.ts';

/** The settings of this process. Throws `UsageError` with all that is wrong. */
export function loadSettings(flags: readonly string[]): LoadedConfig {
  const read = readConfig({ flags, env: process.env, readFile });
  if (!read.ok) throw new UsageError(read.failure.message);
  return read.value;
}

/** Undefined when it is not there, or may not be read. */
function readFile(path: string): Record<string, string | undefined> | undefined {
  try {
    return parseEnv(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
