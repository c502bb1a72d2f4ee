import { expect, test } from 'vitest';
import type { DraftState } from '../../src/client/index.ts';
import { ADA } from './scripted-server.ts';
import { settled } from './simulated-clock.ts';
import { followed, reconnected } from './support.ts';

const FULL = { code: 429, reason: 'mailbox_full', retryable: true, retry_after_ms: 2_000 } as const;

test('a send is kept with the receipt of its ack, and its draft goes when its event comes', async () => {
  const { server, conversation } = await followed();
  const receipt = conversation.send('Hello', { replyTo: 3, metadata: { mood: 'calm' } });
  const sent = server.socket.last('send');
  expect(sent).toMatchObject({ content: 'Hello', reply_to: 3, metadata: { mood: 'calm' } });
  expect(sent.key).toMatch(/^[0-9a-f]{32}$/);
  expect(conversation.drafts[0]?.state).toEqual({ kind: 'sending', refusals: 0 });
  server.ack(1);
  await expect(receipt).resolves.toMatchObject({ key: sent.key, seq: 1, isDuplicate: false });
  expect(conversation.drafts[0]?.state).toEqual({ kind: 'stored', seq: 1 });
  server.message(1, { from: ADA, key: sent.key });
  expect(conversation.drafts).toEqual([]);
});

test('the event may come before the ack, and is as good', async () => {
  const { server, conversation } = await followed();
  const receipt = conversation.send('Hello');
  const sent = server.socket.last('send');
  server.message(1, { from: ADA, key: sent.key });
  await expect(receipt).resolves.toMatchObject({ seq: 1 });
  expect(conversation.drafts).toEqual([]);
  server.ack(1, sent);
  expect(conversation.drafts).toEqual([]);
});

test('what is said before the connection is there goes out once the conversation is joined', async () => {
  const set = await followed();
  set.server.socket.end();
  void set.conversation.send('one');
  void set.conversation.send('two');
  expect(set.conversation.drafts.map(({ state }) => state.kind)).toEqual(['pending', 'pending']);
  await set.clock.pass(250);
  await set.server.welcome();
  expect(set.server.socket.heard('send')).toEqual([]);
  set.server.joined();
  expect(set.server.socket.heard('send').map(({ content }) => content)).toEqual(['one', 'two']);
});

test('a send whose ack was lost is sent again with the same key, and stored once', async () => {
  const set = await followed();
  const receipt = set.conversation.send('Hello');
  const first = set.server.socket.last('send');
  await reconnected(set);
  expect(set.conversation.drafts[0]?.state.kind).toBe('pending');
  set.server.joined();
  const second = set.server.socket.last('send');
  expect(second.key).toBe(first.key);
  expect(second.content).toBe('Hello');
  set.server.ack(1, second);
  await expect(receipt).resolves.toMatchObject({ seq: 1 });
});

test('a 429 waits as long as the server asked, keeps the key, and shows what it does', async () => {
  const { server, conversation, clock } = await followed();
  const states: DraftState['kind'][] = [];
  conversation.on('change', () => {
    const kind = conversation.drafts[0]?.state.kind;
    if (kind !== undefined && kind !== states.at(-1)) states.push(kind);
  });
  const receipt = conversation.send('Hello');
  const first = server.socket.last('send');
  server.refuse(first, FULL);
  expect(conversation.drafts[0]?.state).toMatchObject({
    kind: 'refused',
    refusals: 1,
    retryAtMs: clock.now() + 2_000,
    error: { reason: 'mailbox_full', retryAfterMs: 2_000 },
  });
  await clock.pass(1_999);
  expect(server.socket.heard('send')).toHaveLength(1);
  await clock.pass(1);
  const second = server.socket.last('send');
  expect(second.key).toBe(first.key);
  expect(conversation.drafts[0]?.state).toEqual({ kind: 'sending', refusals: 1 });
  server.ack(1, second);
  await expect(receipt).resolves.toMatchObject({ seq: 1 });
  expect(states).toEqual(['pending', 'sending', 'refused', 'sending', 'stored']);
});

test('what is said while another waits goes out after it', async () => {
  const { server, conversation, clock } = await followed();
  void conversation.send('one');
  server.refuse(server.socket.last('send'), FULL);
  void conversation.send('two');
  expect(server.socket.heard('send')).toHaveLength(1);
  await clock.pass(2_000);
  server.ack(1);
  await settled();
  expect(server.socket.heard('send').map(({ content }) => content)).toEqual(['one', 'one', 'two']);
});

