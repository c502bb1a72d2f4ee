import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Indexer } from '../../storage/sqlite/indexer.ts';
import type { Order } from '../../storage/sqlite/indexer-protocol.ts';
import { DEFAULTS } from '../../storage/sqlite/options.ts';
import { PendingRows } from '../../storage/sqlite/pending-rows.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

test.for([
  { left: [0], copies: 1, finishes: 0, why: 'all was copied' },
  { left: [100], copies: 1, finishes: 1, why: 'little is left' },
  { left: [3_000], copies: 1, finishes: 1, why: 'a copy would not catch up' },
  { left: [2_000, 900, 400, 100], copies: 4, finishes: 1, why: 'each has left half of it' },
  { left: [2_000, 1_500], copies: 2, finishes: 1, why: 'the second did not catch up' },
  { left: [2_000, 0], copies: 2, finishes: 0, why: 'the second has copied all' },
])(
  'after copies that leave $left pages of 4096: $copies copies, and $finishes with the lock lent, as $why',
  async ({ left, copies, finishes }) => {
    const orders = await ordersOfACheckpoint(left);
    const expected = { kind: 'checkpoint', truncate: false };
    expect(orders).toEqual([
      ...Array.from({ length: copies }, () => ({ ...expected, finish: false })),
      ...Array.from({ length: finishes }, () => ({ ...expected, finish: true })),
    ]);
  },
);

/** What an indexer orders when there are `walPages`, and each of its copies leaves as many as told. */
async function ordersOfACheckpoint(left: readonly number[]): Promise<Order[]> {
  const folder = temporaryFolder();
  const path = folder.path('states');
  const states = left.map((leftPages) => ({
    walPages: leftPages === 0 ? 0 : DEFAULTS.walPages + leftPages,
    leftPages,
  }));
  writeFileSync(path, JSON.stringify(states));
  let reports = 0;
  const indexer = new Indexer(
    {
      ...DEFAULTS,
      path,
      script: new URL('../support/told-indexer.ts', import.meta.url),
      pending: new PendingRows(),
      lastRow: () => 0,
      isLockElsewhere: () => false,
      isReading: () => false,
      adding: () => [],
      flush: () => {
        reports += 1;
      },
    },
    { hasRubbish: false, walPages: DEFAULTS.walPages },
  );
  try {
    indexer.proceed();
    await until(() => reports > 0 && !indexer.keepsWritersOut);
    const lines = readFileSync(`${path}-orders`, 'utf8').split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Order);
  } finally {
    await indexer.close();
    folder.clear();
  }
}
