import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCli } from '../support/cli.ts';
import { eventually } from '../support/deadline.ts';
import { databaseOn } from '../support/postgres.ts';
import { PostgresServer } from '../support/postgres-server.ts';
import type { RestClient } from '../support/rest-client.ts';
import { type Wire, withServer } from '../support/wire.ts';

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await PostgresServer.start();
});
afterAll(() => postgres.end());

/** A call that is answered at once takes less; one that waits for a connection takes all of it. */
const CONNECT_MS = 2_000;

interface Scene {
  readonly wire: Wire;
  readonly operator: RestClient;
}

async function withOperator(run: (scene: Scene) => Promise<void>): Promise<void> {
  const database = await databaseOn((name) => postgres.url(name));
  const flags = {
    store: database.url,
    'store-connect-ms': CONNECT_MS,
    'store-statement-ms': 1_000,
    'store-pool-size': 4,
  };
  try {
    await withServer(flags, async (wire) => {
      const args = ['token', '--store', database.url, '--id', 'op', '--name', 'Op', '--admin'];
      const { stdout } = await runCli(args, { cwd: wire.server.dir });
      await run({ wire, operator: wire.rest(stdout.trim()) });
    });
  } finally {
    postgres.thaw();
    await database.drop();
  }
}

async function storeBreaker(operator: RestClient) {
  const { body } = await operator.get('/v1/admin/breakers');
  return body.items.find(({ name }: { name: string }) => name === 'store');
}

/** Somebody asks for something until the breaker is open. */
function whenOpen({ wire, operator }: Scene) {
  return eventually(
    'the breaker is open',
    async () => {
      await Promise.all([1, 2, 3].map(() => wire.rest().get('/health/ready')));
      const breaker = await storeBreaker(operator);
      return breaker.state === 'open' ? breaker : undefined;
    },
    20_000,
  );
}

it('a database that stands still is left alone, which everybody can see, and used again soon after it goes on', async () => {
  await withOperator(async (scene) => {
    const { wire, operator } = scene;
    const { id, people } = await wire.room('Ada');
    const ada = people[0];
    if (!ada) return expect.unreachable();
    await ada.ws.send(id, 'before');
    expect(await storeBreaker(operator)).toMatchObject({ state: 'closed', failures: 0 });

    postgres.freeze();
    const open = await whenOpen(scene);
    expect(open).toMatchObject({
      open_until: expect.any(String),
      last_transitions: expect.arrayContaining([expect.objectContaining({ to: 'open' })]),
    });
    expect(open.failures).toBeGreaterThanOrEqual(5);
    const startedAt = performance.now();
    const refused = await ada.rest.get(`/v1/conversations/${id}/messages`);
    expect(performance.now() - startedAt).toBeLessThan(CONNECT_MS);
    expect(refused).toMatchObject({ status: 503, body: { reason: 'storage_unavailable' } });
    expect(refused.body.retry_after_ms).toBeGreaterThan(0);
    expect((await wire.rest().get('/health/ready')).status).toBe(503);
    const { body: health } = await wire.rest().get('/health/detailed');
    expect(health).toMatchObject({
      status: 'storage_unavailable',
      breakers: expect.arrayContaining([
        expect.objectContaining({
          name: 'store',
          state: expect.stringMatching(/^(open|half_open)$/),
        }),
      ]),
    });
    const { text } = await wire.rest().get('/metrics');
    expect(text).toMatch(/^colloquy_breaker_state\{breaker="store"\} [12]$/m);
    expect(text).toMatch(
      /^colloquy_breaker_calls_total\{breaker="store",outcome="refused"\} [1-9]/m,
    );

    postgres.thaw();
    await eventually(
      'it closes by itself',
      async () => {
        const { state } = await storeBreaker(operator);
        return state === 'closed';
      },
      15_000,
    );
    expect((await wire.rest().get('/health/ready')).status).toBe(200);
    const after = await eventually('it is stored', async () => {
      const answer = await ada.ws.trySend(id, 'after', { key: 'after' });
      return answer.type === 'ack' && answer;
    });
    expect(after.seq).toBe(3);
  });
});

it('an operator who knows that the database is back says so, and need not wait', async () => {
  await withOperator(async (scene) => {
    const { wire, operator } = scene;
    const { id, people } = await wire.room('Ada');
    const ada = people[0];
    if (!ada) return expect.unreachable();
    await postgres.stop();
    await whenOpen(scene);
    await eventually('it rests for long', async () => {
      const { times } = await storeBreaker(operator);
      return times.open >= 3;
    });
    await postgres.start();
    const reset = await operator.post('/v1/admin/breakers/store/reset', {});
    expect(reset).toMatchObject({ status: 200, body: { state: 'closed', open_until: null } });
    expect(reset.body.last_transitions.at(-1)).toMatchObject({ to: 'closed', why: 'reset' });
    expect((await ada.rest.get(`/v1/conversations/${id}/messages`)).status).toBe(200);
  });
});
