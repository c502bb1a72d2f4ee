// How long one fdatasync takes here: 4 KiB appended to a file and synced, again and again, in a process of its own.

import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Milliseconds of one append and its fdatasync. */
export interface Synced {
  readonly p50: number;
  readonly p99: number;
}

const PAGE = Buffer.alloc(4_096, 120);

function measure(folder: string, seconds: number): Synced {
  const file = openSync(join(folder, 'fdatasync'), 'w');
  const times: number[] = [];
  const end = performance.now() + seconds * 1_000;
  for (let before = performance.now(); before < end; before = performance.now()) {
    writeSync(file, PAGE);
    fdatasyncSync(file);
    times.push(performance.now() - before);
  }
  closeSync(file);
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor(times.length * share)] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}

if (import.meta.main) {
  const [folder = '.', seconds = '1'] = process.argv.slice(2);
  process.stdout.write(JSON.stringify(measure(folder, Number(seconds))));
}
