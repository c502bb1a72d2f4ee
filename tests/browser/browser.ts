import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { chromium } from 'playwright-core';
import { findChromium } from '../../scripts/chromium.ts';
import { DEADLINE_MS } from '../support/deadline.ts';

/** One Chromium for a test file, in a profile of its own. */
export interface TestBrowser {
  /** A person: a context of their own, so that name and token are theirs. */
  person(options?: BrowserContextOptions): Promise<Page>;
  close(): Promise<void>;
}

const ARGUMENTS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export async function startBrowser(): Promise<TestBrowser> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error('no Chromium found');
  const profile = mkdtempSync(join(tmpdir(), 'colloquy-browser-'));
  const browser: Browser = await chromium.launch({
    executablePath,
    headless: true,
    // What a browser keeps beside its profile (crash reports, settings) is kept in a folder of its own, too.
    env: { ...process.env, HOME: profile, XDG_CONFIG_HOME: profile, XDG_CACHE_HOME: profile },
    args: ARGUMENTS,
  });
  return {
    person: async (options = {}) => {
      const context = await browser.newContext({
        viewport: { width: 1000, height: 700 },
        ...options,
      });
      const page = await context.newPage();
      page.setDefaultTimeout(DEADLINE_MS);
      return page;
    },
    close: async () => {
      await browser.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}
