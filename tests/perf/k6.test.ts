import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Report } from '../../perf/k6/lib/report.ts';
import { findK6 } from '../../scripts/k6.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';

const ROOT = join(import.meta.dirname, '../..');
const K6 = findK6();
/** Large enough to connect, talk, and go home; as short as that may be. */
const TINY = { PEOPLE: '4', PER_ROOM: '2', RATE: '10', RAMP: '1', DURATION: '1', SETTLE: '1' };

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(program: string, args: readonly string[], env: Record<string, string>): Promise<Ran> {
  return new Promise((resolve) => {
    const options = {
      cwd: ROOT,
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
    };
    execFile(program, [...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

const perf = (args: readonly string[], env: Record<string, string>) =>
  run(process.execPath, ['perf/run/main.ts', ...args], env);

let folder: TemporaryFolder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.clear());

const reportIn = (out: string) =>
  JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) as Report;

describe('npm run perf', () => {
  it('says how to get a k6 when there is none, and starts nothing', async () => {
    const out = folder.path('none');
    const { code, stderr } = await perf(['baseline', '--out', out], { K6: '/nowhere/k6' });
    expect(code).toBe(3);
    expect(stderr).toMatch(/K6 names \/nowhere\/k6, which is no program: .*npm run k6:install/);
    expect(existsSync(out)).toBe(false);
  });

  it('names the scenarios when it is asked for one that is not there', async () => {
    const { code, stderr } = await perf(['nothing'], {});
    expect(code).toBe(2);
    expect(stderr).toMatch(/There are: baseline, peak/);
  });

  it('refuses a figure that is none', async () => {
    const { code, stderr } = await perf(['baseline'], { PEOPLE: 'many' });
    expect(code).toBe(2);
    expect(stderr).toMatch(/PEOPLE=many is not a number/);
  });
});

describe.runIf(K6 !== undefined)('with a k6', () => {
  it('runs a scenario against a server of its own, and leaves a report and nothing else', async () => {
    const out = folder.path('out');
    const scratch = folder.path('scratch');
    mkdirSync(scratch);
    const { code, stdout, stderr } = await perf(['baseline', '--out', out], {
      ...TINY,
      P99_MS: '5000',
      TMPDIR: scratch,
    });
    expect(stdout, stderr).toMatch(/^\nbaseline: passed\n/);
    expect(code).toBe(0);
    const { metrics, plots, failures } = reportIn(out);
    expect(failures).toEqual([]);
    expect(metrics['acks']?.values['count']).toBe(10);
    expect(metrics['deliveries']?.values['count']).toBe(20);
    expect(plots.map(({ title }) => title)).toEqual(
      expect.arrayContaining(['Messages', 'Send to delivery', 'CPU', 'Memory of the server']),
    );
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain('<svg');
    expect(readFileSync(join(out, 'summary.txt'), 'utf8')).toBe(stdout);
    expect(readdirSync(scratch)).toEqual([]);
  });

  it('fails when a threshold is crossed', async () => {
    const out = folder.path('out');
    const { code, stdout, stderr } = await perf(['baseline', '--out', out], { ...TINY, RATE: '0' });
    expect(code, stderr).toBe(1);
    expect(stdout).toContain('! deliveries is 0, and was to be count>0');
  });

  it('fails on a server that loses an event, gives one twice, or never answers', async () => {
    const liar = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await once(liar, 'listening');
    liar.on('connection', lie);
    const out = folder.path('out');
    const { port } = liar.address() as AddressInfo;
    const env = {
      ...TINY,
      PEOPLE: '1',
      BASE_URL: `http://127.0.0.1:${port}`,
      OUT: folder.path('.'),
    };
    const args = ['run', '--quiet', '--no-usage-report', '--address', ''];
    const { code } = await run(K6 ?? '', [...args, 'perf/k6/scenarios/baseline.ts'], env);
    liar.close();
    for (const client of liar.clients) client.terminate();
    expect(code, out).toBe(99);
    const { metrics } = reportIn(folder.path('.'));
    const count = (name: string) => metrics[name]?.values['count'];
    expect(count('gaps')).toBeGreaterThanOrEqual(1);
    expect(count('duplicates')).toBe(1);
    expect(count('lost_acks')).toBe(1);
    expect(count('mismatches')).toBe(1);
  });
});

/** A server in which every promise is broken once: seq 3 never comes, 5 comes twice, 6 has the wrong ack, 7 none. */
function lie(socket: WebSocket): void {
  let seq = 0;
  socket.on('message', (data) => {
    const say = (frame: object) => socket.send(JSON.stringify(frame));
    const frame = JSON.parse(String(data)) as { type: string; key: string; content: string };
    const { type, key, content } = frame;
    if (type === 'hello') say({ type: 'welcome', token: 'token' });
    if (type === 'join') {
      say({ type: 'joined', head_seq: seq });
      say({ type: 'live', head_seq: seq });
    }
    if (type !== 'send') return;
    seq += 1;
    const event = { type: 'event', kind: 'message', seq, key, content, from: { kind: 'human' } };
    if (seq !== 3) say(event);
    if (seq === 5) say(event);
    if (seq !== 7) say({ type: 'ack', key, seq: seq === 6 ? 60 : seq });
  });
}
