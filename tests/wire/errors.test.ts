import { describe, expect, it } from 'vitest';
import { within } from '../support/deadline.ts';
import { expectError } from '../support/failures.ts';
import { useWire } from '../support/wire.ts';
import type { ClientFrame } from '../support/wire-client.ts';

const wire = useWire();

async function pair() {
  const { id, people } = await wire.room('Ada', 'Bob');
  const [ada, bob] = people;
  if (!ada || !bob) throw new Error('nobody');
  return { id, ada, bob };
}

const ROOM = 'room-of-fields';
const send = { type: 'send', conversation_id: ROOM, content: 'hello' };

/** Frames whose one flaw is a field. */
const INVALID: readonly (readonly [what: string, frame: ClientFrame])[] = [
  ['a join without a conversation', { type: 'join' }],
  ['a conversation id with a slash', { type: 'join', conversation_id: 'a/b' }],
  ['an empty conversation id', { type: 'join', conversation_id: '' }],
  ['a conversation id of 129 characters', { type: 'join', conversation_id: 'x'.repeat(129) }],
  ['a conversation id that is a number', { type: 'join', conversation_id: 7 }],
  ['a negative after_seq', { type: 'join', conversation_id: ROOM, after_seq: -1 }],
  ['an after_seq that is no integer', { type: 'join', conversation_id: ROOM, after_seq: 1.5 }],
  ['an after_seq that is a string', { type: 'join', conversation_id: ROOM, after_seq: '1' }],
  ['an after_seq beyond what is exact', { type: 'join', conversation_id: ROOM, after_seq: 1e300 }],
  ['a create that is no boolean', { type: 'join', conversation_id: ROOM, create: 'yes' }],
  ['a send without content', { type: 'send', conversation_id: ROOM }],
  ['content that is a number', { ...send, content: 5 }],
  ['content that is an object', { ...send, content: { text: 'hi' } }],
  ['content that is null', { ...send, content: null }],
  ['empty content', { ...send, content: '' }],
  ['a key that is empty', { ...send, key: '' }],
  ['a key with a space', { ...send, key: 'a b' }],
  ['a key of 129 characters', { ...send, key: 'k'.repeat(129) }],
  ['a key that is an object', { ...send, key: {} }],
  ['a reply_to of 0', { ...send, reply_to: 0 }],
  ['metadata that is a string', { ...send, metadata: 'note' }],
  ['metadata that is a list', { ...send, metadata: [1] }],
  ['an edit without a seq', { type: 'edit', conversation_id: ROOM, content: 'x' }],
  ['an edit of seq 0', { type: 'edit', conversation_id: ROOM, seq: 0, content: 'x' }],
  ['a delete of a seq that is a string', { type: 'delete', conversation_id: ROOM, seq: '1' }],
  ['a cancel without a turn', { type: 'cancel', conversation_id: ROOM }],
];

describe('a failure over WebSocket', () => {
  it.each(INVALID)('answers %s with 400 invalid_field, and goes on', async (_, frame) => {
    const client = await wire.connect();
    await client.joinLive(ROOM, { create: true });
    expectError(await client.ask(frame), 400, 'invalid_field');
    await client.settle();
  });

  it('stored nothing of any of those', async () => {
    const client = await wire.connect();
    await client.joinLive(ROOM, { create: true, after_seq: 0 });
    expect(client.contents(ROOM)).toEqual([]);
  });

  it.each([
    ['a join', { type: 'join', conversation_id: ROOM, create: true }],
    ['a send', send],
  ])('answers %s without an id with 400 invalid_field', async (_, frame) => {
    const client = await wire.connect();
    client.sendRaw(JSON.stringify(frame));
    expectError(await client.waitFor('error'), 400, 'invalid_field');
  });

  it('is retryable: false for what will never do, and says so in words', async () => {
    const client = await wire.connect();
    const answer = await client.ask({ type: 'join', conversation_id: 'a b' });
    expect(answer).toMatchObject({ type: 'error', retryable: false });
    expect(answer.type === 'error' && answer.message.length).toBeGreaterThan(10);
  });

  it('names the conversation it is about', async () => {
    const client = await wire.connect();
    const nowhere = wire.id();
    const answer = await client.ask({ type: 'join', conversation_id: nowhere });
    expect(answer).toMatchObject({ type: 'error', conversation_id: nowhere });
  });

  it.each(['send', 'edit', 'delete', 'cancel'])(
    'is 404 conversation_not_found for a %s where there is no conversation',
    async (type) => {
      const client = await wire.connect();
      const fields = { content: 'x', seq: 1, turn_id: 'turn-1' };
      const answer = await client.ask({ type, conversation_id: wire.id(), ...fields });
      expectError(answer, 404, 'conversation_not_found');
    },
  );

  it.each(['send', 'edit', 'delete', 'cancel'])(
    'is 403 not_a_participant for a %s by one who never joined, and stores nothing',
    async (type) => {
      const { id, ada } = await pair();
      const { seq } = await ada.ws.send(id, 'mine');
      const stranger = await wire.person('Stranger');
      const fields = { content: 'x', seq, turn_id: 'turn-1' };
      const answer = await stranger.ws.ask({ type, conversation_id: id, ...fields });
      expectError(answer, 403, 'not_a_participant');
      expect((await ada.ws.send(id, 'next')).seq).toBe(seq + 1);
    },
  );

  it('is 403 forbidden for an observer who sends, edits or deletes; it reads on', async () => {
    const { id, ada, bob } = await pair();
    const { seq } = await bob.ws.send(id, 'as a member');
    const made = await ada.rest.put(`/v1/conversations/${id}/participants/${bob.id}`, {
      role: 'observer',
    });
    expect(made.status).toBeLessThan(300);
    const changed = await bob.ws.waitForSeq(id, seq + 1);
    expect(changed).toMatchObject({
      kind: 'participant.role_changed',
      participant_id: bob.id,
      role: 'observer',
    });
    expectError(await bob.ws.trySend(id, 'as an observer'), 403, 'forbidden');
    const edit = { type: 'edit', conversation_id: id, seq, content: 'x' };
    expectError(await bob.ws.ask(edit), 403, 'forbidden');
    expectError(await bob.ws.ask({ ...edit, type: 'delete' }), 403, 'forbidden');
    const posted = await bob.rest.post(`/v1/conversations/${id}/messages`, { content: 'x' });
    expect([posted.status, posted.body.reason]).toEqual([403, 'forbidden']);
    const next = await ada.ws.send(id, 'seen by all');
    expect(next.seq).toBe(seq + 2);
    await bob.ws.waitForSeq(id, next.seq);
  });

  it('is 404 turn_not_found for a cancel of a turn that never was', async () => {
    const { id, ada } = await pair();
    const answer = await ada.ws.ask({ type: 'cancel', conversation_id: id, turn_id: 'turn-x' });
    expectError(answer, 404, 'turn_not_found');
  });

  it('is 429 for the 65th conversation of a connection, and one that is left makes room', async () => {
    const client = await wire.connect();
    const ids = Array.from({ length: 65 }, () => wire.id());
    const last = ids.pop() ?? '';
    await Promise.all(ids.map((id) => client.joinLive(id, { create: true })));
    const refused = await client.ask({ type: 'join', conversation_id: last, create: true });
    expectError(refused, 429, 'too_many_conversations');
    await client.ask({ type: 'leave', conversation_id: ids[0] });
    await client.joinLive(last, { create: true });
  });
});

