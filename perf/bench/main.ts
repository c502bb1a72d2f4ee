// `npm run bench -- NAME`: runs one of the programs beside this file, each of which answers one question on stdout.

import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { basename, join } from 'node:path';

const FOLDER = import.meta.dirname;
const README = join(FOLDER, '..', 'README.md');

const [name = '--help', ...given] = process.argv.slice(2);
const names = benches();
if (name === '--help' || name === '-h') {
  process.stdout.write(help(names));
} else if (names.has(name)) {
  const args = given.filter((arg) => arg !== '--write');
  const { code, said } = await run(name, args);
  if (code === 0 && args.length < given.length) write(name, args, said);
  process.exitCode = code;
} else {
  process.stderr.write(`bench: no benchmark is called '${name}'\n\n${help(names)}`);
  process.exitCode = 1;
}

/** Every program here, by name, with the question in its first comment. */
function benches(): ReadonlyMap<string, string> {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.ts') && file !== 'main.ts');
  return new Map(
    files.sort().map((file) => {
      const source = readFileSync(join(FOLDER, file), 'utf8');
      const question = /^\/\/ (.*)|^\/\*\*\s+\*? ?(.*)/m.exec(source);
      return [basename(file, '.ts'), question?.[1] ?? question?.[2] ?? ''];
    }),
  );
}

function help(found: ReadonlyMap<string, string>): string {
  const rows = [...found].map(([name, question]) => `  ${name.padEnd(12)}${question}`);
  return `usage: npm run bench -- NAME [--write] [its own options; --help lists them]\n\n${rows.join('\n')}\n\n  --write     put the result into perf/README.md\n`;
}

function run(name: string, args: readonly string[]): Promise<{ code: number; said: string }> {
  const child = spawn(process.execPath, [join(FOLDER, `${name}.ts`), ...args], {
    stdio: ['inherit', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk;
    process.stdout.write(chunk);
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => {
    child.once('close', (code) => resolve({ code: code ?? 1, said }));
  });
}

/** Replaces what stands between the marks of this benchmark. */
function write(name: string, args: readonly string[], said: string): void {
  const begin = `<!-- bench ${name} -->`;
  const end = `<!-- /bench ${name} -->`;
  const readme = readFileSync(README, 'utf8');
  const [before, rest] = readme.split(begin);
  const behind = rest?.split(end)[1];
  if (before === undefined || behind === undefined) {
    throw new Error(`perf/README.md has no ${begin} … ${end}`);
  }
  const date = new Date().toISOString().slice(0, 10);
  const command = ['npm run bench --', name, ...args].join(' ');
  const machine = `${availableParallelism()} cores of ${cpus()[0]?.model.trim() ?? 'an unknown CPU'}`;
  const about = `\`${command}\`, ${date}, ${machine}, Node ${process.version}.`;
  writeFileSync(README, `${before}${begin}\n${about}\n${said.trimEnd()}\n${end}${behind}`);
}
