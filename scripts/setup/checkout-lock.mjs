// One bootstrap at a time in a checkout.
//
// The lock is a file that appears with its owner's name already in it (a hard link of a finished
// file), so nobody ever sees a lock without an owner. An owner is a process id and, where /proc
// tells it, the time that process started: an id used again by another process is not the owner.
//
// Invariants:
//  1. Only its owner removes the lock of a live process.
//  2. The lock of a dead one is removed only by the holder of the takeover folder, who looks again
//     after getting it; all of that is synchronous and takes microseconds.
import {
  linkSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { readIfThere } from './fingerprint.mjs';
import { toolchain } from './paths.mjs';
import { say } from './tool.mjs';

const lock = join(toolchain, 'lock');
const takeover = join(toolchain, 'lock.takeover');
const LOOK_AGAIN_MS = 100;
const TAKEOVER_ABANDONED_MS = 10_000;

const codeOf = (/** @type {unknown} */ error) => /** @type {NodeJS.ErrnoException} */ (error).code;

/** State and start time (fields 3 and 22 of /proc/PID/stat), where the system tells them. */
function procStat(/** @type {number} */ pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0], startTime: fields[19] };
  } catch {
    return undefined;
  }
}

function isAlive(/** @type {string} */ owner) {
  const [pidText, startTime] = owner.split(' ');
  const pid = Number(pidText);
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false;
  }
  const stat = procStat(pid);
  if (!stat || !startTime) return true;
  return stat.startTime === startTime && stat.state !== 'Z';
}

function tryAcquire(/** @type {string} */ me) {
  const mine = join(toolchain, `lock.${process.pid}`);
  writeFileSync(mine, me);
  try {
    linkSync(mine, lock);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(mine, { force: true });
  }
}

function removeDeadLock() {
  try {
    mkdirSync(takeover);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    const since = statSync(takeover, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - since > TAKEOVER_ABANDONED_MS)
      rmSync(takeover, { recursive: true, force: true });
    return;
  }
  const owner = readIfThere(lock);
  if (owner !== undefined && !isAlive(owner)) rmSync(lock, { force: true });
  rmdirSync(takeover);
}

/**
 * Runs `work` while holding the lock; says so in one line when it has to wait. The lock goes when
 * `work` ends and when the process exits.
 * @template T
 * @param {() => Promise<T>} work
 */
export async function withCheckoutLock(work) {
  mkdirSync(toolchain, { recursive: true });
  const me = `${process.pid} ${procStat(process.pid)?.startTime ?? ''}`;
  for (let hasSaid = false; !tryAcquire(me); ) {
    const owner = readIfThere(lock);
    if (owner === undefined) continue;
    if (!isAlive(owner)) removeDeadLock();
    else {
      if (!hasSaid)
        say(`waiting: process ${Number.parseInt(owner, 10)} is setting up this checkout`);
      hasSaid = true;
      await wait(LOOK_AGAIN_MS);
    }
  }
  const release = () => rmSync(lock, { force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.removeListener('exit', release);
    release();
  }
}
