import { expect, onTestFinished, test, vi } from 'vitest';
import { ADA, BEN, ROOM } from './scripted-server.ts';
import { followed, reconnected, scene } from './support.ts';

test('hands on events in order, each once', async () => {
  const { server, seqs } = await followed();
  server.message(1);
  server.message(2);
  server.message(2);
  server.message(1);
  server.message(3);
  expect(seqs()).toEqual([1, 2, 3]);
});

test('a hole is never handed on: it joins again from the last event', async () => {
  const { server, conversation, seqs } = await followed();
  server.message(1);
  server.message(3);
  expect(seqs()).toEqual([1]);
  expect(conversation.state.kind).toBe('joining');
  server.message(4); // Of the subscription before.
  const joins = server.socket.heard('join');
  expect(joins).toHaveLength(2);
  expect(joins[1]).toMatchObject({ after_seq: 1, epoch: 'e1' });
  server.joined({ head_seq: 4 });
  for (const seq of [2, 3, 4]) server.message(seq);
  server.live(4);
  expect(seqs()).toEqual([1, 2, 3, 4]);
  expect(conversation.state.kind).toBe('live');
});

test('a server that only has holes is not asked in a loop', async () => {
  const { server, clock } = await followed();
  for (let join = 0; join < 3; join += 1) {
    server.message(5);
    await clock.pass(0);
    if (server.socket.heard('join').length > join + 1) server.joined();
  }
  expect(server.socket.heard('join')).toHaveLength(2);
  await clock.pass(500);
  expect(server.socket.heard('join')).toHaveLength(3);
});

test('after a reconnect it goes on from the last event, in the same epoch', async () => {
  const set = await followed();
  set.server.message(1);
  set.server.message(2);
  await reconnected(set);
  expect(set.server.socket.last('join')).toMatchObject({
    conversation_id: ROOM,
    after_seq: 2,
    epoch: 'e1',
  });
  set.server.joined({ head_seq: 4 });
  set.server.message(3);
  set.server.message(4);
  set.server.live(4);
  expect(set.seqs()).toEqual([1, 2, 3, 4]);
});

test('without afterSeq it starts at the head, and resumes from there', async () => {
  const set = await followed({ create: true });
  expect(set.server.socket.last('join')).not.toHaveProperty('after_seq');
  expect(set.server.socket.last('join')).toMatchObject({ create: true });
  expect(set.conversation.seq).toBe(0);
  await reconnected(set);
  expect(set.server.socket.last('join')).toMatchObject({ after_seq: 0, epoch: 'e1' });
});

test('reset tells the view to clear and joins again from the first event there is', async () => {
  const set = await followed({ afterSeq: 9 });
  const resets: string[] = [];
  set.conversation.on('reset', ({ reason }) => resets.push(reason));
  await reconnected(set);
  set.server.socket.say({
    type: 'reset',
    conversation_id: ROOM,
    reason: 'epoch',
    epoch: 'e2',
    head_seq: 6,
    first_seq: 5,
  });
  expect(resets).toEqual(['epoch']);
  expect(set.server.socket.last('join')).toMatchObject({ after_seq: 4, epoch: 'e2' });
  set.server.joined({ epoch: 'e2', head_seq: 6 });
  set.server.message(5);
  set.server.message(6);
  expect(set.seqs()).toEqual([5, 6]);
});

test('a log that is trimmed under its reader is joined again at its beginning, also in the middle of a replay', async () => {
  const set = await followed({ afterSeq: 0 });
  const resets: unknown[] = [];
  set.conversation.on('reset', ({ reason, first_seq }) => resets.push([reason, first_seq]));
  await reconnected(set);
  set.server.joined({ head_seq: 9 });
  set.server.message(1);
  const joins = set.server.socket.heard('join').length;
  set.server.socket.say({
    type: 'reset',
    conversation_id: ROOM,
    reason: 'trimmed',
    epoch: 'e1',
    head_seq: 9,
    first_seq: 8,
  });
  expect(resets).toEqual([['trimmed', 8]]);
  expect(set.conversation.state.kind).toBe('joining');
  expect(set.server.socket.last('join')).toMatchObject({ after_seq: 7, epoch: 'e1' });
  set.server.joined({ head_seq: 9, first_seq: 8 });
  set.server.message(8);
  set.server.message(9);
  set.server.live(9);
  expect(set.seqs()).toEqual([1, 8, 9]);
  expect(set.server.socket.heard('join')).toHaveLength(joins + 1);
  expect(set.conversation.state.kind).toBe('live');
});

test('a join refused for now is tried again when the server said', async () => {
  const { client, server, clock } = scene();
  const conversation = client.join(ROOM);
  await server.welcome();
  server.refuse(server.socket.last('join'), {
    code: 503,
    reason: 'storage_unavailable',
    retryable: true,
    retry_after_ms: 2_000,
  });
  expect(conversation.state).toMatchObject({ kind: 'waiting', error: { code: 503 } });
  await clock.pass(2_000);
  expect(server.socket.heard('join')).toHaveLength(2);
  server.joined();
  server.live(0);
  expect(conversation.state.kind).toBe('live');
});

