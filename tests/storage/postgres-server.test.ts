import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { eventually } from '../support/deadline.ts';

const START = `
  import { PostgresServer } from './tests/support/postgres-server.ts';
  const server = await PostgresServer.start();
  process.stdout.write(server.pid + ' ' + new URL(server.url()).hostname + '\\n');
  if (process.argv.includes('frozen')) server.freeze();
  setInterval(() => {}, 1_000);
`;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('the Postgres of the tests', () => {
  test.for(['serving', 'frozen'])(
    'ends with the process that started it, while it is %s',
    async (how) => {
      const process = spawn(
        globalThis.process.execPath,
        [
          '--disable-warning=ExperimentalWarning',
          '--input-type=module-typescript',
          '-e',
          START,
          how,
        ],
        { cwd: join(import.meta.dirname, '../..'), stdio: ['ignore', 'pipe', 'inherit'] },
      );
      const [text] = await once(process.stdout, 'data');
      const [pid = '', folder = ''] = String(text).trim().split(' ');
      process.kill('SIGKILL');
      await once(process, 'exit');
      await eventually('Postgres ends', async () => !isAlive(Number(pid)));
      await eventually('its data is gone', async () => !existsSync(decodeURIComponent(folder)));
    },
  );
});
