// Where the bootstrap keeps what it brings. Everything is inside the checkout and git-ignored, and
// on one file system, so that a rename swaps it in.
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/[/\\]$/, '');
export const toolchain = join(root, '.toolchain');
export const scratch = join(toolchain, 'tmp');

/** The Node the project brings when the system's will not do. */
export const nodeVersion = readFileSync(join(root, '.node-version'), 'utf8').trim();
/** scripts/run builds the same name with uname. */
export const nodeHome = join(toolchain, `node-${nodeVersion}-${os.type()}-${os.machine()}`);
export const ownNode = join(nodeHome, 'bin', 'node');
