import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Report } from '../k6/lib/report.ts';
import { reportPage } from '../k6/lib/report-page.ts';
import { reportText } from '../k6/lib/report-text.ts';
import { type Figures, SCENARIOS, secondsOf } from '../k6/lib/scenarios.ts';
import type { Wanted } from './arguments.ts';
import { startLoad } from './load.ts';
import { circumstances } from './machine.ts';
import { plotsOf } from './plots.ts';
import { costFacts, countLog } from './result.ts';
import { Sampler } from './sampler.ts';
import type { Sample } from './samples.ts';
import { Seconds } from './seconds.ts';
import { type Server, startServer } from './server.ts';
import { plotSheet } from './sheet.ts';
import { heapGrowth, keptIn, leaksIn } from './soak.ts';
import { Streams } from './streams.ts';
import { warm } from './warm.ts';

/** The server is warmed for as long as it is measured, and for so long at most. */
const WARM_MS = 3_000;
/** Milliseconds beyond what a scenario may take, after which k6 is ended. */
const LATE_MS = 60_000;

export interface RunPlan {
  readonly wanted: Wanted;
  /** In every conversation's id: a database may be used again. */
  readonly run: string;
  readonly figures: Figures;
  readonly k6: string;
  /** An existing folder for the report. */
  readonly out: string;
  /** Ends the run early; what was measured until then is reported, as a failure. */
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/**
 * One run: a server with a store of its own, warmed; k6 against it, both sampled; the report, in `out`. Nothing
 * that it started runs on when it is settled.
 */
export async function runScenario(plan: RunPlan): Promise<Report> {
  const scratch = mkdtempSync(join(tmpdir(), 'colloquy-perf-'));
  const sweep = () => rmSync(scratch, { recursive: true, force: true });
  process.once('exit', sweep);
  try {
    const report = reportOf(plan, await measured(plan, scratch));
    writeFileSync(join(plan.out, 'summary.txt'), reportText(report));
    writeFileSync(join(plan.out, 'report.json'), `${JSON.stringify(report, null, 1)}\n`);
    writeFileSync(join(plan.out, 'report.html'), reportPage(report));
    writeFileSync(join(plan.out, 'plots.svg'), plotSheet(report.plots));
    return report;
  } finally {
    sweep();
    process.off('exit', sweep);
  }
}

/** What a run leaves behind. */
interface Measured {
  readonly seconds: Seconds;
  readonly samples: readonly Sample[];
  readonly metrics: Report['metrics'];
  readonly failures: string[];
}

async function measured(plan: RunPlan, scratch: string): Promise<Measured> {
  const { wanted, out, say } = plan;
  const scenario = scenarioOf(wanted);
  const server = await startServer({
    flags: [...scenario.server, ...wanted.server],
    store: wanted.store === 'sqlite' ? `sqlite:${join(scratch, 'colloquy.db')}` : wanted.store,
    log: join(out, 'server.log'),
    collectsGarbage: scenario.isSoak === true,
  });
  let found: Measured;
  try {
    say(`warming the server at ${server.url}`);
    await warm(server.url, Math.min(plan.figures.DURATION * 1_000, WARM_MS));
    found = await underLoad(plan, { server, scratch });
  } finally {
    await server.stop();
  }
  const how = await server.gone;
  if (how !== 'ended with code 0') found.failures.push(`the server ${how}`);
  return found;
}

async function underLoad(
  { wanted, figures, run, k6, out, signal, say }: RunPlan,
  { server, scratch }: { readonly server: Server; readonly scratch: string },
): Promise<Measured> {
  const seconds = new Seconds();
  const failures: string[] = [];
  const { url } = server;
  const { scenario, isShort } = wanted;
  say(`running ${scenario}, which takes ${secondsOf(figures)} s at most`);
  const people = figures.PEOPLE + figures.SLOW;
  const load = startLoad({ k6, scenario, people, url, isShort, run, out, scratch }, seconds);
  const sampler = new Sampler(url, load.cpuSeconds);
  const streams = new Streams({ url, run, figures });
  const late = lateAfter(secondsOf(figures) * 1_000 + LATE_MS);
  const cut = await Promise.race([
    load.done.then(() => undefined),
    server.gone.then(() => 'the server ended before the load did'),
    aborted(signal),
    late.promise,
  ]);
  late.cancel();
  if (cut !== undefined) failures.push(cut);
  await load.stop();
  const failed = await load.done;
  // Of a k6 that was ended early it is no news.
  if (failed !== undefined && cut === undefined) failures.push(failed);
  await streams.end(cut === undefined);
  sampler.stop();
  const metrics = { ...metricsOf(out, failures), ...streams.metrics() };
  return { seconds, samples: sampler.samples, metrics, failures };
}

/** What k6 wrote when it ended. */
function metricsOf(out: string, failures: string[]): Report['metrics'] {
  try {
    return (JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) as Report).metrics;
  } catch {
    failures.push('k6 left no summary; k6.log says why');
    return {};
  }
}

function reportOf(plan: RunPlan, { seconds, samples, metrics, failures }: Measured): Report {
  const { wanted, figures, k6, out } = plan;
  const scenario = scenarioOf(wanted);
  const said = readFileSync(join(out, 'server.log'), 'utf8');
  const log = countLog(said);
  const kept = keptIn(said);
  const flags = [...scenario.server, ...wanted.server].join(' ');
  const logged = log.errors === 0 ? [] : [`the server logged ${log.errors} errors: ${log.first}`];
  const isSoak = scenario.isSoak === true;
  const growth = `${heapGrowth(kept).toFixed(2)} MB a minute after the warm-up`;
  return {
    scenario: wanted.scenario,
    about: scenario.about,
    at: new Date().toISOString(),
    isShort: wanted.isShort,
    figures: { ...figures },
    metrics,
    failures: [...failures, ...logged, ...(isSoak ? leaksIn(kept, samples) : [])],
    facts: [
      ...costFacts(samples, { metrics, cores: availableParallelism() }),
      ...(isSoak ? [['growth of the heap', growth] as const] : []),
      ...(log.warnings > 0 ? [['warnings in server.log', String(log.warnings)] as const] : []),
      ...circumstances(wanted, k6),
      ['flags of the server', flags],
    ],
    plots: plotsOf(seconds, samples, kept),
  };
}

function scenarioOf({ scenario }: Wanted) {
  const found = SCENARIOS[scenario];
  if (found === undefined) throw new Error(`no scenario is called '${scenario}'`);
  return found;
}

function aborted(signal: AbortSignal): Promise<string> {
  const what = 'it was interrupted';
  return new Promise((resolve) => {
    if (signal.aborted) resolve(what);
    signal.addEventListener('abort', () => resolve(what), { once: true });
  });
}

function lateAfter(ms: number): { readonly promise: Promise<string>; readonly cancel: () => void } {
  let timer: NodeJS.Timeout | undefined;
  const promise = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`k6 had not ended after ${ms / 1_000} s`), ms);
  });
  return { promise, cancel: () => clearTimeout(timer) };
}