test('a join refused for good stays refused until it is asked for again', async () => {
  const { client, server, clock } = scene();
  const conversation = client.join(ROOM);
  await server.welcome();
  server.refuse(server.socket.last('join'), {
    code: 404,
    reason: 'conversation_not_found',
    retryable: false,
  });
  expect(conversation.state).toMatchObject({
    kind: 'refused',
    error: { reason: 'conversation_not_found' },
  });
  await clock.pass(10_000);
  expect(server.socket.heard('join')).toHaveLength(1);
  conversation.rejoin();
  expect(server.socket.heard('join')).toHaveLength(2);
});

test('who is let go of by the server is refused, and hears nothing, until it is asked for again', async () => {
  const { server, conversation } = await followed();
  server.socket.say({
    type: 'error',
    conversation_id: ROOM,
    code: 403,
    reason: 'not_a_participant',
    message: 'You are not a participant.',
    retryable: false,
  });
  expect(conversation.state).toMatchObject({
    kind: 'refused',
    error: { reason: 'not_a_participant' },
  });
  conversation.rejoin();
  expect(server.socket.heard('join')).toHaveLength(2);
});

test('participants are those of the join, then as events and presence change them', async () => {
  const { server, conversation } = await followed();
  const people = () =>
    [...conversation.participants.values()].map(({ name, online }) => `${name} ${online}`);
  expect(people()).toEqual(['Ada true']);
  server.socket.say({
    type: 'event',
    conversation_id: ROOM,
    seq: 1,
    kind: 'participant.joined',
    event_id: 'e1.1',
    from: BEN,
    created_at: '2026-01-01T00:00:00.000Z',
    participant: { ...BEN, role: 'member' },
  });
  expect(people()).toEqual(['Ada true', 'Ben true']);
  server.socket.say({
    type: 'presence',
    conversation_id: ROOM,
    participant_id: BEN.id,
    online: false,
  });
  expect(people()).toEqual(['Ada true', 'Ben false']);
});

test('events from before the join do not change who is there now', async () => {
  const { client, server } = scene();
  const conversation = client.join(ROOM, { afterSeq: 0 });
  await server.welcome();
  server.joined({ head_seq: 1 });
  server.socket.say({
    type: 'event',
    conversation_id: ROOM,
    seq: 1,
    kind: 'participant.left',
    event_id: 'e1.1',
    from: ADA,
    created_at: '2026-01-01T00:00:00.000Z',
    participant: { ...ADA, role: 'member' },
  });
  expect(conversation.participants.has(ADA.id)).toBe(true);
});

test("others' typing ends when they say so, when they speak, and when they say nothing more", async () => {
  const { server, conversation, clock } = await followed();
  const typing = (active: boolean) =>
    server.socket.say({
      type: 'typing',
      conversation_id: ROOM,
      participant_id: BEN.id,
      active,
    });
  typing(true);
  expect(conversation.typing).toEqual([BEN.id]);
  typing(false);
  expect(conversation.typing).toEqual([]);
  typing(true);
  server.message(1);
  expect(conversation.typing).toEqual([]);
  typing(true);
  await clock.pass(8_000);
  expect(conversation.typing).toEqual([]);
});

test('our typing is said every few seconds at most, and its end by itself', async () => {
  const { server, conversation, clock } = await followed();
  for (let key = 0; key < 10; key += 1) {
    conversation.setTyping(true);
    await clock.pass(400);
  }
  expect(server.socket.heard('typing').map(({ active }) => active)).toEqual([true, true]);
  await clock.pass(5_000);
  expect(server.socket.heard('typing').map(({ active }) => active)).toEqual([true, true, false]);
});

test('reading a burst is told with its first and its last seq, and never backwards', async () => {
  const { server, conversation, clock } = await followed();
  for (const seq of [1, 2, 3, 2]) conversation.setRead(seq);
  await clock.pass(1_000);
  conversation.setRead(2);
  expect(server.socket.heard('read').map(({ seq }) => seq)).toEqual([1, 3]);
});

test('a listener that throws is reported, and keeps nothing else from going on', async () => {
  const { server, conversation, seqs } = await followed();
  const reported: (() => void)[] = [];
  vi.stubGlobal('queueMicrotask', (report: () => void) => reported.push(report));
  onTestFinished(() => void vi.unstubAllGlobals());
  conversation.on('event', () => {
    throw new Error('of the listener');
  });
  server.message(1);
  server.message(2);
  expect(seqs()).toEqual([1, 2]);
  expect(reported).toHaveLength(2);
  expect(reported[0]).toThrow('of the listener');
});
