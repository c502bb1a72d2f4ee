// `npm run k6:install`: builds k6 with Go into .toolchain. The folder is swapped in by a rename, so
// that an interrupted build leaves nothing that looks like a k6.
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { K6_FOLDER, K6_VERSION } from './k6.ts';
import { root, toolchain } from './setup/paths.mjs';
import { runTool, StepFailed, say, sayDoing, stopRunningTool } from './setup/tool.mjs';

const NO_GO =
  'Go is needed to build k6 and was not found: install it (https://go.dev/dl), and start again; or set K6 to the path of a k6 that is there already';

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, () => {
    stopRunningTool();
    process.exit(code);
  });
}

const binary = join(K6_FOLDER, 'k6');
if (existsSync(binary)) say(`k6 ${K6_VERSION} is here: ${binary}`);
else await install();

async function install(): Promise<void> {
  mkdirSync(toolchain, { recursive: true });
  const into = mkdtempSync(join(toolchain, 'k6-build-'));
  const end = sayDoing(`building k6 ${K6_VERSION} with Go, which takes a minute or some`);
  try {
    // Without cgo it needs no C compiler, and runs on any libc.
    const env = { ...process.env, GOBIN: into, CGO_ENABLED: '0' };
    const go = ['install', '-trimpath', '-ldflags=-s -w', `go.k6.io/k6@${K6_VERSION}`];
    await runTool('go', go, {
      cwd: into,
      env,
      failure: `could not build k6 ${K6_VERSION}`,
      advice: 'It needs a Go that is not too old, and the network or a Go module proxy (GOPROXY).',
      missing: NO_GO,
    });
    const failure = 'the k6 that was built does not run';
    await runTool(join(into, 'k6'), ['version'], { cwd: root, failure });
    rmSync(K6_FOLDER, { recursive: true, force: true });
    renameSync(into, K6_FOLDER);
    end('done');
    say(`k6 is ${binary}`);
  } catch (error) {
    end('failed');
    rmSync(into, { recursive: true, force: true });
    if (!(error instanceof StepFailed)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}
