// What a few conversations still take while ten times that is sent to them, and how soon a refusal is told.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { refusalCosts } from './flood/refusals.ts';
import { startColloquy } from './harness/colloquy.ts';
import { LOAD_CORE, pinned } from './harness/contender.ts';
import { flagsOf } from './harness/flags.ts';
import { median, short, table } from './harness/stats.ts';

const HELP = `flood: a server with SQLite FULL, before, during and after a flood on connections of its own.

  --only mailbox,core,refusals   which limit is met: that of small mailboxes, or that of the core; and what a
                        refusal costs
  --times 10            what is offered, of what was acknowledged before
  --seconds 3           of each
  --rounds 3            of which the median counts
  --json                figures alone
`;

const options = flagsOf(HELP, {
  only: { type: 'string', default: 'mailbox,core,refusals' },
  times: { type: 'string', default: '10' },
  seconds: { type: 'string', default: '3' },
  rounds: { type: 'string', default: '3' },
  json: { type: 'boolean', default: false },
});

/**
 * With mailboxes of one message, two conversations take what their commits take, and the core has time to refuse
 * the rest. With the mailboxes of the settings the core is the limit, and what it takes to refuse is taken from
 * what it accepts.
 */
const LIMITS: Readonly<Record<'mailbox' | 'core', Limit>> = {
  mailbox: { rooms: 2, window: 1, flags: ['--mailbox-capacity', '1'] },
  core: { rooms: 4, window: 64, flags: [] },
};

/** Sends that are refused to learn what that costs. */
const FRAMES = 200_000;

const NAMES: Readonly<Record<string, string>> = {
  mailbox: 'mailboxes of one message',
  core: 'the core',
};

interface Limit {
  readonly rooms: number;
  readonly window: number;
  readonly flags: readonly string[];
}

interface Flooded {
  readonly calm: number;
  readonly goodput: number;
  readonly refused: number;
  readonly offered: number;
  readonly refusedP50: number;
  readonly refusedP99: number;
  readonly recoveredMs: number;
  /** CPU of the server: for each message before, and for each frame that was answered in the flood. */
  readonly calmMicros: number;
  readonly floodMicros: number;
  readonly serverCores: number;
  readonly clientCores: number;
}

async function main(): Promise<void> {
  const figures: Record<string, Flooded> = {};
  for (const name of ['mailbox', 'core'] as const) {
    if (!options.only.split(',').includes(name)) continue;
    const runs: Flooded[] = [];
    for (let round = 0; round < Number(options.rounds); round += 1) runs.push(await flood(name));
    figures[name] = medians(runs);
  }
  if (options.only.includes('refusals')) await showRefusals();
  if (Object.keys(figures).length === 0) return;
  if (options.json) process.stdout.write(`${JSON.stringify(figures)}\n`);
  else process.stdout.write(`\n${describe(figures)}\n`);
}

async function showRefusals(): Promise<void> {
  const { refusal, ping } = await refusalCosts(FRAMES);
  const head = ['server µs', 'a refused send', 'a ping'];
  const row = ['CPU', refusal.toFixed(2), ping.toFixed(2)];
  process.stdout.write(`\n${table(head, [row])}\n`);
}

async function flood(name: keyof typeof LIMITS): Promise<Flooded> {
  const { rooms, window, flags } = LIMITS[name];
  const folder = mkdtempSync(join(tmpdir(), 'colloquy-flood-'));
  const server = await startColloquy({ store: `sqlite:${join(folder, 'c.db')}`, flags });
  try {
    const program = join(import.meta.dirname, 'flood/attack.ts');
    const sizes = [server.port, server.pid, rooms, window, options.times, options.seconds].map(
      String,
    );
    return await figuresOf(pinned(LOAD_CORE, [process.execPath, program, ...sizes]));
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function figuresOf([program = '', ...args]: readonly string[]): Promise<Flooded> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(JSON.parse(said) as Flooded);
      else reject(new Error(`the flood ended with ${code}`));
    });
  });
}

function medians(runs: readonly Flooded[]): Flooded {
  const of = (field: keyof Flooded) => median(runs.map((run) => run[field]));
  return {
    calm: of('calm'),
    goodput: of('goodput'),
    refused: of('refused'),
    offered: of('offered'),
    refusedP50: of('refusedP50'),
    refusedP99: of('refusedP99'),
    recoveredMs: of('recoveredMs'),
    calmMicros: of('calmMicros'),
    floodMicros: of('floodMicros'),
    serverCores: of('serverCores'),
    clientCores: of('clientCores'),
  };
}

function describe(figures: Readonly<Record<string, Flooded>>): string {
  const rows = Object.entries(figures).map(([name, flooded]) => [
    NAMES[name] ?? name,
    short(flooded.calm),
    short(flooded.offered),
    short(flooded.goodput),
    (flooded.goodput / flooded.calm).toFixed(2),
    short(flooded.refused),
    `${short(flooded.refusedP50)}/${short(flooded.refusedP99)}`,
    short(flooded.recoveredMs),
    short(flooded.calmMicros),
    short(flooded.floodMicros),
    `${flooded.serverCores.toFixed(2)}/${flooded.clientCores.toFixed(2)}`,
  ]);
  const head = ['limit', 'before, acked/s', 'flood, sent/s', 'acked/s', 'of before', '429/s'];
  const times = ['429 p50/p99 ms', 'as before after ms'];
  const cpu = ['server µs a message before', 'µs a frame in the flood', 'server/client cores'];
  return table([...head, ...times, ...cpu], rows);
}

await main();