test('a full mailbox is not met with the same burst again', async () => {
  const { server, conversation, clock } = await followed();
  for (let n = 0; n < 100; n += 1) void conversation.send(`${n}`);
  const burst = server.socket.heard('send');
  expect(burst).toHaveLength(32);
  for (const send of burst) server.refuse(send, FULL);
  await clock.pass(2_000);
  expect(
    server.socket
      .heard('send')
      .slice(32)
      .map(({ content }) => content),
  ).toEqual(['0']);
  server.ack(1);
  expect(
    server.socket
      .heard('send')
      .slice(33)
      .map(({ content }) => content),
  ).toEqual(['1', '2']);
});

test('a refused draft can be sent at once', async () => {
  const { server, conversation } = await followed();
  void conversation.send('Hello');
  server.refuse(server.socket.last('send'), FULL);
  conversation.retry(conversation.drafts[0]?.key ?? '');
  expect(server.socket.heard('send')).toHaveLength(2);
});

test('a refusal that waiting does not help breaks the promise and leaves the draft to a person', async () => {
  const { server, conversation } = await followed();
  const receipt = conversation.send('Hello');
  const sent = server.socket.last('send');
  server.refuse(sent, { code: 422, reason: 'content_refused', retryable: false });
  await expect(receipt).rejects.toMatchObject({ name: 'ColloquyError', code: 422 });
  expect(conversation.drafts[0]?.state.kind).toBe('failed');
  conversation.retry(sent.key ?? '');
  expect(server.socket.last('send').key).toBe(sent.key);
  conversation.discard(sent.key ?? '');
  expect(conversation.drafts).toEqual([]);
});

test('a 500 is tried a few times, then left to a person', async () => {
  const { server, conversation, clock } = await followed();
  const receipt = conversation.send('Hello');
  receipt.catch(() => undefined);
  for (let tries = 0; tries < 6; tries += 1) {
    server.refuse(server.socket.last('send'), { code: 500, reason: 'internal', retryable: true });
    await clock.pass(20_000);
  }
  expect(server.socket.heard('send')).toHaveLength(6);
  expect(conversation.drafts[0]?.state.kind).toBe('failed');
});

test('edits and deletions are as persistent, each under its own key', async () => {
  const set = await followed();
  const edit = set.conversation.edit(1, 'better');
  const deletion = set.conversation.delete(2);
  const keys = [set.server.socket.last('edit').key, set.server.socket.last('delete').key];
  expect(new Set(keys).size).toBe(2);
  await reconnected(set);
  set.server.joined();
  expect(set.server.socket.last('edit')).toMatchObject({ seq: 1, content: 'better', key: keys[0] });
  expect(set.server.socket.last('delete')).toMatchObject({ seq: 2, key: keys[1] });
  set.server.ack(3, set.server.socket.last('edit'));
  set.server.ack(4, set.server.socket.last('delete'));
  await expect(edit).resolves.toMatchObject({ seq: 3 });
  await expect(deletion).resolves.toMatchObject({ seq: 4 });
});

test('the same key twice is one send', async () => {
  const { server, conversation } = await followed();
  const both = [conversation.send('Hello', { key: 'k' }), conversation.send('Hello', { key: 'k' })];
  expect(server.socket.heard('send')).toHaveLength(1);
  server.ack(1);
  await expect(Promise.all(both)).resolves.toHaveLength(2);
});

test('the outbox is bounded', async () => {
  const { server, conversation } = await followed();
  server.socket.end();
  for (let n = 0; n < 1_000; n += 1) conversation.send(`${n}`).catch(() => undefined);
  await expect(conversation.send('too many')).rejects.toMatchObject({ reason: 'outbox_full' });
});

test('leave gives up what was not stored', async () => {
  const { server, client, conversation } = await followed();
  const receipt = conversation.send('Hello');
  conversation.leave();
  await expect(receipt).rejects.toMatchObject({ reason: 'left' });
  expect(server.socket.heard('leave')).toHaveLength(1);
  expect(conversation.state.kind).toBe('left');
  expect(client.join('c_room')).not.toBe(conversation);
});
