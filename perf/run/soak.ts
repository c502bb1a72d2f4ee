import type { Sample } from './samples.ts';

/** Of a soak, the part at the beginning in which caches and code still warm up. */
const WARM_PART = 0.35;
/** Seconds of which the least heap counts: what is garbage by then is not memory that is held. */
const WINDOW_SECONDS = 10;
const MB = 1e6;
/** Megabytes a minute that a heap may grow by. */
const MOST_MB_A_MINUTE = 1;
/** Handles that may be more at the end than after the warm-up: people come and go all the time. */
const MOST_HANDLES = 10;

/** What grew and should not have: sentences, none when all is well. */
export function leaksIn(samples: readonly Sample[]): string[] {
  const settled = samples.slice(Math.floor(samples.length * WARM_PART));
  if (settled.length < 3 * WINDOW_SECONDS) return ['the run was too short to tell a leak'];
  const grown = heapGrowth(samples);
  const third = Math.floor(settled.length / 3);
  const handles = (part: readonly Sample[]) => medianOf(part.map((sample) => sample.handles));
  const more = handles(settled.slice(-third)) - handles(settled.slice(0, third));
  return [
    ...(grown < MOST_MB_A_MINUTE ? [] : [`the heap grew by ${grown.toFixed(2)} MB a minute`]),
    ...(more < MOST_HANDLES ? [] : [`${more} more handles were open at the end than before`]),
  ];
}

/** Megabytes a minute that the least heap of each window grew by, after the warm-up. */
export function heapGrowth(samples: readonly Sample[]): number {
  const settled = samples.slice(Math.floor(samples.length * WARM_PART));
  // The last may be cut before the collection that it would have had.
  const whole = windows(settled).slice(0, -1);
  const floor = whole.map((window) => ({
    at: window[0]?.at ?? 0,
    value: Math.min(...window.map(({ heapBytes }) => heapBytes)),
  }));
  return (slopeOf(floor) * 60) / MB;
}

function windows(samples: readonly Sample[]): Sample[][] {
  const found: Sample[][] = [];
  for (const sample of samples) {
    const window = found.at(-1);
    const isIn = window?.[0] !== undefined && sample.at - window[0].at < WINDOW_SECONDS;
    if (isIn) window.push(sample);
    else found.push([sample]);
  }
  return found;
}

/** Least squares: the value's change in a second. */
function slopeOf(points: readonly { readonly at: number; readonly value: number }[]): number {
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const atMean = mean(points.map(({ at }) => at));
  const valueMean = mean(points.map(({ value }) => value));
  let above = 0;
  let below = 0;
  for (const { at, value } of points) {
    above += (at - atMean) * (value - valueMean);
    below += (at - atMean) ** 2;
  }
  return below === 0 ? 0 : above / below;
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
