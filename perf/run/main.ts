// `npm run perf -- SCENARIO`: one load scenario against a server of its own, with a report.

import { mkdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { findK6, noK6 } from '../../scripts/k6.ts';
import { failuresOf } from '../k6/lib/report.ts';
import { reportText } from '../k6/lib/report-text.ts';
import { figuresOf } from '../k6/lib/scenarios.ts';
import { HELP, readArguments, type Wanted } from './arguments.ts';
import { runScenario } from './run.ts';
import { ROOT } from './server.ts';

/** What it ends with: a scenario or a figure that is not there, no k6, ^C. */
const MISTAKE = 2;
const NO_LOAD = 3;
const INTERRUPTED = 130;

const read = readArguments(process.argv.slice(2), process.env);
if (read.kind === 'help') process.stdout.write(HELP);
else if (read.kind === 'mistake') fail(read.what, MISTAKE);
else await run(read);

function fail(what: string, code: number): void {
  say(what);
  process.exitCode = code;
}

function say(line: string): void {
  process.stderr.write(`perf: ${line}\n`);
}

async function run(wanted: Wanted): Promise<void> {
  const env = { ...process.env, PERF_SHORT: wanted.isShort ? '1' : '' };
  const figures = figuresOf(wanted.scenario, env);
  if (typeof figures === 'string') return fail(figures, MISTAKE);
  const k6 = findK6();
  if (k6 === undefined) return fail(noK6(), NO_LOAD);
  const signal = interruption();
  const out = folderOf(wanted);
  try {
    const report = await runScenario({ wanted, figures, k6, run: nameOfRun(), out, signal, say });
    process.stdout.write(reportText(report));
    say(`the report is ${relative(process.cwd(), join(out, 'report.html'))}`);
    const isPassed = failuresOf(report).length === 0;
    process.exitCode = signal.aborted ? INTERRUPTED : isPassed ? 0 : 1;
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error), 1);
  }
}

/** The first ^C ends the run in order, with a report of what there is; the second ends it at once. */
function interruption(): AbortSignal {
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (abort.signal.aborted) process.exit(INTERRUPTED);
      say('ending the run; once more ends it at once');
      abort.abort();
    });
  }
  return abort.signal;
}

function folderOf({ scenario, isShort, out }: Wanted): string {
  const time = new Date().toISOString().slice(0, 19).replace(/:/g, '-');
  const name = `${scenario}${isShort ? '-short' : ''}-${time}`;
  const folder = resolve(out ?? join(ROOT, 'perf/results', name));
  mkdirSync(folder, { recursive: true });
  return folder;
}

function nameOfRun(): string {
  return `r${Date.now().toString(36)}`;
}