describe('a frame that is not one', () => {
  it.each([
    ['text that is not JSON', 'hello there'],
    ['JSON that is cut off', '{"type":"ping"'],
    ['nothing', ''],
    ['a JSON string', '"ping"'],
    ['a JSON list', '[{"type":"ping"}]'],
    ['null', 'null'],
    ['a number', '42'],
    ['an object without a type', '{"id":"x"}'],
  ])('is answered with 400 bad_frame: %s', async (_, text) => {
    const client = await wire.connect();
    client.sendRaw(text);
    const error = await client.waitFor('error');
    expect(error.code).toBe(400);
    expect([
      'bad_frame',
      ...(text.includes('id') ? ['invalid_field', 'unknown_type'] : []),
    ]).toContain(error.reason);
  });

  it('is answered each time, and the fiftieth in a row is the last: 4400', async () => {
    const client = await wire.connect();
    for (let count = 0; count < 49; count += 1) client.sendRaw('nonsense');
    await client.settle();
    expect(client.framesOf('error')).toHaveLength(49);
    for (let count = 0; count < 50; count += 1) client.sendRaw('nonsense');
    expect(await within(client.closed, 'the close')).toMatchObject({ code: 4400 });
    expect(client.framesOf('bye')).toMatchObject([{ reason: 'protocol_error' }]);
  });

  it.each([
    'invented',
    'Decide',
    'EVENT',
    'Ping',
    'ack',
    'constructor',
    '__proto__',
    'toString',
    '',
  ])('is answered with 400 unknown_type, and the connection stays: type %j', async (type) => {
    const client = await wire.connect();
    client.tell({ type, id: 'x' });
    expectError(await client.waitFor('error'), 400, 'unknown_type');
    await client.settle();
  });

  it('is answered with 413 frame_too_large when it is over the limit, and closed with 4413', async () => {
    const { id, ada, bob } = await pair();
    const client = await wire.connect({ token: bob.token });
    const { max_frame_bytes: limit } = client.welcome.limits;
    client.tell({ type: 'send', id: 'big', conversation_id: id, content: 'x'.repeat(limit) });
    expectError(await client.waitFor('error'), 413, 'frame_too_large');
    expect(await within(client.closed, 'the close')).toMatchObject({ code: 4413 });
    const { seq } = await ada.ws.send(id, 'undisturbed');
    await bob.ws.waitForSeq(id, seq);
    expect(bob.ws.contents(id)).toEqual(['undisturbed']);
  });

  it('is taken when it has exactly the size of the limit', async () => {
    const { id, ada } = await pair();
    const { max_frame_bytes: limit } = ada.ws.welcome.limits;
    const frame = (pad: string) =>
      JSON.stringify({ type: 'send', id: 'q', conversation_id: id, content: 'hi', pad });
    ada.ws.sendRaw(frame('x'.repeat(limit - frame('').length)));
    expect(await ada.ws.waitFor('ack')).toMatchObject({ id: 'q', conversation_id: id });
  });
});
