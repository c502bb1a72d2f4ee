import { beforeAll, describe, expect, it } from 'vitest';
import { expectError } from '../support/failures.ts';
import type { RestClient } from '../support/rest-client.ts';
import { everyItem } from '../support/rest-client.ts';
import { useWire } from '../support/wire.ts';

const wire = useWire();

const HIDDEN = 'hidden-room';
const NOWHERE = 'nowhere-room';
let owner: { token: string; id: string; seq: number };
let stranger: { token: string; id: string };

beforeAll(async () => {
  const ada = await wire.person('Ada');
  const made = { conversation_id: HIDDEN, visibility: 'invite', title: 'Hidden title' };
  await ada.rest.post('/v1/conversations', made);
  await ada.ws.joinLive(HIDDEN);
  const { seq } = await ada.ws.send(HIDDEN, 'hidden words', { key: 'k' });
  owner = { token: ada.token, id: ada.id, seq };
  const mallory = await wire.person('Mallory');
  stranger = { token: mallory.token, id: mallory.id };
  await wire.close();
});

/** What a stranger is told, without what is another on every request. */
async function told(rest: RestClient, [method, path]: [string, string], body: unknown) {
  const options = body === undefined ? {} : { body };
  const reply = await rest.request(method, path, options);
  const { correlation_id: _, instance: __, ...rest_ } = reply.body ?? {};
  const text = JSON.stringify(rest_).replaceAll(HIDDEN, 'ID').replaceAll(NOWHERE, 'ID');
  return { status: reply.status, text };
}

describe('a conversation for the invited', () => {
  it.each([
    ['GET', '', undefined],
    ['PATCH', '', { title: 'mine' }],
    ['DELETE', '', undefined],
    ['POST', '/messages', { content: 'hi' }],
    ['GET', '/messages', undefined],
    ['GET', '/messages/SEQ', undefined],
    ['PATCH', '/messages/SEQ', { content: 'hi' }],
    ['DELETE', '/messages/SEQ', undefined],
    ['GET', '/events', undefined],
    ['GET', '/participants', undefined],
    ['PUT', '/participants/SELF', { role: 'member' }],
    ['DELETE', '/participants/OWNER', undefined],
  ])('is to a stranger as if it were not there: %s …%s', async (method, tail, body) => {
    const path = tail
      .replace('SEQ', String(owner.seq))
      .replace('SELF', stranger.id)
      .replace('OWNER', owner.id);
    const rest = wire.rest(stranger.token);
    const hidden = await told(rest, [method, `/v1/conversations/${HIDDEN}${path}`], body);
    const nowhere = await told(rest, [method, `/v1/conversations/${NOWHERE}${path}`], body);
    expect(hidden.status).toBe(404);
    expect(hidden.text).toContain('conversation_not_found');
    expect(hidden).toEqual(nowhere);
  });

  it('gives a stranger no event stream', async () => {
    const { status, body } = await wire
      .rest(stranger.token)
      .get(`/v1/conversations/${HIDDEN}/events`, { accept: 'text/event-stream' });
    expect([status, body.reason]).toEqual([404, 'conversation_not_found']);
  });

  it.each([
    ['join', {}],
    ['join', { after_seq: 0 }],
    ['join', { after_seq: 999, epoch: 'guess' }],
    ['send', { content: 'hi' }],
    ['edit', { content: 'hi', seq: 2 }],
    ['delete', { seq: 2 }],
    ['cancel', { turn_id: 'turn-1' }],
  ])('is to a stranger as if it were not there: frame %s %j', async (type, fields) => {
    const client = await wire.connect({ token: stranger.token });
    const ask = async (conversation: string) => {
      const answer = await client.ask({ type, conversation_id: conversation, ...fields });
      const { id: _, conversation_id: __, ...told_ } = answer as Record<string, unknown>;
      return told_;
    };
    const hidden = await ask(HIDDEN);
    expectError(hidden, 404, 'conversation_not_found');
    expect(hidden).toEqual(await ask(NOWHERE));
  });

  it('is not joined by create: true either', async () => {
    const client = await wire.connect({ token: stranger.token });
    const answer = await client.ask({ type: 'join', conversation_id: HIDDEN, create: true });
    expectError(answer, 404, 'conversation_not_found');
  });

  it('does not tell a stranger of typing, reading or presence, nor take theirs', async () => {
    const [mallory, ada] = [
      await wire.connect({ token: stranger.token }),
      await wire.connect({ token: owner.token }),
    ];
    await ada.joinLive(HIDDEN);
    mallory.tell({ type: 'typing', conversation_id: HIDDEN, active: true });
    mallory.tell({ type: 'read', conversation_id: HIDDEN, seq: 1 });
    await mallory.settle();
    await ada.settle();
    expect([...ada.framesOf('typing'), ...ada.framesOf('read')]).toEqual([]);
    expect(mallory.frames.map(({ type }) => type)).not.toContain('presence');
  });

  it('is in no list of a stranger’s, and in the owner’s', async () => {
    const [theirs, own] = await Promise.all(
      [stranger, owner].map(({ token }) => everyItem(wire.rest(token), '/v1/conversations')),
    );
    expect(JSON.stringify(theirs)).not.toContain(HIDDEN);
    expect(own?.map((one) => one.conversation_id)).toContain(HIDDEN);
  });

  it('still is what it was, for its owner', async () => {
    const ada = await wire.connect({ token: owner.token });
    await ada.joinLive(HIDDEN, { after_seq: 0 });
    expect(ada.contents(HIDDEN)).toEqual(['hidden words']);
    expect(ada.lastSeq(HIDDEN)).toBe(owner.seq);
  });
});
