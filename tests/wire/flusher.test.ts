import { describe, expect, it } from 'vitest';
import { Flusher } from '../../src/http/websocket/flusher.ts';

/** Counts its writes. */
class Flushed {
  writes = 0;
  readonly isShared: boolean;

  constructor(isShared = false) {
    this.isShared = isShared;
  }

  flush(): void {
    this.writes += 1;
  }
}

const group = (size: number) => Array.from({ length: size }, () => new Flushed());
const writesOf = (those: readonly Flushed[]) => new Set(those.map(({ writes }) => writes));

describe('what is queued in a burst', () => {
  it('goes out when the burst is over, one write a connection', async () => {
    const flusher = new Flusher();
    const few = group(3);
    for (const one of few) flusher.request(one);
    flusher.batchSaid();
    expect(writesOf(few)).toEqual(new Set([0]));
    await Promise.resolve();
    expect(writesOf(few)).toEqual(new Set([1]));
  });

  it('goes out before that, in groups, to those who listen to one conversation only', async () => {
    const flusher = new Flusher();
    const shared = new Flushed(true);
    flusher.request(shared);
    const first = group(64);
    for (const one of first) flusher.request(one);
    flusher.batchSaid();
    expect(writesOf(first)).toEqual(new Set([1]));
    expect(shared.writes).toBe(0);
    const second = group(2);
    for (const one of second) flusher.request(one);
    flusher.batchSaid();
    expect(writesOf(second)).toEqual(new Set([0]));
    await Promise.resolve();
    expect(writesOf([shared, ...first, ...second])).toEqual(new Set([1]));
  });
});
