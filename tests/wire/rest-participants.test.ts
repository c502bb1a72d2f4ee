import { describe, expect, it } from 'vitest';
import { expectError } from '../support/failures.ts';
import { everyItem } from '../support/rest-client.ts';
import { useWire } from '../support/wire.ts';

const wire = useWire();

async function pair() {
  const { id, people } = await wire.room('Ada', 'Bob');
  const [ada, bob] = people;
  if (!ada || !bob) throw new Error('nobody');
  return { id, ada, bob, path: `/v1/conversations/${id}/participants` };
}

describe('GET …/participants', () => {
  it('lists everyone with name, kind, role and presence', async () => {
    const { ada, bob, path } = await pair();
    const items = await everyItem(bob.rest, path);
    expect(items).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          id: ada.id,
          name: 'Ada',
          kind: 'human',
          role: 'owner',
          online: true,
        }),
        expect.objectContaining({ id: bob.id, name: 'Bob', kind: 'human', role: 'member' }),
      ]),
    );
    await bob.ws.close();
    await ada.ws.waitFor('presence', (frame) => frame.participant_id === bob.id && !frame.online);
    const later = await everyItem(ada.rest, path);
    expect(later.find((one) => one.id === bob.id)).toMatchObject({ online: false });
  });
});

describe('PUT …/participants/{id}', () => {
  it('changes a role, as an event for everyone', async () => {
    const { id, ada, bob, path } = await pair();
    const head = bob.ws.lastSeq(id);
    const { status } = await ada.rest.put(`${path}/${bob.id}`, { role: 'owner' });
    expect(status).toBeLessThan(300);
    expect(await bob.ws.waitForSeq(id, head + 1)).toMatchObject({
      kind: 'participant.role_changed',
      participant_id: bob.id,
      role: 'owner',
      from: { id: ada.id },
    });
    const renamed = await bob.rest.patch(`/v1/conversations/${id}`, { title: 'By the new owner' });
    expect(renamed.status).toBe(200);
  });

  it('is the owner’s: 403 forbidden to a member, and nothing changes', async () => {
    const { ada, bob, path } = await pair();
    const { status, body } = await bob.rest.put(`${path}/${bob.id}`, { role: 'owner' });
    expect([status, body.reason]).toEqual([403, 'forbidden']);
    const items = await everyItem(ada.rest, path);
    expect(items.find((one) => one.id === bob.id)).toMatchObject({ role: 'member' });
  });

  it('lets one into a conversation for the invited', async () => {
    const ada = await wire.person('Ada');
    const cy = await wire.person('Cy');
    const id = wire.id();
    await ada.rest.post('/v1/conversations', { conversation_id: id, visibility: 'invite' });
    expectError(
      await cy.ws.ask({ type: 'join', conversation_id: id }),
      404,
      'conversation_not_found',
    );
    const path = `/v1/conversations/${id}/participants/${cy.id}`;
    expect((await ada.rest.put(path, { role: 'member' })).status).toBeLessThan(300);
    expect(await cy.ws.joinLive(id, { after_seq: 0 })).toMatchObject({ role: 'member' });
    await cy.ws.send(id, 'I am in');
  });

  it('answers 400 invalid_field for an invented role', async () => {
    const { ada, bob, path } = await pair();
    const { status, body } = await ada.rest.put(`${path}/${bob.id}`, { role: 'king' });
    expect([status, body.reason]).toEqual([400, 'invalid_field']);
  });
});

describe('DELETE …/participants/{id}', () => {
  it('removes a member, as an event for the others, and it receives and sends no more', async () => {
    const ada = await wire.person('Ada');
    const bob = await wire.person('Bob');
    const id = wire.id();
    await ada.rest.post('/v1/conversations', { conversation_id: id, visibility: 'invite' });
    const path = `/v1/conversations/${id}/participants/${bob.id}`;
    await ada.rest.put(path, { role: 'member' });
    await ada.ws.joinLive(id, { after_seq: 0 });
    await bob.ws.joinLive(id, { after_seq: 0 });
    expect((await ada.rest.delete(path)).status).toBeLessThan(300);
    const left = await ada.ws.waitFor('event', (event) => event.kind === 'participant.left');
    expect(left).toMatchObject({ participant: { id: bob.id } });

    const told = await bob.ws.waitFor('error', (error) => error.conversation_id === id);
    expectError(told, 403, 'not_a_participant');
    expect(told).not.toHaveProperty('id');
    const { seq } = await ada.ws.send(id, 'among us');
    await ada.ws.waitForSeq(id, seq);
    const answer = await bob.ws.trySend(id, 'let me in');
    expect(answer).toMatchObject({ type: 'error' });
    await bob.ws.settle();
    expect(bob.ws.contents(id)).not.toContain('among us');
    const again = await bob.ws.ask({ type: 'join', conversation_id: id });
    expectError(again, 404, 'conversation_not_found');
  });

  it('is the owner’s, and one’s own: a member may go, and may not send others away', async () => {
    const { id, ada, bob, path } = await pair();
    const cy = await wire.person('Cy');
    await cy.ws.joinLive(id);
    const { status, body } = await bob.rest.delete(`${path}/${cy.id}`);
    expect([status, body.reason]).toEqual([403, 'forbidden']);
    expect((await bob.rest.delete(`${path}/${bob.id}`)).status).toBeLessThan(300);
    const left = await ada.ws.waitFor('event', (event) => event.kind === 'participant.left');
    expect(left).toMatchObject({ participant: { id: bob.id } });
    expectError(await bob.ws.trySend(id, 'still here?'), 403, 'not_a_participant');
  });
});

describe('POST /v1/guests', () => {
  it('gives a token that speaks for one participant on every transport', async () => {
    const { body } = await wire.rest().post('/v1/guests', { name: 'Grace' });
    expect(body.participant).toMatchObject({ name: 'Grace', kind: 'human' });
    expect(Date.parse(body.expires_at)).toBeGreaterThan(Date.now());
    const ws = await wire.connect({ token: body.token });
    const rest = wire.rest(body.token);
    const id = wire.id();
    await ws.joinLive(id, { create: true, after_seq: 0 });
    const posted = await rest.post(`/v1/conversations/${id}/messages`, { content: 'hi' });
    expect(posted.status).toBe(201);
    expect(await ws.waitForSeq(id, posted.body.seq)).toMatchObject({
      from: { id: ws.participantId, name: 'Grace' },
    });
  });

  it.each([
    ['a number', 7],
    ['nothing', ''],
    ['10,000 characters', 'x'.repeat(10_000)],
    ['a NUL in it', 'a\u0000b'],
  ])('answers 400 invalid_field for a name that is or has %s', async (_, name) => {
    const body = { name };
    const reply = await wire.rest().post('/v1/guests', body);
    expect([reply.status, reply.body.reason]).toEqual([400, 'invalid_field']);
  });
});
