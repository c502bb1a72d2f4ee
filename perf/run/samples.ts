/** How the server and the load client were at one time. */
export interface Sample {
  /** Seconds since 1970, with a fraction. */
  readonly at: number;
  /** Seconds of CPU so far. */
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
  /** Milliseconds that the event loop was late since the sample before. */
  readonly lagP99Ms: number;
  readonly lagMaxMs: number;
  readonly connections: number;
  readonly mailboxDepth: number;
  readonly congested: number;
  readonly handles: number;
  /** Seconds of CPU that k6 has used so far; NaN where that is not known. */
  readonly loadCpuSeconds: number;
}

/** Reads a scrape of `/metrics`: names with their labels, and values. */
export function readScrape(text: string): ReadonlyMap<string, number> {
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) continue;
    const end = line.lastIndexOf(' ');
    if (end > 0) values.set(line.slice(0, end), Number(line.slice(end + 1)));
  }
  return values;
}

export function sampleOf(
  scrape: ReadonlyMap<string, number>,
  { at, loadCpuSeconds }: Pick<Sample, 'at' | 'loadCpuSeconds'>,
): Sample {
  const value = (name: string) => scrape.get(name) ?? Number.NaN;
  return {
    at,
    cpuSeconds: value('process_cpu_seconds_total'),
    rssBytes: value('process_resident_memory_bytes'),
    heapBytes: value('nodejs_heap_size_used_bytes'),
    lagP99Ms: value('colloquy_event_loop_lag_seconds{quantile="0.99"}') * 1_000,
    lagMaxMs: value('colloquy_event_loop_lag_seconds{quantile="1"}') * 1_000,
    connections: value('colloquy_connections'),
    mailboxDepth: value('colloquy_mailbox_depth'),
    congested: value('colloquy_congested_subscriptions'),
    handles: value('nodejs_active_handles_total'),
    loadCpuSeconds,
  };
}

/** Cores used between each sample and the one before; the first has none. */
export function coresOf(samples: readonly Sample[], field: 'cpuSeconds' | 'loadCpuSeconds') {
  return samples.map((sample, index) => {
    const before = samples[index - 1];
    if (before === undefined) return null;
    const cores = (sample[field] - before[field]) / (sample.at - before.at);
    return Number.isFinite(cores) ? Math.max(cores, 0) : null;
  });
}

/** Cores used over all. */
export function meanCores(samples: readonly Sample[], field: 'cpuSeconds' | 'loadCpuSeconds') {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined || last.at <= first.at) return Number.NaN;
  return (last[field] - first[field]) / (last.at - first.at);
}
