import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashOf, readIfThere } from '../../../scripts/setup/fingerprint.mjs';
import { runNpm, sayDoing, stopRunningTool } from '../../../scripts/setup/tool.mjs';
import { ROOT } from '../harness/contender.ts';

/** Where the peers and their packages are: no dependencies of the project. */
export const PEERS = join(ROOT, 'perf/peers');

const MODULES = join(PEERS, 'node_modules');
const STAMP = join(MODULES, '.colloquy-stamp');

/** Installs the packages of perf/peers/package-lock.json there, unless they are there already. */
export async function installPeers(): Promise<void> {
  const lock = readIfThere(join(PEERS, 'package-lock.json')) ?? '';
  const fingerprint = hashOf([lock, process.version, process.platform, process.arch]);
  if (existsSync(MODULES) && readIfThere(STAMP) === fingerprint) return;
  const end = sayDoing('installing the peers of perf/peers/package-lock.json');
  process.once('exit', stopRunningTool);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--include=optional'];
  try {
    await runNpm(process.execPath, args, { cwd: PEERS, failure: 'could not install the peers' });
    writeFileSync(STAMP, fingerprint);
  } catch (error) {
    end('failed');
    throw error;
  }
  end('done');
}
