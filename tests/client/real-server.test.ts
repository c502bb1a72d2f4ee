import { expect, onTestFinished, test, vi } from 'vitest';
import type { Conversation, LogEvent } from '../../src/client/index.ts';
import { connect } from '../../src/client/index.ts';
import { ServerProcess } from '../support/server-process.ts';

const SENDS = 600;
const KILLS = 3;

async function serve(): Promise<ServerProcess> {
  const server = new ServerProcess({ store: 'sqlite:{dir}/x.db' });
  onTestFinished(() => void server.dispose());
  await server.start();
  return server;
}

function follow(
  server: ServerProcess,
  name: string,
): { conversation: Conversation; log: LogEvent[] } {
  const client = connect({ url: server.url, name });
  onTestFinished(() => client.close());
  const conversation = client.join('c', { create: true, afterSeq: 0 });
  const log: LogEvent[] = [];
  conversation.on('event', (event) => log.push(event));
  return { conversation, log };
}

/** Resolves when the follower has got this far. */
function reached({ conversation }: { conversation: Conversation }, seq: number): Promise<void> {
  return new Promise((resolve) => {
    const look = () => (conversation.seq ?? 0) >= seq && resolve();
    conversation.on('event', look);
    look();
  });
}

test('sends that live through killed servers are stored once each, and both followers see one log', async () => {
  const server = await serve();
  const ada = follow(server, 'Ada');
  const ben = follow(server, 'Ben');
  const contents = Array.from({ length: SENDS }, (_, n) => `message ${n}`);
  const receipts = contents.map((content) => ada.conversation.send(content));
  for (let kill = 1; kill <= KILLS; kill += 1) {
    await receipts[Math.floor((SENDS / (KILLS + 1)) * kill)];
    await server.restart('SIGKILL');
  }
  const seqs = (await Promise.all(receipts)).map(({ seq }) => seq);
  const head = Math.max(...seqs);
  await Promise.all([reached(ada, head), reached(ben, head)]);

  expect(ben.log.map(({ seq }) => seq)).toEqual(Array.from(ben.log, (_, n) => n + 1));
  const said = ben.log.filter((event) => event.kind === 'message');
  expect(said.map(({ content }) => content).toSorted()).toEqual(contents.toSorted());
  const seqOf = new Map(said.map(({ content, seq }) => [content, seq]));
  expect(contents.map((content) => seqOf.get(content))).toEqual(seqs);
  const plain = (log: readonly LogEvent[]) => log.map(({ seq, kind }) => `${seq} ${kind}`);
  expect(plain(ada.log)).toEqual(plain(ben.log));
  expect(ada.conversation.drafts).toEqual([]);
});

test('history pages are read over REST with the token of the connection', async () => {
  const server = await serve();
  const { conversation } = follow(server, 'Ada');
  const receipts = [];
  for (const content of ['one', 'two', 'three']) receipts.push(await conversation.send(content));
  const last = receipts.at(-1)?.seq ?? 0;
  const page = await conversation.messages({ beforeSeq: last, limit: 2 });
  expect(page.map(({ content }) => content)).toEqual(['one', 'two']);
  expect(await conversation.describe()).toMatchObject({ conversation_id: 'c', title: null });
  await conversation.edit(last, 'third');
  await conversation.delete(receipts[0]?.seq ?? 0);
  const now = await conversation.messages({ afterSeq: 0 });
  expect(now.map(({ content, deleted }) => content ?? deleted)).toEqual([true, 'two', 'third']);
  await expect(conversation.edit(9_999, 'x')).rejects.toMatchObject({
    code: 404,
    reason: 'message_not_found',
  });
});

test("the agent's words fold into the answer that is stored", async () => {
  const server = new ServerProcess({ agent: 'scripted' });
  onTestFinished(() => void server.dispose());
  await server.start();
  const { conversation } = follow(server, 'Ada');
  const texts: string[] = [];
  const whole = new Promise<void>((resolve) => {
    conversation.on('turn', ({ state, text }) => {
      texts.push(text);
      if (state === 'completed') resolve();
    });
  });
  await conversation.send('say: Bring blankets, and tea.');
  await whole;
  expect(texts.at(-1)).toBe('Bring blankets, and tea.');
  expect(texts.every((text) => 'Bring blankets, and tea.'.startsWith(text))).toBe(true);
});

test('who has an invite comes in where others do not, and comes back after the server was away', async () => {
  const server = await serve();
  const made = await fetch(`${server.url}/v1/guests`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"name":"Ada"}',
  });
  const { token } = (await made.json()) as { token: string };
  await fetch(`${server.url}/v1/conversations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: '{"conversation_id":"den","visibility":"invite"}',
  });
  const joins = (options: { name?: string; token?: string }, invite?: string) => {
    const client = connect({ url: server.url, ...options });
    onTestFinished(() => client.close());
    return client.join('den', { afterSeq: 0, ...(invite === undefined ? {} : { invite }) });
  };
  const ada = joins({ token });
  await reached({ conversation: ada }, 1);
  const given = await ada.invite({ role: 'observer', maxUses: 1 });
  expect(given).toMatchObject({ conversation_id: 'den', role: 'observer', max_uses: 1 });

  const ben = joins({ name: 'Ben' }, given.invite);
  await reached({ conversation: ben }, 2);
  expect(ben.role).toBe('observer');
  await expect(ben.invite()).rejects.toMatchObject({ reason: 'forbidden' });
  for (const [invite, reason] of [
    [given.invite, 'forbidden'],
    [undefined, 'conversation_not_found'],
  ] as const) {
    const cy = joins({ name: 'Cy' }, invite);
    await vi.waitFor(() => expect(cy.state).toMatchObject({ kind: 'refused' }), 8_000);
    expect(cy.state).toMatchObject({ error: { reason } });
  }

  await server.restart('SIGKILL');
  await ada.send('still there?');
  await reached({ conversation: ben }, 3);
});
