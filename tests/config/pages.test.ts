import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { usageOf } from '../../src/cli/help.ts';
import { envNameOf, flagOf, SETTING_NAMES } from '../../src/config.ts';
import { configurationPage, envExample } from './render.ts';

describe('the pages about settings', () => {
  it('.env.example is what the table says', async () => {
    await expect(envExample()).toMatchFileSnapshot('../../.env.example');
  });

  it('docs/configuration.md is what the table says', async () => {
    await expect(configurationPage()).toMatchFileSnapshot('../../docs/configuration.md');
  });

  it('name every setting, and so does --help', () => {
    const help = usageOf('serve');
    for (const name of SETTING_NAMES) {
      expect(help).toContain(`  ${flagOf(name)} (`);
      expect(envExample()).toContain(`#${envNameOf(name)}=`);
      expect(configurationPage()).toContain(`\`${envNameOf(name)}\``);
    }
  });

  it('name no setting that is not there', () => {
    const known = new Set(SETTING_NAMES.map(envNameOf));
    for (const page of ['README.md', 'Dockerfile', 'docs/protocol.md']) {
      const text = readFile(page);
      const named = text.match(/COLLOQUY_[A-Z_]*[A-Z]/g) ?? [];
      for (const name of named) expect([page, name, known.has(name)]).toEqual([page, name, true]);
    }
  });
});

/** Empty when there is no such page. */
function readFile(page: string): string {
  try {
    return readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8');
  } catch {
    return '';
  }
}
