// Runs the tools a step needs (npm, tar, vite), quietly unless they fail.
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

const TAIL_LINES = 15;
const LIMIT_MS = 15 * 60_000;

/** A step that could not be done, told so that a person can act on it: printed without a stack. */
export class StepFailed extends Error {}

export function say(/** @type {string} */ line) {
  process.stderr.write(`colloquy: ${line}\n`);
}

/** Opens a line that says what is being done; the function it gives back ends the line. */
export function sayDoing(/** @type {string} */ what) {
  process.stderr.write(`colloquy: ${what} … `);
  return (/** @type {string} */ end) => process.stderr.write(`${end}\n`);
}

/** @type {import('node:child_process').ChildProcess | undefined} */
let running;

/** Ends the tool that runs now, with all it started: it leads a process group of its own. */
export function stopRunningTool() {
  if (running?.pid) {
    try {
      process.kill(-running.pid, 'SIGTERM');
    } catch {
      // It has ended by itself.
    }
  }
}

/**
 * Runs a tool to its end and gives its stdout.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd: string, env?: NodeJS.ProcessEnv, failure: string, advice?: string | undefined, missing?: string }} how
 *   `failure` opens the message when it fails and `advice` ends it; `missing` is the message when
 *   the tool is not installed
 * @returns {Promise<string>} fails with StepFailed, which carries the tail of what the tool said
 */
export function runTool(command, args, { cwd, env = process.env, failure, advice, missing }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running = child;
    let stdout = '';
    let both = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
      both += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      both += text;
    });
    let isLate = false;
    const limit = setTimeout(() => {
      isLate = true;
      stopRunningTool();
    }, LIMIT_MS);
    child.on('error', (error) => {
      clearTimeout(limit);
      running = undefined;
      const isMissing = /** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT';
      reject(new StepFailed(isMissing && missing ? missing : `${failure}: ${error.message}`));
    });
    child.on('close', (code, signal) => {
      clearTimeout(limit);
      running = undefined;
      if (code === 0) return resolve(stdout);
      const why = isLate
        ? `gave up after ${LIMIT_MS / 60_000} minutes`
        : `it ended with ${signal ?? `code ${code}`}`;
      reject(
        new StepFailed([`${failure}: ${why}`, ...tail(both), advice].filter(Boolean).join('\n')),
      );
    });
  });
}

/** Lines of npm's that tell a person nothing: its warnings, its stack, where its log is. */
const NOISE = /^npm (warn|notice)|^npm error\s*(at |$|A complete log)|^\s*$/;

/** The last lines that say something, indented. */
function tail(/** @type {string} */ text) {
  const lines = text.split('\n').filter((line) => !NOISE.test(line));
  return lines.slice(-TAIL_LINES).map((line) => `  ${line}`);
}

/** npm's own retries wait for more than a minute before they say that there is no network. */
const NPM_FLAGS = [
  '--loglevel=error',
  '--fetch-retries=3',
  '--fetch-retry-mintimeout=1000',
  '--fetch-retry-maxtimeout=8000',
];
const NO_NPM = 'npm is needed to set up this checkout and was not found: install Node.js with npm';

/**
 * Runs npm, by `node` where npm is the usual script: engine checks and optional packages then
 * follow the Node the project runs on, not the system's.
 * @param {string} node
 * @param {readonly string[]} args
 * @param {{ cwd: string, failure: string, advice?: string }} how
 */
export function runNpm(node, args, { cwd, failure, advice }) {
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
  const how = { cwd, env, failure, advice, missing: NO_NPM };
  const script = npmScript();
  return script
    ? runTool(node, [script, ...args, ...NPM_FLAGS], how)
    : runTool('npm', [...args, ...NPM_FLAGS], how);
}

/** npm's own script: what runs us, or what `npm` on the PATH links to. */
function npmScript() {
  const ours = process.env.npm_execpath;
  if (ours?.endsWith('npm-cli.js') && existsSync(ours)) return ours;
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const npm = join(folder, 'npm');
    if (!folder || !existsSync(npm)) continue;
    const script = realpathSync(npm);
    return script.endsWith('.js') ? script : undefined;
  }
  return undefined;
}
