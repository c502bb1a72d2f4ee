// How much memory live conversations take, and stored ones that nobody uses.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { defaultSettings, found } from '../../actors/commands.ts';
import { readConfig } from '../../src/config.ts';
import { conversationId, participantId } from '../../src/domain/ids.ts';
import { createRuntime } from '../../src/runtime.ts';
import { flagsOf } from './harness/flags.ts';
import { table } from './harness/stats.ts';

const HELP = `live: bytes of heap a conversation, live and passivated, over SQLite with a cache of 1,000.

  --conversations 10000   how many
`;

/** Created at once. */
const TOGETHER = 500;
const QUIET_MS = 10_000;

const values = flagsOf(HELP, { conversations: { type: 'string', default: '10000' } });
await measure(Number(values.conversations));

async function measure(count: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'colloquy-live-'));
  const read = readConfig({
    flags: ['--store', `sqlite:${join(folder, 'c.db')}`, '--cache-conversations', '1000'],
    env: {},
    readFile: () => undefined,
  });
  if (!read.ok) throw new Error(read.failure.message);
  const silent = () => {};
  const log = { debug: silent, info: silent, warn: silent, error: silent };
  const runtime = await createRuntime({ config: read.value.config, log });
  const empty = heapBytes();
  for (let made = 0; made < count; made += TOGETHER) {
    const some = Array.from({ length: Math.min(TOGETHER, count - made) }, (_, at) =>
      make(runtime, made + at),
    );
    await Promise.all(some);
  }
  const live = heapBytes() - empty;
  const later = runtime.edge.clock.now() + QUIET_MS;
  for (const actor of runtime.registry.actors()) actor.sweep(later, QUIET_MS);
  const quiet = heapBytes() - empty;
  for (const actor of runtime.registry.actors()) actor.passivateIfIdle();
  const stored = heapBytes() - empty;
  const row = (name: string, bytes: number) => [
    name,
    `${(bytes / 2 ** 20).toFixed(0)} MiB`,
    (bytes / count).toFixed(0),
  ];
  const head = [`${count.toLocaleString('en')} conversations`, 'heap', 'bytes each'];
  const rows = [
    row('live, an agent and an owner in each', live),
    row('the same, quiet for ten seconds', quiet),
    row('stored, not live', stored),
  ];
  process.stdout.write(`\n${table(head, rows)}\n`);
  await runtime.drain();
  await runtime.close();
  rmSync(folder, { recursive: true, force: true });
}

async function make(runtime: Awaited<ReturnType<typeof createRuntime>>, at: number) {
  const { registry, edge } = runtime;
  const by = { id: participantId(`p${at % 50}`), name: 'Ada', kind: 'human' } as const;
  const id = conversationId(`c${at}`);
  const settings = defaultSettings(edge.defaults);
  const made = await found(registry, { by, id, key: null, ...settings }, edge.clock.now());
  if (!made.ok) throw new Error(made.failure.reason);
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
