// How many messages a second are acknowledged and delivered, and how long one takes, beside a relay that stores nothing.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, startServer } from './harness/contender.ts';
import { flagsOf } from './harness/flags.ts';
import { median, short, spread, table } from './harness/stats.ts';
import { type Load, LoadClient, type Measured } from './load/load.ts';

const HELP = `deliver: what the server delivers, beside a bare uWebSockets.js relay, alternating.

  --only pairs,rate        which loads of pairs, room, rate and peak (all)
  --rounds 5               runs of each, of which the median counts
  --seconds 3              of measuring in each run; before it as many of \`pairs\`, 3 at most, and 1 of the load itself
  --against FULL,NORMAL    which stores (memory, NORMAL, FULL)
`;

interface Scenario {
  readonly title: string;
  readonly load: Omit<Load, 'warmMs' | 'measureMs'>;
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  pairs: {
    title: '1,000 conversations of 2, each with one message under way',
    load: { rooms: 1_000, people: 2, senders: 2, window: 1, rate: 0 },
  },
  room: {
    title: 'one conversation of 1,000, 4 of whom speak, with 32 messages under way',
    load: { rooms: 1, people: 1_000, senders: 4, window: 32, rate: 0 },
  },
  rate: {
    title: '10,000 sends a second in 1,000 conversations of 2',
    load: { rooms: 1_000, people: 2, senders: 2, window: 1, rate: 10_000 },
  },
  peak: {
    title: '1,000 sends a second in 100 conversations of 10',
    load: { rooms: 100, people: 10, senders: 10, window: 1, rate: 1_000 },
  },
};

/** Each is started afresh for every run. */
const STORES = ['memory', 'NORMAL', 'FULL'] as const;
type Contender = 'relay' | (typeof STORES)[number];

/** No settings but those named here; Node would take a flag `--env-file` for its own. */
const ENVIRONMENT = {
  PATH: process.env['PATH'],
  COLLOQUY_ENV_FILE: 'none',
  COLLOQUY_LOG_LEVEL: 'error',
};

/** Below this share of a core in a closed loop, for server and client, others held them back. */
const CORE_LIMIT = 0.85;
/** Above this share of a core, it was the client that was measured. */
const CLIENT_LIMIT = 0.9;

interface Run extends Measured {
  /** Cores that the server used. */
  readonly serverCpu: number;
  /** Microseconds of the server's CPU for each message. */
  readonly serverUs: number;
}

interface FrameSizes {
  readonly ack_bytes: number;
  readonly event_bytes: number;
}

const options = flagsOf(HELP, {
  only: { type: 'string', default: Object.keys(SCENARIOS).join(',') },
  against: { type: 'string', default: STORES.join(',') },
  rounds: { type: 'string', default: '5' },
  seconds: { type: 'string', default: '3' },
});
await main();

async function main(): Promise<void> {
  const stores = STORES.filter((store) => options.against.split(',').includes(store));
  const client = new LoadClient();
  try {
    for (const name of options.only.split(',')) {
      const scenario = SCENARIOS[name];
      if (scenario === undefined) throw new Error(`no load is called '${name}'`);
      const runs = await compare(scenario, ['relay', ...stores], client);
      console.log(`\n**${scenario.title}** (\`${name}\`)\n\n${describe(scenario, runs)}`);
    }
  } finally {
    client.remove();
  }
}

/** Rounds of one run each, every other one backwards, so that a drift of the machine meets all alike. */
async function compare(
  { title, load }: Scenario,
  contenders: readonly Contender[],
  client: LoadClient,
): Promise<ReadonlyMap<Contender, readonly Run[]>> {
  const measureMs = Number(options.seconds) * 1_000;
  const whole: Load = { ...load, measureMs, warmMs: 1_000 };
  const sizing = { ...whole, measureMs: 200, warmMs: 0 };
  const sizes = await runOnce('memory', sizing, {
    client,
    sizes: { ack_bytes: 0, event_bytes: 0 },
  });
  const runs = new Map<Contender, Run[]>(contenders.map((contender) => [contender, []]));
  for (let round = 1; round <= Number(options.rounds); round += 1) {
    for (const contender of round % 2 === 0 ? contenders.toReversed() : contenders) {
      const run = await runOnce(contender, whole, { client, sizes });
      runs.get(contender)?.push(run);
      console.error(`${title}, round ${round}, ${contender}: ${short(run.acked)} acked/s`);
    }
  }
  return runs;
}

