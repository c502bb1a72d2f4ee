import { expect, test } from 'vitest';
import type { ServerFrameOf } from '../../src/client/wire.ts';
import type { FakeSocket } from './scripted-server.ts';
import { ROOM } from './scripted-server.ts';
import { followed, reconnected } from './support.ts';

const AGENT = { id: 'assistant', name: 'Assistant' };
const turn = { conversation_id: ROOM, turn_id: 't1' } as const;

function started(socket: FakeSocket, attempt = 1): void {
  socket.say({ type: 'turn.started', ...turn, agent: AGENT, trigger_seq: 1, attempt });
}

function delta(socket: FakeSocket, index: number, text: string): void {
  deltaOf(1, socket, { index, text });
}

function deltaOf(attempt: number, socket: FakeSocket, said: { index: number; text: string }): void {
  socket.say({ type: 'turn.delta', ...turn, attempt, ...said });
}

function snapshot(
  more: Partial<ServerFrameOf<'turn.snapshot'>> = {},
): ServerFrameOf<'turn.snapshot'> {
  return {
    type: 'turn.snapshot',
    ...turn,
    attempt: 1,
    agent: AGENT,
    trigger_seq: 1,
    state: 'streaming',
    text: 'Good morning',
    next_index: 2,
    tool_calls: [],
    ...more,
  };
}

function ended(socket: FakeSocket, more: Partial<ServerFrameOf<'turn.ended'>> = {}): void {
  socket.say({ type: 'turn.ended', ...turn, attempt: 1, state: 'completed', ...more });
}

test('deltas become the text, in order', async () => {
  const { server, conversation } = await followed();
  const texts: string[] = [];
  conversation.on('turn', ({ text }) => texts.push(text));
  started(server.socket);
  expect(conversation.turns.get('t1')).toMatchObject({ state: 'thinking', text: '' });
  delta(server.socket, 0, 'Good ');
  delta(server.socket, 0, 'Good ');
  delta(server.socket, 1, 'morning');
  expect(conversation.turns.get('t1')).toMatchObject({ state: 'streaming', text: 'Good morning' });
  expect(texts).toEqual(['', 'Good ', 'Good morning']);
});

test('a missing delta stops the text until a snapshot mends it', async () => {
  const { server, conversation } = await followed();
  started(server.socket);
  delta(server.socket, 0, 'Good ');
  delta(server.socket, 2, 'Ada');
  expect(conversation.turns.get('t1')).toMatchObject({ text: 'Good ', isWhole: false });
  server.socket.say(snapshot({ text: 'Good morning, Ada', next_index: 3 }));
  delta(server.socket, 3, '!');
  expect(conversation.turns.get('t1')).toMatchObject({ text: 'Good morning, Ada!', isWhole: true });
});

test('a new attempt clears what the last one said, and the last one is not heard any more', async () => {
  const { server, conversation } = await followed();
  started(server.socket);
  delta(server.socket, 0, 'Goo');
  started(server.socket, 2);
  expect(conversation.turns.get('t1')).toMatchObject({ attempt: 2, text: '' });
  deltaOf(1, server.socket, { index: 1, text: 'd morning' });
  ended(server.socket, { attempt: 1, state: 'failed' });
  deltaOf(2, server.socket, { index: 0, text: 'Hello' });
  expect(conversation.turns.get('t1')).toMatchObject({
    attempt: 2,
    text: 'Hello',
    state: 'streaming',
  });
});

test('a new attempt is seen by its deltas too', async () => {
  const { server, conversation } = await followed();
  started(server.socket);
  delta(server.socket, 0, 'Goo');
  deltaOf(2, server.socket, { index: 0, text: 'Hello' });
  expect(conversation.turns.get('t1')).toMatchObject({ attempt: 2, text: 'Hello', isWhole: true });
});

test('an ended turn says how it ended, and nothing of it comes after', async () => {
  const { server, conversation } = await followed();
  started(server.socket);
  delta(server.socket, 0, 'Good ');
  ended(server.socket, { state: 'cancelled' });
  delta(server.socket, 1, 'morning');
  expect(conversation.turns.get('t1')).toMatchObject({ state: 'cancelled', text: 'Good ' });
});

test('the final message is known to be the answer', async () => {
  const { server, conversation } = await followed();
  started(server.socket);
  server.message(1, { turn_id: 't1', from: { ...AGENT, kind: 'agent' } });
  expect(conversation.turns.get('t1')?.messageSeq).toBe(1);
  ended(server.socket, { seq: 1 });
  expect(conversation.turns.get('t1')).toMatchObject({ state: 'completed', messageSeq: 1 });
});

