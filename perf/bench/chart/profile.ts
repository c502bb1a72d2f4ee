import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What V8 writes with `--cpu-prof`: who ran at each sample, and the microseconds from one sample to the next. */
export interface CpuProfile {
  readonly nodes: ReadonlyArray<{
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
  }>;
  /** Microseconds on the system's monotonic clock. */
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Where a function belongs to, the first that fits. */
const PARTS: ReadonlyArray<readonly [part: string, fits: RegExp]> = [
  ['statechart', /node_modules\/xstate\/|^machines\/|^actors\/interpreter\.ts$/],
  ['storage', /^storage\/|node_modules\/(better-sqlite3|lru-cache)\//],
  ['actors', /^actors\//],
  ['protocol', /^src\/protocol\/|node_modules\/zod\//],
  ['sockets', /^src\/http\//],
  ['garbage collector', /^\(garbage collector\)$/],
  ["V8 and native code that is nobody's", /^\(program\)$/],
];

/** Microseconds on the system's monotonic clock, as `process.hrtime` has them. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Share of each part in the time of a span that was not idle, the largest first; they add up to 1. */
export function sharesOf(
  profile: CpuProfile,
  root: string,
  { from, to }: Span,
): ReadonlyMap<string, number> {
  const parts = new Map(
    profile.nodes.map(({ id, callFrame }) => [id, partOf(callFrame, root)] as const),
  );
  const times = new Map<string, number>();
  let busy = 0;
  let now = profile.startTime;
  for (const [at, node] of profile.samples.entries()) {
    const part = parts.get(node);
    const took = profile.timeDeltas[at] ?? 0;
    now += took;
    if (part === undefined || now < from || now > to) continue;
    busy += took;
    times.set(part, (times.get(part) ?? 0) + took);
  }
  const shares = [...times].map(([part, took]) => [part, took / busy] as const);
  return new Map(shares.sort((a, b) => b[1] - a[1]));
}

/** Undefined for idle time. */
function partOf(frame: CpuProfile['nodes'][number]['callFrame'], root: string) {
  const { functionName, url } = frame;
  if (functionName === '(idle)') return undefined;
  const file = url.startsWith('file://') ? relative(root, fileURLToPath(url)) : url;
  const name = file === '' ? functionName : file;
  return PARTS.find(([, fits]) => fits.test(name))?.[0] ?? 'all else';
}
