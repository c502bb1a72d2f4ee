import { expect, test } from 'vitest';
import type { ClientFrame } from '../../src/client/wire.ts';
import { DEADLINE_MS } from '../support/deadline.ts';
import { setTable } from './table.ts';

const table = setTable({ agent: 'none', 'mailbox-capacity': 2 });

test('after the server was killed and came back, both windows go on: no hole, no duplicate', async () => {
  const id = table.newId();
  const ada = await table.person('Ada', id);
  const ben = await table.person('Ben', id);
  await ada.say('before');
  await ben.sees('before');

  const { port } = table.server;
  await table.server.kill('SIGKILL');
  await ada.banner.getByText('You are offline.').waitFor();
  await ben.banner.getByText('You are offline.').waitFor();
  await ada.say('said into the dark');
  await ada.draft('pending').getByText('Waits for the connection').waitFor();

  await table.server.start({ port });
  // Others may have talked before these windows are back.
  const { conversation } = await table.program('Cat', id);
  for (const text of ['one', 'two', 'three']) await conversation.send(text);
  for (const person of [ada, ben]) {
    await person.isLive();
    await expect.poll(() => person.texts()).toHaveLength(5);
  }
  await ben.say('after');
  await expect.poll(() => ada.texts()).toHaveLength(6);
  const seen = await ada.texts();
  expect(seen[0]).toBe('before');
  expect(seen.at(-1)).toBe('after');
  expect(seen.toSorted()).toEqual(
    ['after', 'before', 'one', 'said into the dark', 'three', 'two'].toSorted(),
  );
  expect(await ben.texts()).toEqual(seen);
  expect(await seqsOf(ada)).toEqual(await seqsOf(ben));
  await ada.page.reload();
  await ada.sees(...seen);
});

test('a server that stops says so, and the window comes back by itself', async () => {
  const id = table.newId();
  const ada = await table.person('Ada', id);
  const { port } = table.server;
  await table.server.kill('SIGTERM');
  await ada.banner.getByText('The server is restarting.').waitFor();
  await table.server.start({ port });
  await ada.page.getByRole('button', { name: 'Try now' }).click({ timeout: 1_000 }).catch(ignore);
  await ada.isLive();
  await ada.say('still here');
  await ada.sees('still here');
});

test('a burst that the mailbox does not take is stored in the end, each message once', async () => {
  const id = table.newId();
  const ada = await table.person('Ada', id);
  const { port } = table.server;
  await table.server.kill('SIGKILL');
  await ada.banner.getByText('You are offline.').waitFor();
  const texts = Array.from({ length: 12 }, (_, n) => `message ${n}`);
  for (const text of texts) await ada.say(text);
  await table.server.start({ port });
  await ada.isLive();
  await expect
    .poll(async () => (await ada.texts()).toSorted(), { timeout: DEADLINE_MS })
    .toEqual(texts.toSorted());
  expect(await ada.page.locator('[data-draft]').count()).toBe(0);
});

test('a 429 is shown with its wait, counted down, and tried again with the same key', async () => {
  const ada = await table.guest();
  const keys: (string | undefined)[] = [];
  await ada.page.routeWebSocket(/\/v1\/ws$/, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((text) => {
      const frame = JSON.parse(String(text)) as ClientFrame;
      if (frame.type === 'send') keys.push(frame.key);
      if (frame.type !== 'send' || keys.length > 1) return server.send(text);
      socket.send(
        JSON.stringify({
          type: 'error',
          id: frame.id,
          conversation_id: frame.conversation_id,
          code: 429,
          reason: 'mailbox_full',
          message: 'Full.',
          retryable: true,
          retry_after_ms: 3_000,
        }),
      );
    });
  });
  await ada.enter(table.server.url, table.newId(), 'Ada');
  await ada.say('Hello');
  const refused = ada.draft('refused');
  await refused.getByText('This conversation is too busy right now.').waitFor();
  await refused.getByText(/Trying again in [3-5] seconds\./).waitFor();
  await refused.getByText('Trying again in 2 seconds.').waitFor();
  await ada.sees('Hello');
  expect(keys).toHaveLength(2);
  expect(keys[1]).toBe(keys[0]);
  expect(await ada.page.locator('[data-draft]').count()).toBe(0);
});

test('a message that was refused for good can be tried again or discarded', async () => {
  const ada = await table.guest();
  await ada.page.routeWebSocket(/\/v1\/ws$/, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((text) => {
      const frame = JSON.parse(String(text)) as ClientFrame;
      if (frame.type !== 'send') return server.send(text);
      socket.send(
        JSON.stringify({
          type: 'error',
          id: frame.id,
          code: 422,
          reason: 'content_refused',
          message: 'The content was refused.',
          retryable: false,
        }),
      );
    });
  });
  await ada.enter(table.server.url, table.newId(), 'Ada');
  await ada.say('Hello');
  await ada.draft('failed').getByText('Not sent: The content was refused.').waitFor();
  await ada.draft('failed').getByRole('button', { name: 'Try again' }).click();
  await ada.draft('failed').getByRole('button', { name: 'Discard' }).click();
  await ada.draft('failed').waitFor({ state: 'detached' });
  await ada.sees();
});

async function seqsOf({ messages }: { messages: { evaluateAll: EvaluateAll } }): Promise<number[]> {
  return messages.evaluateAll((rows) => rows.map((row) => Number(row.getAttribute('data-seq'))));
}

type EvaluateAll = (read: (rows: Element[]) => number[]) => Promise<number[]>;

/** It has come back already. */
function ignore(): void {}
