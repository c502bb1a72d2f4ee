import type { Sample } from './samples.ts';

/** Of a soak, the part at the beginning in which caches and code still warm up. */
const WARM_PART = 0.35;
/** Collections and samples after the warm-up without which nothing can be told. */
const LEAST_COLLECTIONS = 8;
const MB = 1e6;
/** Megabytes a minute that what is kept may grow by. */
const MOST_MB_A_MINUTE = 1;
/** Handles that may be more at the end than after the warm-up: people come and go all the time. */
const MOST_HANDLES = 10;

/** What a full garbage collection left in the heap. */
export interface Kept {
  /** Seconds since 1970. */
  readonly at: number;
  readonly bytes: number;
}

/** The collections that the server's log tells of. */
export function keptIn(log: string): Kept[] {
  return [...log.matchAll(/^\{"event":"collected","at":(\d+),"keptBytes":(\d+)\}$/gm)].map(
    ([, at, bytes]) => ({ at: Number(at) / 1_000, bytes: Number(bytes) }),
  );
}

/** What grew and should not have: sentences, none when all is well. */
export function leaksIn(kept: readonly Kept[], samples: readonly Sample[]): string[] {
  if (settled(kept).length < LEAST_COLLECTIONS) return ['the run was too short to tell a leak'];
  const grown = heapGrowth(kept);
  const after = settled(samples);
  const third = Math.floor(after.length / 3);
  const handles = (part: readonly Sample[]) => medianOf(part.map((sample) => sample.handles));
  const more = handles(after.slice(-third)) - handles(after.slice(0, third));
  return [
    ...(grown < MOST_MB_A_MINUTE ? [] : [`the heap grew by ${grown.toFixed(2)} MB a minute`]),
    ...(more < MOST_HANDLES ? [] : [`${more} more handles were open at the end than before`]),
  ];
}

/** Megabytes a minute that what is kept grew by, after the warm-up. */
export function heapGrowth(kept: readonly Kept[]): number {
  return (slopeOf(settled(kept)) * 60) / MB;
}

function settled<T>(all: readonly T[]): readonly T[] {
  return all.slice(Math.floor(all.length * WARM_PART));
}

/** Least squares: bytes a second. */
function slopeOf(points: readonly Kept[]): number {
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const atMean = mean(points.map(({ at }) => at));
  const bytesMean = mean(points.map(({ bytes }) => bytes));
  let above = 0;
  let below = 0;
  for (const { at, bytes } of points) {
    above += (at - atMean) * (bytes - bytesMean);
    below += (at - atMean) ** 2;
  }
  return below === 0 ? 0 : above / below;
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
