import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SqliteStore } from '../../storage/sqlite/sqlite-store.ts';
import { added } from '../contract/document-fixtures.ts';
import { append, edit, made, messages, ONE, turn } from '../contract/fixtures.ts';
import { CAN_LIMIT_FILES, CLI_MAIN, runCli } from '../support/cli.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { withServer } from '../support/wire.ts';

let folder: TemporaryFolder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.clear());

const run = (...args: string[]) => runCli(args, { cwd: folder.path('.') });
const text = (name: string) => readFileSync(folder.path(name), 'utf8');
const COUNTS = '2 conversations, 3004 events, 1 turns, 1 documents, 2 chunks';

async function filled(name: string): Promise<void> {
  const store = SqliteStore.open(folder.path(name));
  await made(store, [...messages(1, 3), edit(4, 1, 'new')]);
  await append(store, { expectedHead: 4, effects: [{ kind: 'turn', turn: turn('a') }] });
  await made(store, messages(1, 3_000), { id: 'c_two' });
  await added(store, 'a', { texts: ['one', 'two'], conversations: [ONE] });
  await store.close();
}

describe('colloquy export and import', () => {
  it('move everything to another store, by a file or by a pipe', async () => {
    await filled('a.db');
    const toFile = await run('export', 'all.ndjson', '--store', 'sqlite:a.db');
    expect(toFile).toMatchObject({ code: 0 });
    expect(toFile.stdout).toMatch(`all.ndjson: ${COUNTS} in `);
    expect(statSync(folder.path('all.ndjson')).mode & 0o777).toBe(0o600);
    const toStdout = await run('export', '--store=sqlite:a.db');
    expect(toStdout).toMatchObject({ code: 0, stdout: text('all.ndjson') });
    expect(toStdout.stderr).toContain(COUNTS);

    const fromFile = await run('import', '--store', 'sqlite:b.db', 'all.ndjson');
    expect(fromFile).toMatchObject({ code: 0 });
    expect(fromFile.stdout).toContain(COUNTS);
    const input = toStdout.stdout;
    expect(
      await runCli(['import', '-', '--store', 'sqlite:c.db'], { cwd: folder.path('.'), input }),
    ).toMatchObject({ code: 0 });
    for (const copy of ['b', 'c']) {
      const again = await run('export', '-', '--store', `sqlite:${copy}.db`);
      expect(again.stdout).toBe(text('all.ndjson'));
    }
  });

  it('leave a file that is there, and a store that is not empty, as they are', async () => {
    await filled('a.db');
    writeFileSync(folder.path('all.ndjson'), 'precious');
    const out = await run('export', 'all.ndjson', '--store', 'sqlite:a.db');
    expect(out).toMatchObject({ code: 1, stdout: '' });
    expect(out.stderr).toBe('colloquy: all.ndjson is there already; name a file that is not\n');
    expect(text('all.ndjson')).toBe('precious');
    await run('export', 'more.ndjson', '--store', 'sqlite:a.db');
    const into = await run('import', 'more.ndjson', '--store', 'sqlite:a.db');
    expect(into).toMatchObject({ code: 1, stdout: '' });
    expect(into.stderr).toBe(
      'colloquy: the store is not empty: import into a new one, or delete this one before\n',
    );
  });

  it('refuse a store that a server runs on, and say how it is done', async () => {
    await withServer({ store: 'sqlite:{dir}/colloquy.db' }, async (wire) => {
      const store = `sqlite:${wire.server.path('colloquy.db')}`;
      const { name, ws } = await wire.person('Ada');
      await ws.joinLive('room', { create: true });
      await ws.ask({ type: 'send', conversation_id: 'room', content: `I am ${name}`, key: 'k' });
      const refused = await run('export', 'all.ndjson', '--store', store);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toMatch(
        /is in use by another Colloquy process\. Export a copy: `colloquy backup copy\.db`/,
      );
      expect(existsSync(folder.path('all.ndjson'))).toBe(false);
      const into = await run('import', '/dev/null', '--store', store);
      expect(into.stderr).toMatch(/is in use by another Colloquy process\. Stop the server/);
      expect(await run('backup', 'copy.db', '--store', store)).toMatchObject({ code: 0 });
      const { stdout } = await run('export', '--store', 'sqlite:copy.db');
      expect(stdout).toContain('I am Ada');
      // A second server, too: the first goes on.
      const second = await run('serve', '--port', '0', '--store', store);
      expect(second).toMatchObject({ code: 1, stdout: '' });
      expect(second.stderr).toMatch(/colloquy\.db is in use by another Colloquy process\n$/);
      const more = { type: 'send', conversation_id: 'room', content: 'still here', key: 'k2' };
      expect(await ws.ask(more)).toMatchObject({ type: 'ack' });
    });
  });

  it('name the line that is wrong, and say that the store holds a part', async () => {
    await filled('a.db');
    await run('export', 'all.ndjson', '--store', 'sqlite:a.db');
    truncateSync(folder.path('all.ndjson'), statSync(folder.path('all.ndjson')).size - 100);
    const { code, stderr } = await run('import', 'all.ndjson', '--store', 'sqlite:b.db');
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^colloquy: all\.ndjson, line \d+, is not JSON\. A part of the file is in the store now: delete it/,
    );
    appendFileSync(folder.path('other.txt'), 'Dear diary,\n');
    const other = await run('import', 'other.txt', '--store', 'sqlite:c.db');
    expect(other.stderr).toMatch(
      /^colloquy: other\.txt, line 1, is not the header of an export[^.]+$/,
    );
  });

  it.each([
    [['export', '--store', 'memory:'], 'memory: is empty when the program starts'],
    [['import', '--store', 'memory:'], 'memory: is empty when the program starts'],
    [['import', 'no.ndjson', '--store', 'sqlite:c.db'], 'there is no file no.ndjson'],
    [['export', 'a', 'b'], '`b` is not expected here'],
    [['export', 'no/where', '--store', 'sqlite:a.db'], 'no/where cannot be written'],
    [['export', '--store', 'sqlite:typo.db'], 'there is nothing at sqlite:typo.db'],
  ])('say why they cannot: %s', async (args, message) => {
    await filled('a.db');
    const { code, stdout, stderr } = await run(...args);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it.runIf(CAN_LIMIT_FILES)('leave nothing behind when the disk is full, and say so', async () => {
    await filled('a.db');
    const options = { cwd: folder.path('.'), maxFileBytes: 100_000 };
    const args = ['export', 'all.ndjson', '--store', 'sqlite:a.db'];
    const { code, stderr } = await runCli(args, options);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^colloquy: the export cannot be written: .+\n$/);
    expect(readdirSync(folder.path('.')).filter((name) => name.includes('all'))).toEqual([]);
  });

  it('end in one line when the reader of the pipe goes away', async () => {
    await filled('a.db');
    const child = spawn(process.execPath, [CLI_MAIN, 'export', '--store', 'sqlite:a.db'], {
      cwd: folder.path('.'),
      env: {},
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (more: string) => {
      stderr += more;
    });
    child.stdout.destroy();
    const [code] = await once(child, 'close');
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^colloquy: the export cannot be written: .+\n$/),
    ]);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('leave nothing behind at %s', async (signal) => {
    await filled('a.db');
    const child = spawn(
      process.execPath,
      [CLI_MAIN, 'export', 'all.ndjson', '--store', 'sqlite:a.db'],
      {
        cwd: folder.path('.'),
        env: {},
        stdio: 'ignore',
      },
    );
    const names = () => readdirSync(folder.path('.')).filter((name) => name.includes('all'));
    while (names().length === 0) await new Promise(setImmediate);
    child.kill(signal);
    await once(child, 'close');
    // The signal may have come when it was done.
    expect(names().filter((name) => name !== 'all.ndjson')).toEqual([]);
  });
});
