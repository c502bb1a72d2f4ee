import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { completeLock, platformOf } from '../../scripts/complete-lock.mjs';

const root = join(import.meta.dirname, '../..');
const read = (name: string) => JSON.parse(readFileSync(join(root, name), 'utf8'));

describe.each(['', 'perf/peers/'])('%spackage-lock.json', (folder) => {
  const manifest = read(`${folder}package.json`);
  const lock = read(`${folder}package-lock.json`);

  test('has an entry for every optional package of every platform', () => {
    const completed = completeLock(lock);
    expect(completed.added).toEqual([]);
    expect(completed.lock).toEqual(lock);
  });

  test('wants what package.json wants, in exact versions', () => {
    const { dependencies, devDependencies } = lock.packages[''];
    expect(dependencies).toEqual(manifest.dependencies);
    expect(devDependencies).toEqual(manifest.devDependencies);
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
      expect(version, name).toMatch(/^(npm:.+@)?\d+\.\d+\.\d+(-[\w.]+)?$/);
      expect(lock.packages[`node_modules/${name}`].version).toBe(`${version}`.split('@').at(-1));
    }
  });

  test('names no registry', () => {
    const addresses = Object.entries<{ resolved?: string }>(lock.packages)
      .filter(([, entry]) => entry.resolved !== undefined)
      .map(([path]) => path);
    expect(addresses).toEqual([]);
  });
});

describe('completing a lock', () => {
  const parent = (dependencies: Record<string, string>) => ({
    packages: {
      'node_modules/a': { version: '1.0.0', dev: true, optionalDependencies: dependencies },
    },
  });

  test('adds a missing package with its platform, and then nothing more', () => {
    const { lock: once, added } = completeLock(parent({ '@a/linux-arm64-musl': '1.0.0' }));
    expect(added).toEqual(['node_modules/@a/linux-arm64-musl']);
    expect(once.packages['node_modules/@a/linux-arm64-musl']).toEqual({
      version: '1.0.0',
      dev: true,
      optional: true,
      os: ['linux'],
      cpu: ['arm64'],
      libc: ['musl'],
    });
    expect(completeLock(once)).toEqual({ lock: once, added: [] });
  });

  test('puts a second version beside its parent', () => {
    const start = parent({ 'b-darwin-x64': '2.0.0' });
    const packages = { ...start.packages, 'node_modules/b-darwin-x64': { version: '1.0.0' } };
    expect(completeLock({ packages }).added).toEqual(['node_modules/a/node_modules/b-darwin-x64']);
  });

  test('refuses a range, which names no version', () => {
    expect(() => completeLock(parent({ b: '^2.0.0' }))).toThrow('a range names no version');
  });

  test.for([
    ['@oxc-parser/binding-linux-arm-gnueabihf', { os: ['linux'], cpu: ['arm'], libc: ['glibc'] }],
    ['@biomejs/cli-win32-x64', { os: ['win32'], cpu: ['x64'] }],
    ['@uwsjs/darwin-arm64-22', { os: ['darwin'], cpu: ['arm64'] }],
    ['fsevents', {}],
  ] as const)('reads the platform off the name %s', ([name, platform]) => {
    expect(platformOf(name)).toEqual(platform);
  });
});
