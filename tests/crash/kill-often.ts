import { expect } from 'vitest';
import { Random } from '../support/random.ts';
import type { Flags } from '../support/server-process.ts';
import { withServer } from '../support/wire.ts';
import { Load } from './load.ts';

/**
 * Kills a server under load again and again, at random moments of its work and of its start, and
 * each time holds what it remembers against what it had promised.
 */
export async function killOften(kills: number, flags: Flags): Promise<void> {
  const random = new Random();
  await withServer(flags, async (wire) => {
    const load = new Load([wire], random);
    await load.meet(3, 3);
    for (let kill = 0; kill < kills; kill += 1) {
      const delayMs = random.whole(0, 120);
      let isAcked = false;
      await load.writeUntilCut(() => {
        if (!isAcked) setTimeout(() => wire.server.signal('SIGKILL'), delayMs);
        isAcked = true;
      });
      if (random.chance(0.3)) {
        await wire.server.kill('SIGKILL');
        await wire.server.startAndKill(random.whole(100, 700));
      } else {
        await wire.server.restart('SIGKILL');
      }
      await load.comeBack();
      await load.retry();
      await load.audit();
      expect(load.ledger.violations).toEqual([]);
      expect(load.ledger.open).toEqual([]);
    }
    await load.auditOverRest();
    expect(load.ledger.violations).toEqual([]);
    expect(load.ledger.acked.length).toBeGreaterThan(kills * 10);
  });
}
