import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TemporaryFolder {
  readonly path: (name: string) => string;
  readonly clear: () => void;
}

/** A new empty folder; `clear` deletes it and all in it. */
export function temporaryFolder(): TemporaryFolder {
  const folder = mkdtempSync(join(tmpdir(), 'colloquy-'));
  return {
    path: (name) => join(folder, name),
    clear: () => rmSync(folder, { recursive: true, force: true }),
  };
}
