// A copy of the set-up scripts in a folder of its own, with a stand-in for npm, so that the
// bootstrap can be interrupted, failed and raced without a network.
import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** Stands in for `npm ci`: notes the call, waits at the gate if there is one, makes a vite. */
const NPM = `#!/bin/sh
echo "$*" >>"$CALLS"
[ -z "\${GATE-}" ] || cat "$GATE"
[ -z "\${NPM_FAILS-}" ] || { seq 40 >&2; echo 'the registry is on fire' >&2; exit 7; }
mkdir -p node_modules/vite/bin
cat >node_modules/vite/bin/vite.js <<'VITE'
const { appendFileSync, mkdirSync, writeFileSync } = require('node:fs');
const out = process.argv[process.argv.indexOf('--outDir') + 1];
appendFileSync(process.env.CALLS, 'vite\\n');
mkdirSync(out, { recursive: true });
writeFileSync(out + '/index.html', 'built');
VITE
`;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves once the process has written this text; rejects when it ends without. */
  wrote(text: string): Promise<void>;
}

export class Checkout {
  readonly path = mkdtempSync(join(tmpdir(), 'colloquy-checkout-'));
  readonly #bin = join(this.path, 'bin');
  readonly #calls = join(this.path, 'calls');
  readonly #gate = join(this.path, 'gate');

  constructor() {
    cpSync(join(ROOT, 'scripts'), join(this.path, 'scripts'), { recursive: true });
    cpSync(join(ROOT, '.node-version'), join(this.path, '.node-version'));
    const { name, version, type, scripts } = JSON.parse(
      readFileSync(join(ROOT, 'package.json'), 'utf8'),
    );
    const lock = {
      name,
      version,
      lockfileVersion: 3,
      requires: true,
      packages: { '': { name, version } },
    };
    this.write('package.json', JSON.stringify({ name, version, type, scripts }));
    this.write('package-lock.json', JSON.stringify(lock));
    mkdirSync(this.#bin);
    symlinkSync(process.execPath, join(this.#bin, 'node'));
    writeFileSync(join(this.#bin, 'npm'), NPM, { mode: 0o755 });
    writeFileSync(this.#calls, '');
    execFileSync('mkfifo', [this.#gate]);
  }

  write(path: string, text: string): void {
    mkdirSync(join(this.path, path, '..'), { recursive: true });
    writeFileSync(join(this.path, path), text);
  }

  /** What the stand-ins were called with, a line each. */
  calls(): readonly string[] {
    return readFileSync(this.#calls, 'utf8').split('\n').filter(Boolean);
  }

  bootstrap(step: 'node' | 'packages' | 'page', env: NodeJS.ProcessEnv = {}): Running {
    return this.start('node', ['scripts/bootstrap.mjs', step], env);
  }

  /** With a gate, the stand-in for npm stops in its middle until the gate is opened. */
  get gated(): NodeJS.ProcessEnv {
    return { GATE: this.#gate };
  }

  /** Resolves when the stand-in stands at its gate; closing the handle lets it go on. */
  atGate(): Promise<FileHandle> {
    return open(this.#gate, 'w');
  }

  /** Starts a command in the checkout; `node` and `npm` are this checkout's own. */
  start(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
    const { npm_execpath: _, ...inherited } = process.env;
    const PATH = `${this.#bin}:${process.env['PATH']}`;
    return watch(
      spawn(command, args, {
        cwd: this.path,
        env: { ...inherited, PATH, CALLS: this.#calls, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true, maxRetries: 5 });
  }
}

function watch(child: ChildProcess): Running {
  const seen = { stdout: '', stderr: '' };
  const listeners = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      seen[name] += text;
      for (const look of listeners) look();
    });
  }
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...seen }));
  });
  const wrote = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (`${seen.stdout}\n${seen.stderr}`.includes(text)) resolve();
      };
      listeners.add(look);
      look();
      child.on('close', () =>
        reject(new Error(`ended without '${text}':\n${seen.stdout}${seen.stderr}`)),
      );
    });
  return { child, ended, wrote };
}
