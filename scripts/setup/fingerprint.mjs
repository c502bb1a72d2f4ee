// Stamps: a step is fresh while the hash of all its inputs is the one written beside its output.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The file's text, or undefined when it is not there. */
export function readIfThere(/** @type {string} */ path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Hash of the given texts, in their order; the lengths keep neighbours apart. */
export function hashOf(/** @type {readonly string[]} */ texts) {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(`${text.length}:`).update(text);
  return hash.digest('hex');
}

/** Names and contents of all files under `folder`, sorted by name; empty when it is not there. */
export function treeTexts(/** @type {string} */ folder) {
  /** @type {string[]} */
  const texts = [];
  const walk = (/** @type {string} */ path, /** @type {string} */ label) => {
    for (const entry of readdirSync(path, { withFileTypes: true }).sort((a, b) =>
      a.name < b.name ? -1 : 1,
    )) {
      const at = join(path, entry.name);
      if (entry.isDirectory()) walk(at, `${label}/${entry.name}`);
      else if (entry.isFile()) texts.push(`${label}/${entry.name}`, readFileSync(at, 'latin1'));
    }
  };
  try {
    walk(folder, '');
  } catch (error) {
    // A file that went between the listing and the reading: the hash differs, the step runs.
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT') throw error;
  }
  return texts;
}
