// Step 3: the chat page, built by Vite from src/web into dist/web.
import { existsSync, mkdirSync, mkdtempSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashOf, readIfThere, treeTexts } from './fingerprint.mjs';
import { projectNode } from './node-step.mjs';
import { packagesFingerprint } from './packages-step.mjs';
import { root, scratch } from './paths.mjs';
import { runTool } from './tool.mjs';

const dist = join(root, 'dist');
const built = join(dist, 'web');
const STAMP = join(dist, '.web-stamp');
/** The page and all it may import; the packages count because they end up in it. */
const SOURCES = ['src/web', 'src/client', 'src/protocol', 'src/domain'];

const pageFingerprint = () =>
  hashOf([
    packagesFingerprint(),
    ...SOURCES.flatMap((folder) => [folder, ...treeTexts(join(root, folder))]),
  ]);

/** @type {import('../bootstrap.mjs').Step} */
export const pageStep = {
  name: 'page',
  isFresh: () =>
    !existsSync(join(root, 'src/web/index.html')) ||
    (existsSync(built) && readIfThere(STAMP) === pageFingerprint()),
  doing: () => 'building the page',
  async run() {
    const fingerprint = pageFingerprint();
    mkdirSync(scratch, { recursive: true });
    mkdirSync(dist, { recursive: true });
    const into = mkdtempSync(join(scratch, 'page-'));
    const fresh = join(into, 'web');
    const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
    await runTool(
      projectNode(),
      [vite, 'build', 'src/web', '--outDir', fresh, '--emptyOutDir', '--logLevel', 'warn'],
      {
        cwd: root,
        env: { ...process.env, NODE_ENV: 'production' },
        failure: 'could not build the page',
      },
    );
    if (existsSync(built)) renameSync(built, join(into, 'old-web'));
    renameSync(fresh, built);
    writeFileSync(STAMP, fingerprint);
  },
};
