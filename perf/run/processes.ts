import type { ChildProcess } from 'node:child_process';

// Every process that a run starts leads a group of its own, so that ^C reaches only the runner, which ends
// them in order. None outlives it: what still runs when it exits is killed.

const running = new Set<ChildProcess>();

process.on('exit', () => {
  for (const child of running) signalGroup(child, 'SIGKILL');
});

/** Resolves with how it ended: `ended with code 1`. From now on the process ends with this one. */
export function ended(child: ChildProcess): Promise<string> {
  running.add(child);
  return new Promise((resolve) => {
    const gone = (how: string) => {
      running.delete(child);
      resolve(how);
    };
    child.once('error', (error) => gone(`could not be started: ${error.message}`));
    child.once('close', (code, signal) => gone(`ended with ${signal ?? `code ${code}`}`));
  });
}

/** Asks a process to end, and kills it if it does not in time. */
export async function endProcess(
  child: ChildProcess,
  { signal, withinMs }: { readonly signal: NodeJS.Signals; readonly withinMs: number },
): Promise<void> {
  if (!running.has(child)) return;
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  child.kill(signal);
  const late = setTimeout(() => signalGroup(child, 'SIGKILL'), withinMs);
  await gone;
  clearTimeout(late);
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has ended by itself.
  }
}