test('a call that needs approval waits until somebody decides', async () => {
  const { server, conversation } = await followed();
  started(server.socket);
  const call = { ...turn, call_id: 'c', name: 'pay' };
  server.socket.say({ type: 'turn.tool_call', ...call, args: {}, needs_approval: true });
  expect(conversation.turns.get('t1')?.state).toBe('awaiting_approval');
  const decided = conversation.decide('t1', { callId: 'c', verdict: 'approve', reason: 'fine' });
  const asked = server.socket.last('decide');
  expect(asked).toMatchObject({
    type: 'decide',
    turn_id: 't1',
    call_id: 'c',
    decision: 'approve',
    reason: 'fine',
  });
  server.socket.say({
    type: 'event',
    conversation_id: turn.conversation_id,
    seq: 1,
    kind: 'turn.decided',
    event_id: 'e1.1',
    from: { id: 'ben', name: 'Ben', kind: 'human' },
    created_at: '2026-01-01T00:00:00.000Z',
    turn_id: 't1',
    call_id: 'c',
    decision: 'approve',
  });
  server.socket.say({ type: 'ok', id: asked.id });
  await decided;
  expect(conversation.turns.get('t1')).toMatchObject({
    state: 'thinking',
    tools: [{ decision: { verdict: 'approve' } }],
  });
});

test('who joins in the middle sees the calls so far', async () => {
  const { server, conversation } = await followed();
  const about = { name: 'pay', args: { n: 1 } };
  server.socket.say(
    snapshot({
      state: 'awaiting_approval',
      tool_calls: [
        { call_id: 'a', ...about, needs_approval: false, state: 'done', result: 7, duration_ms: 3 },
        { call_id: 'b', ...about, needs_approval: true, state: 'waiting' },
      ],
    }),
  );
  expect(conversation.turns.get('t1')).toMatchObject({
    state: 'awaiting_approval',
    tools: [
      { callId: 'a', outcome: { ok: true, result: 7, durationMs: 3 } },
      { callId: 'b', needsApproval: true },
    ],
  });
});

test('tools are shown with their outcome', async () => {
  const { server, conversation } = await followed();
  started(server.socket);
  const call = { ...turn, call_id: 'c', name: 'search' };
  server.socket.say({ type: 'turn.tool_call', ...call, args: { q: 'tea' }, needs_approval: false });
  expect(conversation.turns.get('t1')?.tools).toMatchObject([
    { name: 'search', args: { q: 'tea' } },
  ]);
  server.socket.say({ type: 'turn.tool_result', ...call, result: ['a'], duration_ms: 12 });
  expect(conversation.turns.get('t1')?.tools[0]?.outcome).toEqual({
    ok: true,
    result: ['a'],
    durationMs: 12,
  });
});

test('one who joins in the middle gets all so far', async () => {
  const set = await followed();
  started(set.server.socket);
  delta(set.server.socket, 0, 'Good ');
  await reconnected(set);
  set.server.joined({ turns: [snapshot()] });
  delta(set.server.socket, 1, 'morning');
  delta(set.server.socket, 2, '!');
  expect(set.conversation.turns.get('t1')?.text).toBe('Good morning!');
});

test('a turn that ended while we were away is not shown as running', async () => {
  const set = await followed();
  started(set.server.socket);
  await reconnected(set);
  set.server.joined({ turns: [] });
  expect(set.conversation.turns.size).toBe(0);
});

test('ended turns are remembered up to a bound', async () => {
  const { server, conversation } = await followed();
  for (let n = 0; n < 40; n += 1) {
    const turn_id = `t${n}`;
    server.socket.say({
      type: 'turn.started',
      conversation_id: ROOM,
      turn_id,
      agent: AGENT,
      trigger_seq: 1,
      attempt: 1,
    });
    ended(server.socket, { turn_id });
  }
  expect(conversation.turns.size).toBe(16);
});

test('cancel is kept when the server took it, and broken with its reason when it did not', async () => {
  const { server, conversation } = await followed();
  const first = conversation.cancel('t1');
  server.socket.say({ type: 'ok', id: server.socket.last('cancel').id });
  await expect(first).resolves.toBeUndefined();
  const second = conversation.cancel('t1');
  server.refuse(server.socket.last('cancel'), { code: 409, reason: 'turn_over', retryable: false });
  await expect(second).rejects.toMatchObject({ reason: 'turn_over' });
  const third = conversation.cancel('t1');
  server.socket.end();
  await expect(third).rejects.toMatchObject({ reason: 'disconnected' });
});
