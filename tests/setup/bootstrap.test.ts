import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Checkout } from './checkout.ts';

let checkout: Checkout;
beforeEach(() => {
  checkout = new Checkout();
});
afterEach(() => checkout.remove());

const leftBehind = () => readdirSync(join(checkout.path, '.toolchain'));

describe('packages', () => {
  test('are installed once, in one line, and a fresh checkout is silent', async () => {
    const first = await checkout.bootstrap('packages').ended;
    expect(first).toMatchObject({ code: 0, stdout: '' });
    expect(first.stderr).toMatch(/^colloquy: installing the packages .* … \d+\.\d s\n$/);
    expect(await checkout.bootstrap('packages').ended).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(checkout.calls()).toHaveLength(1);
    expect(leftBehind()).toEqual([]);
  });

  test('are installed again when the lock file changes, not when a script does', async () => {
    await checkout.bootstrap('packages').ended;
    const manifest = JSON.parse(readFileSync(join(checkout.path, 'package.json'), 'utf8'));
    checkout.write('package.json', JSON.stringify({ ...manifest, scripts: { start: 'true' } }));
    await checkout.bootstrap('packages').ended;
    expect(checkout.calls()).toHaveLength(1);
    const lock = join(checkout.path, 'package-lock.json');
    writeFileSync(lock, `${readFileSync(lock, 'utf8')}\n`);
    await checkout.bootstrap('packages').ended;
    expect(checkout.calls()).toHaveLength(2);
  });

  test('are installed again when node_modules was removed', async () => {
    await checkout.bootstrap('packages').ended;
    const { ended } = checkout.start('rm', ['-rf', 'node_modules']);
    await ended;
    await checkout.bootstrap('packages').ended;
    expect(checkout.calls()).toHaveLength(2);
  });

  test('that cannot be installed say why, with the end of what npm said and no stack', async () => {
    await checkout.bootstrap('packages').ended;
    checkout.write('.npmrc', 'omit-lockfile-registry-resolved=true\n');
    const failed = await checkout.bootstrap('packages', { NPM_FAILS: '1' }).ended;
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain('could not install the packages: it ended with code 7\n');
    expect(failed.stderr).toContain('  40\n  the registry is on fire\n');
    expect(failed.stderr).not.toMatch(/^\s+at |\n {2}20\n/m);
    expect(existsSync(join(checkout.path, 'node_modules'))).toBe(true);
    expect((await checkout.bootstrap('packages').ended).code).toBe(0);
  });

  test('need npm, and its absence is said plainly', async () => {
    const { code, stderr } = await checkout.start(
      process.execPath,
      ['scripts/bootstrap.mjs', 'packages'],
      { PATH: checkout.path },
    ).ended;
    expect(code).toBe(1);
    expect(stderr).toContain('npm is needed');
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});

describe('two at once', () => {
  test('install once: the second says that it waits, and finds all done', async () => {
    const first = checkout.bootstrap('packages', checkout.gated);
    const gate = await checkout.atGate();
    const second = checkout.bootstrap('packages');
    await second.wrote(`waiting: process ${first.child.pid} is setting up this checkout`);
    await gate.close();
    expect((await first.ended).code).toBe(0);
    const { code, stderr } = await second.ended;
    expect(code).toBe(0);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(checkout.calls()).toHaveLength(1);
  });

  test('a crowd installs once', async () => {
    const crowd = Array.from({ length: 6 }, () => checkout.bootstrap('packages').ended);
    for (const { code } of await Promise.all(crowd)) expect(code).toBe(0);
    expect(checkout.calls()).toHaveLength(1);
    expect(leftBehind()).toEqual([]);
  });
});

describe('an interrupted bootstrap', () => {
  test('killed in its middle, leaves a lock that a crowd takes over, once', async () => {
    const killed = checkout.bootstrap('packages', checkout.gated);
    const gate = await checkout.atGate();
    killed.child.kill('SIGKILL');
    await killed.ended.finally(() => gate.close());
    expect(existsSync(join(checkout.path, '.toolchain/lock'))).toBe(true);
    const crowd = Array.from({ length: 4 }, () => checkout.bootstrap('packages').ended);
    for (const { code } of await Promise.all(crowd)) expect(code).toBe(0);
    expect(checkout.calls()).toHaveLength(2);
    expect(leftBehind()).toEqual([]);
  });

  test('ended by SIGTERM, leaves no lock and the old packages', async () => {
    await checkout.bootstrap('packages').ended;
    checkout.write('.npmrc', 'omit-lockfile-registry-resolved=true\n');
    const ended = checkout.bootstrap('packages', checkout.gated);
    const gate = await checkout.atGate();
    ended.child.kill('SIGTERM');
    expect((await ended.ended).code).toBe(143);
    await gate.close();
    expect(existsSync(join(checkout.path, '.toolchain/lock'))).toBe(false);
    expect(existsSync(join(checkout.path, 'node_modules/vite'))).toBe(true);
    expect((await checkout.bootstrap('packages').ended).code).toBe(0);
    expect(checkout.calls()).toHaveLength(3);
  });

  test('its lock is not taken for alive because another process got its id', async () => {
    checkout.write('.toolchain/lock', `${process.pid} 1`); // Alive, but started at another time.
    expect((await checkout.bootstrap('packages').ended).code).toBe(0);
  });
});

describe('the page', () => {
  test('is built when it or what it imports has changed, and only then', async () => {
    checkout.write('src/web/index.html', 'page');
    const builds = () => checkout.calls().filter((call) => call === 'vite').length;
    const run = async () => expect((await checkout.bootstrap('page').ended).code).toBe(0);
    await run();
    await run();
    expect(builds()).toBe(1);
    expect(readFileSync(join(checkout.path, 'dist/web/index.html'), 'utf8')).toBe('built');
    checkout.write('src/protocol/frames.ts', 'export {}');
    await run();
    expect(builds()).toBe(2);
    checkout.write('src/http/server.ts', 'export {}');
    await run();
    expect(builds()).toBe(2);
  });

  test('is left out while there is none', async () => {
    expect((await checkout.bootstrap('page').ended).code).toBe(0);
    expect(existsSync(join(checkout.path, 'dist'))).toBe(false);
  });
});
