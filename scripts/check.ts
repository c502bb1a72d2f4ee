// `npm run check`: format, lint, import rules, types, dead exports. One line for each step with its
// time; the output of those that failed; exit code 1 when any did.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { machinesPage } from './diagrams.ts';
import { checkImports } from './import-rules.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const BIN = join(root, 'node_modules');

interface Outcome {
  readonly ok: boolean;
  readonly output: string;
}

function tool(script: string, ...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(BIN, script), ...args], {
      cwd: root,
      env: { ...process.env, ...(process.stdout.isTTY && { FORCE_COLOR: '1' }) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    child.on('error', (error) => resolve({ ok: false, output: `${error}` }));
    child.on('close', (code) => resolve({ ok: code === 0, output }));
  });
}

const NOT_SOURCES = new Set(['node_modules', 'dist', 'data', 'coverage', 'peers', 'k6']);

/** All TypeScript below a folder, by paths from the root. */
function sources(folder = ''): readonly string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder ? `${folder}/${entry.name}` : entry.name;
    if (entry.isFile()) return /\.tsx?$/.test(entry.name) ? [path] : [];
    const isSkipped = entry.name.startsWith('.') || NOT_SOURCES.has(entry.name);
    return entry.isDirectory() && !isSkipped ? sources(path) : [];
  });
}

async function importRules(): Promise<Outcome> {
  const refused = checkImports(root, sources());
  return { ok: refused.length === 0, output: refused.join('\n') };
}

function diagramsAreCurrent(): Outcome {
  const ok = readFileSync(join(root, 'docs/machines.md'), 'utf8') === machinesPage();
  return { ok, output: 'docs/machines.md is not what the machines say: npm run diagrams' };
}

const biome = (command: string, ...args: string[]) =>
  tool('@biomejs/biome/bin/biome', command, '--max-diagnostics=50', ...args);
const tsc = (project: string) => tool('typescript/bin/tsc', '-p', project);

/** In two lanes, for two cores; the long steps first in each. */
const LANES: readonly (readonly [name: string, run: () => Promise<Outcome>][])[] = [
  [
    ['types', () => tsc('tsconfig.json')],
    ['types of the page', () => tsc('tsconfig.web.json')],
    ['types of the k6 scripts', () => tsc('tsconfig.k6.json')],
    ['format', () => biome('format')],
    ['diagrams', async () => diagramsAreCurrent()],
  ],
  [
    ['lint', () => biome('lint', '--error-on-warnings')],
    ['dead exports', () => tool('knip/bin/knip.js', '--no-progress')],
    ['import rules', importRules],
  ],
];

async function step(name: string, run: () => Promise<Outcome>): Promise<boolean> {
  const start = performance.now();
  const { ok, output } = await run().catch((error: unknown) => ({ ok: false, output: `${error}` }));
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${ok ? 'ok    ' : 'FAILED'}  ${name}, ${seconds} s`);
  if (!ok) console.log(`${output.trimEnd()}\n`);
  return ok;
}

const lanes = LANES.map(async (lane) => {
  let ok = true;
  for (const [name, run] of lane) ok = (await step(name, run)) && ok;
  return ok;
});
const results = await Promise.all(lanes);
process.exitCode = results.every(Boolean) ? 0 : 1;
