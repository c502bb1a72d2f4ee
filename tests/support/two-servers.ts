import { expect } from 'vitest';
import { testDatabase } from './postgres.ts';
import { type Flags, ServerProcess } from './server-process.ts';
import { Wire } from './wire.ts';

/** Two servers on one Postgres, with their clients. */
export interface TwoServers {
  readonly wires: readonly [Wire, Wire];
  readonly servers: readonly [ServerProcess, ServerProcess];
}

/** Two servers on one database, for one test. */
export async function withTwo(
  flags: Flags,
  run: (scene: TwoServers) => Promise<void>,
): Promise<void> {
  const database = await testDatabase();
  const all = { store: database.url, 'store-pool-size': 4, ...flags };
  const servers = [new ServerProcess(all), new ServerProcess(all)] as const;
  const wires = [new Wire(servers[0]), new Wire(servers[1])] as const;
  try {
    await Promise.all(servers.map((server) => server.start()));
    await run({ wires, servers });
    for (const wire of wires) expect(await wire.close()).toEqual([]);
  } catch (error) {
    for (const { output } of servers) console.log(output.slice(-4_000));
    throw error;
  } finally {
    for (const wire of wires) await wire.close();
    for (const server of servers) await server.dispose();
    await database.drop();
  }
}
