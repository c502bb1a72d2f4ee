import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PostgresServer } from '../../../tests/support/postgres-server.ts';
import type { Load, LoadClient, Measured } from '../load/load.ts';
import { contender, type FrameSizes } from './contenders.ts';

/** What one run of one contender came to. */
export interface Run extends Measured {
  /** Cores that the server used. */
  readonly serverCpu: number;
  /** Microseconds of the server's CPU for each message. */
  readonly serverUs: number;
  /** Cores that neither the server nor the client used, Postgres' among them. */
  readonly othersCpu: number;
}

/** What all runs share. */
export interface Ground {
  readonly client: LoadClient;
  readonly sizes: FrameSizes;
  readonly postgres: () => Promise<PostgresServer>;
}

/** One contender under one load: a server, a database and connections of its own. */
export async function runOnce(name: string, load: Load, ground: Ground): Promise<Run> {
  const { client, sizes, postgres } = ground;
  const { start, protocol, kind } = contender(name);
  const folder = mkdtempSync(join(tmpdir(), 'colloquy-bench-'));
  try {
    const server = await start({ load, sizes, folder, postgres });
    try {
      let [before, used] = [NO_TIME, NO_TIME];
      const spent = (): Spent => ({ server: server.cpuSeconds(), machine: machineSeconds() });
      const to = { port: server.port, protocol, mayLose: kind === 'peer' };
      if (load.warmMs > 0) await client.warmUp(to, load.measureMs);
      const measured = await client.run(load, to, (phase) => {
        if (phase === 'measuring') before = spent();
        else used = difference(spent(), before);
      });
      return withCpu(measured, used, load.measureMs / 1_000);
    } finally {
      await server.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Spent {
  readonly server: number;
  readonly machine: number;
}

const NO_TIME: Spent = { server: 0, machine: 0 };

function difference(to: Spent, from: Spent): Spent {
  return { server: to.server - from.server, machine: to.machine - from.machine };
}

function withCpu(measured: Measured, used: Spent, seconds: number): Run {
  const serverCpu = used.server / seconds;
  const othersCpu = Math.max(0, used.machine / seconds - serverCpu - measured.cpu);
  return { ...measured, serverCpu, othersCpu, serverUs: (serverCpu / measured.acked) * 1e6 };
}

/** Seconds that all cores together were not idle, since the start of the machine (proc(5)). */
function machineSeconds(): number {
  const [, ...ticks] = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '').split(/\s+/);
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0, steal = 0] = ticks.map(Number);
  return (user + nice + system + irq + softIrq + steal) / 100;
}
