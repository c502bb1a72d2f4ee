import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, totalmem } from 'node:os';
import type { Wanted } from './arguments.ts';
import { ROOT } from './server.ts';

type Fact = readonly [string, string];

/** What a figure is worth nothing without: where it was measured, on what, and of which code. */
export function circumstances(wanted: Wanted, k6: string): Fact[] {
  const cpu = cpus()[0]?.model.trim() ?? 'an unknown CPU';
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return [
    ['machine', `${availableParallelism()} cores of ${cpu}, ${memory}, ${process.platform}`],
    ['on it', 'server, k6 and the sampler, side by side'],
    ['versions', `Node ${process.version}, ${firstLine(k6, ['version'])}`],
    ['commit', commit()],
    ['store', withoutPassword(wanted.store)],
  ];
}

function commit(): string {
  const hash = firstLine('git', ['rev-parse', '--short', 'HEAD']);
  const changes = firstLine('git', ['status', '--porcelain', '--untracked-files=no']);
  return changes === '' ? hash : `${hash}, with changes`;
}

/** Empty when there is no such program, or it has nothing to say. */
function firstLine(program: string, args: readonly string[]): string {
  try {
    const said = execFileSync(program, [...args], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return said.split('\n')[0] ?? '';
  } catch {
    return '';
  }
}

function withoutPassword(store: string): string {
  return store.replace(/:\/\/([^:@/]*):[^@/]*@/, '://$1:…@');
}
