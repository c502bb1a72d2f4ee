import { execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  constants,
  createWriteStream,
  openSync,
  readFileSync,
  writeSync,
} from 'node:fs';
import { Socket } from 'node:net';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { FIGURE_NAMES } from '../k6/lib/scenarios.ts';
import { ended, endProcess } from './processes.ts';
import type { Seconds } from './seconds.ts';
import { ROOT } from './server.ts';

/** Milliseconds that k6 gets to write its summary when it is told to end. */
const STOP_MS = 15_000;
/** Linux counts a process's time in hundredths of a second. */
const TICKS_A_SECOND = 100;
/** What k6 ends with when a threshold was crossed. */
const CROSSED = 99;
/** The line behind k6's last one. */
const END = 'end';

export interface LoadPlan {
  readonly k6: string;
  readonly scenario: string;
  /** Connections. */
  readonly people: number;
  readonly url: string;
  readonly isShort: boolean;
  /** In every conversation's id: a database may be used again. */
  readonly run: string;
  /** Where the summary and k6's log go. */
  readonly out: string;
  /** A folder of its own, for the pipe. */
  readonly scratch: string;
}

export interface Load {
  /** Resolves with what failed, or undefined; a crossed threshold is in the summary and no failure here. */
  readonly done: Promise<string | undefined>;
  readonly cpuSeconds: () => number;
  readonly stop: () => Promise<void>;
}

/**
 * Runs k6, and reads its samples from a named pipe as they come: they would be gigabytes in an hour.
 * The pipe is opened for reading and writing, so that opening waits for nobody; its end is a line of our own.
 */
export function startLoad(plan: LoadPlan, seconds: Seconds): Load {
  const pipe = join(plan.scratch, 'samples.csv');
  execFileSync('mkfifo', [pipe]);
  const fd = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
  const socket = new Socket({ fd, readable: true, writable: false });
  const allRead = new Promise<void>((resolve) => {
    createInterface({ input: socket }).on('line', (line) => {
      if (line === END) resolve();
      else seconds.add(line);
    });
  });
  const log = createWriteStream(join(plan.out, 'k6.log'));
  const child = spawn(plan.k6, k6Arguments(plan, pipe), {
    cwd: ROOT,
    env: environment(plan),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let tail = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      log.write(text);
      tail = (tail + text).slice(-2_000);
    });
  }
  const done = ended(child).then(async (how) => {
    const writer = openSync(pipe, constants.O_RDWR);
    writeSync(writer, `\n${END}\n`);
    await allRead;
    closeSync(writer);
    socket.destroy();
    const isTold = child.exitCode === 0 || child.exitCode === CROSSED;
    return isTold ? undefined : `k6 ${how}:\n${tail.trim()}`;
  });
  return {
    done,
    cpuSeconds: () => cpuSecondsOf(child.pid),
    stop: () => endProcess(child, { signal: 'SIGINT', withinMs: STOP_MS }),
  };
}

function k6Arguments({ scenario }: LoadPlan, pipe: string): string[] {
  const script = join(ROOT, 'perf/k6/scenarios', `${scenario}.ts`);
  const quiet = ['--quiet', '--no-color', '--no-usage-report', '--address', ''];
  return ['run', ...quiet, '--out', `csv=${pipe}`, script];
}

/** What k6's memory may grow to before it is collected, MiB: with nobody, and for each connection. */
const HEAP_MIB = 1_024;
const HEAP_MIB_EACH = 0.5;
/** Of what the machine has, it gets this part at most. */
const HEAP_SHARE = 1 / 4;
const MIB = 2 ** 20;

/**
 * k6 of itself collects its garbage when it has twice what it holds: several times a second at 10,000 deliveries a
 * second, a tenth of a second each on two cores, which is then the tail of every time that it measures. It has
 * time to collect seldom; what the environment says goes first.
 */
export function collector(
  people: number,
  env: NodeJS.ProcessEnv,
  machineBytes = totalmem(),
): Record<string, string> {
  const mib = Math.min(HEAP_MIB + people * HEAP_MIB_EACH, (machineBytes * HEAP_SHARE) / MIB);
  const { GOGC = 'off', GOMEMLIMIT = `${Math.ceil(mib)}MiB` } = env;
  return { GOGC, GOMEMLIMIT };
}

function environment({ people, url, isShort, run, out }: LoadPlan): NodeJS.ProcessEnv {
  const figures = FIGURE_NAMES.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    ...Object.fromEntries(figures),
    ...collector(people, process.env),
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    PERF_SHORT: isShort ? '1' : '',
    BASE_URL: url,
    RUN: run,
    OUT: out,
  };
}

/** Of all threads; NaN where there is no /proc, or no process any more. */
function cpuSecondsOf(pid: number | undefined): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in brackets may hold blanks: count from behind it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
  } catch {
    return Number.NaN;
  }
}
