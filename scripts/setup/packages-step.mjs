// Step 2: node_modules, from the lock file and from nothing else.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { hashOf, readIfThere } from './fingerprint.mjs';
import { projectNode } from './node-step.mjs';
import { nodeVersion, ownNode, root, scratch } from './paths.mjs';
import { runNpm } from './tool.mjs';

const modules = join(root, 'node_modules');
const STAMP = '.colloquy-stamp';
const INPUTS = ['package.json', 'package-lock.json', '.npmrc'];

/** Hash of everything that decides what is installed; changing a script in package.json does not. */
export function packagesFingerprint() {
  const { dependencies, devDependencies, optionalDependencies, overrides } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  );
  return hashOf([
    JSON.stringify([dependencies, devDependencies, optionalDependencies, overrides]),
    readIfThere(join(root, 'package-lock.json')) ?? '',
    readIfThere(join(root, '.npmrc')) ?? '',
    `${existsSync(ownNode) ? nodeVersion : process.versions.node} ${process.platform} ${process.arch}`,
  ]);
}

/** @type {import('../bootstrap.mjs').Step} */
export const packagesStep = {
  name: 'packages',
  isFresh: () => readIfThere(join(modules, STAMP)) === packagesFingerprint(),
  doing: () => 'installing the packages of package-lock.json',
  async run() {
    const fingerprint = packagesFingerprint();
    mkdirSync(scratch, { recursive: true });
    const into = mkdtempSync(join(scratch, 'packages-'));
    for (const name of INPUTS) {
      if (existsSync(join(root, name))) copyFileSync(join(root, name), join(into, name));
    }
    // No package of ours needs its install script: the native ones ship their binaries. Development
    // packages always: the page is built with them, whatever NODE_ENV says.
    const args = [
      'ci',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--include=dev',
      '--include=optional',
    ];
    await runNpm(projectNode(), args, { cwd: into, failure: 'could not install the packages' });
    const fresh = join(into, 'node_modules');
    mkdirSync(fresh, { recursive: true });
    writeFileSync(join(fresh, STAMP), fingerprint);
    if (existsSync(modules)) renameSync(modules, join(into, 'old_modules'));
    renameSync(fresh, modules);
  },
};
