// `npm run perf:budgets`: short forms of the benchmarks, held against the ratios in perf/budgets.json.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { flagsOf } from '../bench/harness/flags.ts';
import { table } from '../bench/harness/stats.ts';
import { type Budget, better, byCommand, judge, type Verdict } from './budget.ts';

const HELP = `usage: npm run perf:budgets [-- --only NAME]

  Runs the short form of each benchmark in perf/budgets.json, prints a table, and ends with 1 when a bound is not
  kept in any of three runs of its benchmark. Takes one to four minutes.

  --only TEXT   budgets whose name or benchmark has this in it
`;

const BENCHES = join(import.meta.dirname, '../bench');
/** A benchmark that takes longer is given up. */
const LONGEST_MS = 180_000;
/** A regression is there every time; other work on the machine is not. */
const MOST_RUNS = 3;

const options = flagsOf(HELP, { only: { type: 'string', default: '' } });
await main(options.only);

async function main(only: string): Promise<void> {
  const file = join(import.meta.dirname, '../budgets.json');
  const all = JSON.parse(readFileSync(file, 'utf8')) as readonly Budget[];
  const chosen = all.filter(({ name, bench }) =>
    [name, ...bench].some((text) => text.includes(only)),
  );
  const verdicts: Verdict[] = [];
  for (const budgets of byCommand(chosen).values()) verdicts.push(...(await check(budgets)));
  process.stdout.write(`\n${describe(verdicts)}\n`);
  const broken = verdicts.filter(({ isKept }) => !isKept);
  if (broken.length === 0) return;
  process.stderr.write(`\nbudgets: ${broken.length} of ${verdicts.length} not kept\n`);
  process.exitCode = 1;
}

/** Of one command. A breach is looked at again: the machine may have had other work. */
async function check(budgets: readonly Budget[]): Promise<readonly Verdict[]> {
  let verdicts = judge(budgets, await run(budgets));
  for (let again = 1; again < MOST_RUNS; again += 1) {
    if (verdicts.every(({ isKept }) => isKept)) break;
    const next = judge(budgets, await run(budgets));
    verdicts = verdicts.map((verdict, at) => better(verdict, next[at]));
  }
  return verdicts;
}

/** What it printed; a benchmark that fails has given no figures. */
function run([first]: readonly Budget[]): Promise<string> {
  const [name = '', ...args] = first?.bench ?? [];
  process.stderr.write(`${name} ${args.join(' ')}\n`);
  const child = spawn(process.execPath, [join(BENCHES, `${name}.ts`), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LONGEST_MS,
  });
  let said = '';
  let complaint = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk;
  });
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + String(chunk)).slice(-2_000);
  });
  return new Promise((resolve) => {
    child.once('close', (code) => {
      if (code !== 0) process.stderr.write(`${complaint}\n${name} ended with ${code}\n`);
      resolve(code === 0 ? said : '');
    });
  });
}

function describe(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(({ budget, figure, isKept }) => [
    budget.name,
    Number.isNaN(figure) ? 'no figure' : figure.toPrecision(3),
    [
      ...(budget.atLeast === undefined ? [] : [`at least ${budget.atLeast}`]),
      ...(budget.atMost === undefined ? [] : [`at most ${budget.atMost}`]),
    ].join(', '),
    String(budget.was),
    isKept ? 'kept' : '**not kept**',
  ]);
  return table(['budget', 'now', 'bound', 'when it was set', ''], rows);
}
