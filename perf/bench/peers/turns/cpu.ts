import { readdirSync, readFileSync } from 'node:fs';

/**
 * Seconds of CPU that the threads of a process have used so far, to the nanosecond, where its clock ticks are too
 * coarse (`schedstat`, in proc(5)). Threads that have ended are not in it; 0 when the process has.
 */
export function threadSeconds(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`)
      .map((thread) => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8'))
      .reduce((sum, stat) => sum + Number(stat.split(' ')[0]) / 1e9, 0);
  } catch {
    return 0;
  }
}
