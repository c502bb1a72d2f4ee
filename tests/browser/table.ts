import type { BrowserContextOptions } from 'playwright-core';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import type { Client, Conversation } from '../../src/client/index.ts';
import { connect } from '../../src/client/index.ts';
import type { Flags } from '../support/server-process.ts';
import { ServerProcess } from '../support/server-process.ts';
import type { TestBrowser } from './browser.ts';
import { startBrowser } from './browser.ts';
import { Person } from './person.ts';

/** A real server and a browser, for the tests of a file. */
export interface Table {
  readonly server: ServerProcess;
  /** A page of somebody who has not said anything yet; it is closed with the test. */
  guest(options?: BrowserContextOptions): Promise<Person>;
  /** A page in a conversation. */
  person(name: string, id: string, options?: BrowserContextOptions): Promise<Person>;
  /** Somebody without a page. */
  program(name: string, id: string): Promise<{ client: Client; conversation: Conversation }>;
  /** A conversation of this test's own. */
  newId(): string;
}

const START_MS = 60_000;
let lastId = 0;

export function setTable(flags: Flags = {}): Table {
  const server = new ServerProcess({ store: 'sqlite:{dir}/x.db', agent: 'scripted', ...flags });
  let browser: TestBrowser | undefined;
  beforeAll(async () => {
    await server.start();
    browser = await startBrowser();
  }, START_MS);
  afterAll(async () => {
    await browser?.close();
    await server.dispose();
  });

  const guest = async (options: BrowserContextOptions = {}) => {
    if (browser === undefined) throw new Error('no browser yet');
    const page = await browser.person(options);
    onTestFinished(() => page.context().close());
    return new Person(page);
  };
  return {
    server,
    guest,
    person: async (name, id, options) => {
      const person = await guest(options);
      await person.enter(server.url, id, name);
      return person;
    },
    program: async (name, id) => {
      const client = connect({ url: server.url, name });
      onTestFinished(() => client.close());
      const conversation = client.join(id, { create: true });
      await new Promise<void>((resolve) => {
        conversation.on('change', () => conversation.state.kind === 'live' && resolve());
      });
      return { client, conversation };
    },
    newId: () => {
      lastId += 1;
      return `c-${process.pid}-${lastId}`;
    },
  };
}
