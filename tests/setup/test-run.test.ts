import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findChromium } from '../../scripts/chromium.ts';
import { closingLine } from '../../scripts/closing-line.ts';
import { runSeed } from '../../scripts/run-seed.ts';
import { fc } from '../support/properties.ts';
import { Random, RUN_SEED } from '../support/random.ts';

const root = join(import.meta.dirname, '../..');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'colloquy-test-run-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('the closing line', () => {
  test('names the skipped only when there are any', () => {
    expect(closingLine({ passed: 3, failed: 0, skipped: 0 })).toBe('3 passed, 0 failed');
    expect(closingLine({ passed: 3, failed: 1, skipped: 2 })).toBe('3 passed, 1 failed, 2 skipped');
  });

  test('is the last line of a run, and counts a file that does not load as a failure', async () => {
    const reporter = join(root, 'scripts/closing-line.ts');
    const config = `import { closingLineReporter } from '${reporter}';
      export default { test: { globals: true, reporters: ['default', closingLineReporter(7)] } };`;
    writeFileSync(join(folder, 'vitest.config.ts'), config);
    writeFileSync(join(folder, 'a.test.ts'), `test('a', () => {}); test.skip('b', () => {});`);
    writeFileSync(join(folder, 'b.test.ts'), `test('c', () => { throw new Error('c'); });`);
    writeFileSync(join(folder, 'c.test.ts'), `throw new Error('does not load');`);
    const vitest = join(root, 'node_modules/vitest/vitest.mjs');
    const stdout = await new Promise<string>((resolve) => {
      execFile(process.execPath, [vitest, 'run', '--root', folder], (_error, out) => resolve(out));
    });
    expect(stdout.trimEnd().split('\n').slice(-2)).toEqual([
      'run it again with COLLOQUY_TEST_SEED=7',
      '1 passed, 2 failed, 1 skipped',
    ]);
  });
});

describe('the seed of a run', () => {
  test('is the one that is given, and nothing that is none', () => {
    expect(runSeed({ COLLOQUY_TEST_SEED: '78110' })).toBe(78_110);
    expect(runSeed({ COLLOQUY_TEST_SEED: '-1987654321', CI: 'true' })).toBe(-1_987_654_321);
    expect(() => runSeed({ COLLOQUY_TEST_SEED: 'often' })).toThrow('must be a whole number');
  });

  test('is always the same in CI, and what every test of this run has', () => {
    expect(runSeed({ CI: 'true' })).toBe(runSeed({ CI: '1' }));
    expect(RUN_SEED).toBe(runSeed(process.env));
    expect(fc.readConfigureGlobal().seed).toBe(RUN_SEED);
    expect(new Random().seed).toBe(RUN_SEED);
  });
});

describe('Chromium', () => {
  test('is the one that is named, or the first on the PATH that can be run', () => {
    const path = join(folder, 'google-chrome');
    writeFileSync(path, '');
    expect(findChromium({ CHROMIUM: '/opt/chromium', PATH: folder })).toBe('/opt/chromium');
    expect(findChromium({ PATH: folder })).toBeUndefined();
    chmodSync(path, 0o755);
    expect(findChromium({ PATH: `/nowhere:${folder}` })).toBe(path);
    expect(findChromium({})).toBeUndefined();
  });
});
