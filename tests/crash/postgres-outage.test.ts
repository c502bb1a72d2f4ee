import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../support/deadline.ts';
import { databaseOn } from '../support/postgres.ts';
import { PostgresServer } from '../support/postgres-server.ts';
import { Random } from '../support/random.ts';
import type { Wire } from '../support/wire.ts';
import { withServer } from '../support/wire.ts';
import { Load } from './load.ts';

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await PostgresServer.start();
});
afterAll(() => postgres.end());

/** How an outage begins, and how it ends. */
interface Outage {
  readonly begin: () => Promise<void> | void;
  readonly end: () => Promise<void> | void;
}

const WAIT_MS = 1_000;

/** People write while Postgres goes away and comes back, several times; what was promised is held against the log. */
async function writeThrough(outages: readonly Outage[]): Promise<void> {
  const random = new Random();
  const database = await databaseOn((name) => postgres.url(name));
  const flags = {
    store: database.url,
    'store-connect-ms': WAIT_MS,
    'store-statement-ms': WAIT_MS,
    'store-pool-size': 4,
  };
  try {
    await withServer(flags, async (wire) => {
      const load = new Load([wire], random);
      await load.meet(3, 2);
      const seen = { acks: 0, unavailable: 0 };
      let isOver = false;
      const writing = load.writeThrough(
        () => isOver,
        (answer) => {
          if (answer.type === 'ack') seen.acks += 1;
          if (answer.type === 'error' && answer.code === 503) seen.unavailable += 1;
        },
      );
      const more = (what: keyof typeof seen, than = seen[what]) =>
        eventually(`more ${what}`, async () => seen[what] > than + 10);
      for (const { begin, end } of outages) {
        await more('acks');
        const { pid } = wire.server;
        await begin();
        await more('unavailable');
        await end();
        await more('acks');
        expect(wire.server.pid).toBe(pid);
      }
      isOver = true;
      await writing;
      await heldToItsWord(load, wire);
    });
  } finally {
    await database.drop();
  }
}

async function heldToItsWord(load: Load, wire: Wire): Promise<void> {
  await load.audit();
  await load.retry();
  await load.settle();
  await load.audit();
  await load.auditOverRest();
  expect(load.ledger.violations).toEqual([]);
  expect(load.ledger.open).toEqual([]);
  expect((await wire.rest().get('/health/ready')).status).toBe(200);
}

it('loses nothing, denies nothing that is stored, and heals by itself when Postgres is killed and started again', async () => {
  const outage = { begin: () => postgres.kill(), end: () => postgres.start() };
  await writeThrough([outage, outage]);
});

it('answers, and heals, when Postgres stands still for seconds and when it is stopped by its operator', async () => {
  await writeThrough([
    { begin: () => postgres.freeze(), end: () => postgres.thaw() },
    { begin: () => postgres.stop(), end: () => postgres.start() },
  ]);
});
