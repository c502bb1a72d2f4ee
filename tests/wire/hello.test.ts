import { describe, expect, it } from 'vitest';
import { within } from '../support/deadline.ts';
import { expectError } from '../support/failures.ts';
import { useWire } from '../support/wire.ts';
import { WireClient } from '../support/wire-client.ts';

const wire = useWire({
  'hello-timeout-ms': 2_000,
  'max-message-chars': 1_234,
  'mailbox-capacity': 321,
});

describe('hello', () => {
  it('welcomes a guest with a participant, a token and the limits that hold', async () => {
    const client = await wire.connect({ name: 'Ada' });
    expect(client.welcome).toMatchObject({
      participant: { name: 'Ada', kind: 'human' },
      limits: {
        max_frame_bytes: 65_536,
        max_message_chars: 1_234,
        mailbox_capacity: 321,
        max_conversations_per_connection: 64,
      },
    });
    expect(client.token.length).toBeGreaterThan(8);
    expect(client.welcome.heartbeat_ms).toBeGreaterThan(0);
    expect(client.welcome.server.version).not.toBe('');
  });

  it('echoes the id of the hello', async () => {
    const client = await wire.connect({ isSilent: true });
    client.tell({ type: 'hello', id: 'my-hello' });
    expect(await client.waitFor('welcome')).toMatchObject({ id: 'my-hello' });
  });

  it('may be followed at once by what comes next, without waiting for the welcome', async () => {
    const id = wire.id();
    const client = await wire.connect({ isSilent: true });
    client.tell({ type: 'hello', name: 'Ada' });
    client.tell({ type: 'join', id: 'j', conversation_id: id, create: true });
    client.tell({ type: 'send', id: 's', conversation_id: id, content: 'in one breath' });
    const { seq } = await client.waitFor('ack');
    expect(await client.waitForSeq(id, seq)).toMatchObject({ content: 'in one breath' });
  });

  it.each([
    ['a name that is a number', { name: 7 }],
    ['a name of 10,000 characters', { name: 'x'.repeat(10_000) }],
    ['a token that is an object', { token: {} }],
  ])('with %s is refused, and is nobody’s', async (_, fields) => {
    const client = await wire.connect({ isSilent: true });
    client.tell({ type: 'hello', id: 'h', ...fields });
    const { code } = await client.waitFor('error');
    expect([400, 401]).toContain(code);
    expect(client.framesOf('welcome')).toEqual([]);
  });

  it('may be said again by the same one, and is answered again', async () => {
    const client = await wire.connect({ name: 'Ada' });
    client.tell({ type: 'hello', id: 'again', token: client.token });
    const second = await client.waitFor('welcome', (frame) => frame.id === 'again');
    expect(second.participant.id).toBe(client.participantId);
  });

  it('with more behind it than may wait answers each frame, with 429 rate_limited beyond', async () => {
    const client = await wire.connect({ isSilent: true });
    client.tell({ type: 'hello' });
    const pings = Array.from({ length: 700 }, () => client.ask({ type: 'ping' }));
    for (const answer of await Promise.all(pings)) {
      if (answer.type !== 'pong') expectError(answer, 429, 'rate_limited');
    }
  });

  it('names a guest who gave no name', async () => {
    const client = await wire.connect();
    expect(client.welcome.participant.name).not.toBe('');
  });

  it('makes two guests two participants with a session each', async () => {
    const [one, two] = [await wire.connect({ name: 'Ada' }), await wire.connect({ name: 'Ada' })];
    expect(one.participantId).not.toBe(two.participantId);
    expect(one.welcome.session_id).not.toBe(two.welcome.session_id);
  });

  it('makes the same participant again from a guest token, while the first is still here', async () => {
    const first = await wire.connect({ name: 'Ada' });
    const again = await wire.connect({ token: first.token });
    expect(again.welcome.participant).toEqual(first.welcome.participant);
    expect(again.welcome.session_id).not.toBe(first.welcome.session_id);
  });

  it('makes the same participant again from a token of POST /v1/guests', async () => {
    const { status, body } = await wire.rest().post('/v1/guests', { name: 'Grace' });
    expect(status).toBeLessThan(300);
    const one = await wire.connect({ token: body.token });
    const two = await wire.connect({ token: body.token });
    expect(one.welcome.participant).toMatchObject({ name: 'Grace', kind: 'human' });
    expect(two.participantId).toBe(one.participantId);
  });

  it('welcomes by the Authorization header of the upgrade, without a hello', async () => {
    const first = await wire.connect({ name: 'Ada' });
    const again = await wire.connect({ bearer: first.token });
    expect(again.participantId).toBe(first.participantId);
    await again.joinLive(wire.id(), { create: true });
  });

  it.each([
    ['invented', () => 'not-a-token'],
    [
      'tampered with',
      (good: string) => `${good.slice(0, -3)}${good.endsWith('AAA') ? 'BBB' : 'AAA'}`,
    ],
    ['cut short', (good: string) => good.slice(0, good.length / 2)],
  ])('answers a token that is %s with 401 bad_token, and closes with 4401', async (_, spoil) => {
    const good = (await wire.connect()).token;
    const client = await wire.connect({ isSilent: true });
    client.tell({ type: 'hello', id: 'h', token: spoil(good) });
    expectError(await client.waitFor('error'), 401, 'bad_token');
    expect(await within(client.closed, 'the close')).toMatchObject({ code: 4401 });
    expect(client.framesOf('welcome')).toEqual([]);
  });

  it('does not welcome by a bad token in the header of the upgrade', async () => {
    const refusal = await WireClient.connect(wire.server.wsUrl, { bearer: 'nonsense' }).then(
      () => 'welcomed',
      (error: Error) => error.message,
    );
    expect(refusal).toMatch(/\b(401|4401)\b/);
  });

  it('closes with 4408 when no hello comes in time', async () => {
    const client = await wire.connect({ isSilent: true });
    expect(await within(client.closed, 'the close')).toMatchObject({ code: 4408 });
  });

  it('does not close one who said hello in time', async () => {
    const [early, silent] = [await wire.connect(), await wire.connect({ isSilent: true })];
    await within(silent.closed, 'the close of the silent one');
    await early.settle();
  });
});

describe('before hello', () => {
  it.each([
    ['join', { create: true }],
    ['send', { content: 'hi' }],
    ['edit', { seq: 1, content: 'hi' }],
    ['delete', { seq: 1 }],
    ['leave', {}],
    ['cancel', { turn_id: 'turn-1' }],
  ])('answers %s with 401 unauthenticated, and does nothing of it', async (type, fields) => {
    const conversation = wire.id();
    const client = await wire.connect({ isSilent: true });
    client.tell({ type, id: 'early', conversation_id: conversation, ...fields });
    expectError(await client.waitFor('error'), 401, 'unauthenticated');
    expect(await within(client.closed, 'the close')).toMatchObject({ code: 4401 });
    const other = await wire.connect();
    const answer = await other.ask({ type: 'join', conversation_id: conversation });
    expectError(answer, 404, 'conversation_not_found');
  });
});
