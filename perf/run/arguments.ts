import { parseArgs } from 'node:util';
import { isShort as isShortIn, SCENARIOS } from '../k6/lib/scenarios.ts';

export interface Wanted {
  readonly kind: 'run';
  readonly scenario: string;
  readonly isShort: boolean;
  /** `sqlite` is a file of the run's own; anything else is a store as the server takes it. */
  readonly store: string;
  readonly out: string | undefined;
  /** Flags for the server, as they were given behind `--`. */
  readonly server: readonly string[];
}

/** What the command line asks for; a mistake is a sentence. */
export function readArguments(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Wanted | { readonly kind: 'help' } | { readonly kind: 'mistake'; readonly what: string } {
  const end = args.indexOf('--');
  const own = end < 0 ? args : args.slice(0, end);
  const parsed = parse(own);
  if (typeof parsed === 'string') return { kind: 'mistake', what: parsed };
  const { values, positionals } = parsed;
  const [scenario, ...more] = positionals;
  if (values.help || values.list || scenario === undefined) return { kind: 'help' };
  if (more.length > 0) return { kind: 'mistake', what: `one scenario at a time: ${more[0]}?` };
  if (!Object.hasOwn(SCENARIOS, scenario)) {
    const names = Object.keys(SCENARIOS).join(', ');
    return { kind: 'mistake', what: `no scenario is called '${scenario}'. There are: ${names}` };
  }
  const { out } = values;
  const isShort = values.short || isShortIn(env);
  const store = values.store === 'memory' ? 'memory:' : values.store;
  const server = end < 0 ? [] : args.slice(end + 1);
  return { kind: 'run', scenario, isShort, store, out, server };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        short: { type: 'boolean', default: false },
        store: { type: 'string', default: 'sqlite' },
        out: { type: 'string' },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

export const HELP = `usage: npm run perf -- SCENARIO [--short] [--store STORE] [--out DIR] [-- flags of the server]

Starts a server of its own on loopback, warms it, runs the k6 scenario against it, samples both beside, and writes
summary.txt, report.json and report.html. A gap, a duplicate or a lost ack fails it, and so does a threshold.

  --short        the form of about a minute, for CI; PERF_SHORT=1 is the same
  --store STORE  sqlite (the default, in a folder of its own), memory, or postgres://… (give it an empty database)
  --out DIR      where the report goes (perf/results/SCENARIO-TIME)

${Object.entries(SCENARIOS)
  .map(([name, { about }]) => `  ${name.padEnd(18)}${about}`)
  .join('\n')}

Each takes its figures from the environment, too: PEOPLE=200 RATE=20 DURATION=60 npm run perf -- baseline
`;