async function runOnce(
  contender: Contender,
  load: Load,
  { client, sizes }: { readonly client: LoadClient; readonly sizes: FrameSizes },
): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'colloquy-bench-'));
  const command =
    contender === 'relay' ? relayCommand(sizes, load) : serveCommand(contender, folder);
  const server = await startServer(command, ENVIRONMENT);
  try {
    let before = 0;
    let used = 0;
    const protocol = contender === 'relay' ? 'relay' : 'colloquy';
    const to = { port: server.port, protocol } as const;
    if (load.warmMs > 0) await client.warmUp(to, load.measureMs);
    const measured = await client.run(load, to, (phase) => {
      if (phase === 'measuring') before = server.cpuSeconds();
      else used = server.cpuSeconds() - before;
    });
    const serverCpu = used / (load.measureMs / 1_000);
    return { ...measured, serverCpu, serverUs: (serverCpu / measured.acked) * 1e6 };
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function serveCommand(store: Exclude<Contender, 'relay'>, folder: string): string[] {
  const where =
    store === 'memory'
      ? ['--store', 'memory:']
      : ['--store', `sqlite:${join(folder, 'c.db')}`, '--sqlite-synchronous', store];
  const limits = ['--max-participants', '2000'];
  return [
    process.execPath,
    join(ROOT, 'src/cli/main.ts'),
    'serve',
    '--port',
    '0',
    '--agent',
    'none',
    ...where,
    ...limits,
  ];
}

/** Two are written to one by one, as that is faster for them; many through a topic. */
function relayCommand({ ack_bytes, event_bytes }: FrameSizes, { people }: Load): string[] {
  const sizes = [
    '--ack-bytes',
    String(Math.round(ack_bytes)),
    '--event-bytes',
    String(Math.round(event_bytes)),
  ];
  const fanOut = ['--fan-out', people > 2 ? 'publish' : 'send'];
  return [process.execPath, join(ROOT, 'perf/peers/uws-relay.ts'), ...sizes, ...fanOut];
}

/** Two servers that did not have their cores are no ratio: it would be of what the machine left them. */
function rateRatio(list: readonly Run[], relay: readonly Run[]): string {
  const isHeldBack = [list, relay].some((runs) => {
    const busiest = runs.map(({ serverCpu, cpu }) => Math.max(serverCpu, cpu));
    return median(busiest) < CORE_LIMIT;
  });
  const rate = (runs: readonly Run[]) => median(runs.map(({ acked }) => acked));
  return isHeldBack ? 'not had a core' : (rate(list) / rate(relay)).toFixed(2);
}

function describe({ load }: Scenario, runs: ReadonlyMap<Contender, readonly Run[]>): string {
  const relay = runs.get('relay') ?? [];
  const isOpen = load.rate > 0;
  const of = (list: readonly Run[], field: keyof Run) => median(list.map((run) => run[field]));
  const rows = [...runs].map(([contender, list]) => {
    const all = (field: keyof Run) => list.map((run) => run[field]);
    const atLimit = of(list, 'cpu') > CLIENT_LIMIT ? ' (client at its limit)' : '';
    const ms = (us: number) => short(us / 1_000);
    return [
      contender === 'relay'
        ? 'bare relay'
        : contender === 'memory'
          ? '`memory:`'
          : `SQLite \`${contender}\``,
      spread(all('acked'), short),
      spread(all('delivered'), short),
      isOpen ? '' : rateRatio(list, relay),
      (of(relay, 'serverUs') / of(list, 'serverUs')).toFixed(2),
      spread(all('p50_us'), ms),
      spread(all('p99_us'), ms),
      spread(all('serverUs'), (us) => us.toPrecision(3)),
      of(list, 'serverCpu').toFixed(2),
      of(list, 'cpu').toFixed(2) + atLimit,
    ];
  });
  const head = [
    '',
    'acked/s',
    'delivered/s',
    'rate ÷ relay',
    'CPU: relay ÷ it',
    'p50 ms',
    'p99 ms',
    'server µs/message',
    'server cores',
    'client cores',
  ];
  return table(head, rows);
}
