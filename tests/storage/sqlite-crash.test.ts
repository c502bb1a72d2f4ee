import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decodeBody, isKind } from '../../src/domain/event.ts';
import { conversationId } from '../../src/domain/ids.ts';
import { SqliteStore } from '../../storage/sqlite/sqlite-store.ts';
import { ann, granted, headOf, wholeLog } from '../contract/fixtures.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';

const SCRIPT = fileURLToPath(new URL('../support/appending-process.ts', import.meta.url));
const ROUNDS = 12;

let folder: TemporaryFolder;
let child: ChildProcess | undefined;

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(() => {
  child?.kill('SIGKILL');
  folder.clear();
});

const path = () => folder.path('c.db');

describe('a process that is killed while it appends and indexes', () => {
  test('leaves every acknowledged event in its place, and no gap', async () => {
    const acked = new Map<number, number>();
    for (let round = 0; round < ROUNDS; round += 1) {
      // Lengths that share no factor with what a segment or a checkpoint takes.
      const acks = await killedAfter(round, 37 + ((round * 389) % 900));
      for (const [index, seq] of acks) acked.set(index, Math.max(seq, acked.get(index) ?? 0));
      await verify(acked);
    }
  });
});

describe('one process at a time', () => {
  test('a second is refused with a clear message, and let in when the first was killed', async () => {
    child = start(0);
    await once(createInterface({ input: child.stdout! }), 'line');
    expect(() => SqliteStore.open(path())).toThrow(/c\.db is in use by another Colloquy process$/);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await SqliteStore.open(path()).close();
  });

  test('a second store in the same process is refused, too, by any name of the file', async () => {
    const store = SqliteStore.open(path());
    expect(() => SqliteStore.open(folder.path('./x/../c.db'))).toThrow(/is in use/);
    expect(await store.probe()).toMatchObject({ ok: true });
    await store.close();
    await SqliteStore.open(path()).close();
  });
});

function start(round: number): ChildProcess {
  return spawn(process.execPath, [SCRIPT, path(), String(round)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Runs until so many batches were acknowledged, kills, and gives the acknowledged last seqs, all that were printed. */
async function killedAfter(round: number, batches: number): Promise<[number, number][]> {
  child = start(round);
  const exit = once(child, 'exit');
  const acks: [number, number][] = [];
  let lines = 0;
  for await (const line of createInterface({ input: child.stdout! })) {
    const [index, , last] = line.split(' ');
    if (last !== undefined) acks.push([Number(index), Number(last)]);
    lines += 1;
    if (lines === batches) child.kill('SIGKILL');
  }
  const [, signal] = await exit;
  expect(signal).toBe('SIGKILL');
  return acks;
}

async function verify(acked: ReadonlyMap<number, number>): Promise<void> {
  // A copy, so that the next process finds what the kill left, and not what a close has tidied.
  const copy = temporaryFolder();
  for (const end of ['', '-wal']) cpSync(`${path()}${end}`, copy.path(`c.db${end}`));
  const store = SqliteStore.open(copy.path('c.db'), { synchronous: 'NORMAL' });
  for (const [index, ackedSeq] of acked) {
    const id = conversationId(`c_${index}`);
    const log = await wholeLog(store, id);
    expect(log.length).toBeGreaterThanOrEqual(ackedSeq);
    expect(await headOf(store, id)).toBe(log.length);
    const keys = new Set<string | null>();
    for (const [at, event] of log.entries()) {
      if (!isKind(event, 'message')) throw new Error('not a message');
      expect(event.seq).toBe(at + 1);
      expect(decodeBody(event).content).toBe(`${index} ${event.seq} ${event.key}`);
      keys.add(event.key);
    }
    expect(keys.size).toBe(log.length);
    for (const event of log.slice(-20)) {
      expect(granted(await store.findKey(id, ann.id, event.key ?? ''))).toBe(event.seq);
    }
  }
  await store.close();
  copy.clear();
}
