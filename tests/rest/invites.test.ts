import { describe, expect, it } from 'vitest';
import { type Person, type Served, useServed } from './served.ts';

const start = useServed();

async function scene() {
  const served = await start();
  const ada = await served.person('ada');
  const actor = await served.room(ada, 'c', { visibility: 'invite' });
  return { served, ada, actor };
}

async function invite(by: Person, wanted: object = {}): Promise<string> {
  const made = await by.rest.post('/v1/conversations/c/invites', wanted);
  if (made.status !== 201) throw new Error(made.text);
  return made.body.invite;
}

const join = (person: Person, token?: string, more: object = {}) =>
  person.rest.put(`/v1/conversations/c/participants/${person.who.id}`, { invite: token, ...more });

const people = (served: Served, ...names: string[]) =>
  Promise.all(names.map((name) => served.person(name)));

describe('an invite', () => {
  it('lets people into a conversation that does not exist for others, with its role', async () => {
    const { served, ada, actor } = await scene();
    const [bob, eve, obs] = await people(served, 'bob', 'eve', 'obs');
    if (!bob || !eve || !obs) throw new Error('nobody');
    const made = await ada.rest.post('/v1/conversations/c/invites', {});
    expect(made.body).toMatchObject({ conversation_id: 'c', role: 'member', max_uses: null });
    const expiry = Date.parse(made.body.expires_at) - served.clock.now();
    expect(Math.round(expiry / 1_000)).toBeCloseTo(7 * 86_400, -1);
    expect((await join(eve)).status).toBe(404);
    const joined = await join(bob, made.body.invite);
    expect([joined.status, joined.body.role]).toEqual([201, 'member']);
    const said = await bob.rest.post('/v1/conversations/c/messages', { content: 'hi' });
    expect(said.status).toBe(201);
    const { items } = (await ada.rest.get('/v1/conversations/c/events')).body;
    expect(items.at(-2)).toMatchObject({
      kind: 'participant.joined',
      from: { id: 'ada' },
      participant: { id: 'bob', role: 'member' },
    });
    expect(await join(obs, await invite(ada, { role: 'observer' }))).toMatchObject({
      status: 201,
      body: { role: 'observer' },
    });
    expect(actor.members.size).toBe(3);
  });

  it('is asked for by owners only', async () => {
    const { served, ada } = await scene();
    const [bob, eve] = await people(served, 'bob', 'eve');
    if (!bob || !eve) throw new Error('nobody');
    await join(bob, await invite(ada));
    const path = '/v1/conversations/c/invites';
    expect((await bob.rest.post(path, {})).body.reason).toBe('forbidden');
    expect((await eve.rest.post(path, {})).body.reason).toBe('conversation_not_found');
    for (const wrong of [{ role: 'owner' }, { max_uses: 0 }, { expires_in_seconds: 10 ** 9 }]) {
      expect((await ada.rest.post(path, wrong)).status).toBe(400);
    }
  });

  it('lets in as many as it says, also when they come at once, and each only once', async () => {
    const { served, ada, actor } = await scene();
    const crowd = await people(served, 'p1', 'p2', 'p3', 'p4', 'p5', 'p6');
    const token = await invite(ada, { max_uses: 3 });
    const replies = await Promise.all(crowd.map((person) => join(person, token)));
    const statuses = replies.map(({ status }) => status).sort();
    expect(statuses).toEqual([201, 201, 201, 403, 403, 403]);
    expect(actor.members.size).toBe(4);
    const [late] = await people(served, 'late');
    const refused = late && (await join(late, token));
    expect(refused?.body).toMatchObject({
      status: 403,
      detail: 'This invite does not hold any more.',
    });
    const inside = crowd.find(({ who }) => actor.members.has(who.id));
    expect(inside && (await join(inside, token)).status).toBe(200);
    expect(actor.members.size).toBe(4);
  });

  it('is used up for ever: who leaves does not give their place to the next', async () => {
    const { served, ada } = await scene();
    const [bob, eve] = await people(served, 'bob', 'eve');
    if (!bob || !eve) throw new Error('nobody');
    const token = await invite(ada, { max_uses: 1 });
    await join(bob, token);
    await bob.rest.delete('/v1/conversations/c/participants/bob');
    expect((await join(eve, token)).status).toBe(403);
    expect((await join(bob, token)).status).toBe(403);
  });

  it('holds while who gave it is an owner', async () => {
    const { served, ada } = await scene();
    const [bob, eve] = await people(served, 'bob', 'eve');
    if (!bob || !eve) throw new Error('nobody');
    await join(bob, await invite(ada));
    await ada.rest.put('/v1/conversations/c/participants/bob', { role: 'owner' });
    const token = await invite(bob);
    await ada.rest.put('/v1/conversations/c/participants/bob', { role: 'member' });
    expect((await join(eve, token)).body.reason).toBe('forbidden');
    await ada.rest.delete('/v1/conversations/c/participants/bob');
    expect((await join(eve, token)).body.reason).toBe('forbidden');
  });

  it('that has expired, is of another conversation, or made up, is none: the conversation stays hidden', async () => {
    const { served, ada } = await scene();
    const [eve] = await people(served, 'eve');
    if (!eve) throw new Error('nobody');
    const short = await invite(ada, { expires_in_seconds: 60 });
    await served.room(ada, 'other', { visibility: 'invite' });
    const { body } = await ada.rest.post('/v1/conversations/other/invites', {});
    await served.clock.pass(61_000);
    for (const token of [short, body.invite, 'nonsense', eve.token]) {
      expect((await join(eve, token)).body.reason).toBe('conversation_not_found');
    }
  });

  it('is no token: nobody is let in as somebody by it', async () => {
    const { served, ada } = await scene();
    const token = await invite(ada);
    const { status } = await served.rest(token).get('/v1/conversations');
    expect(status).toBe(401);
  });

  it('of a conversation that was deleted is not one of the next of its id', async () => {
    const { served, ada } = await scene();
    const [eve] = await people(served, 'eve');
    if (!eve) throw new Error('nobody');
    const token = await invite(ada);
    await ada.rest.delete('/v1/conversations/c');
    await served.room(ada, 'c', { visibility: 'invite' });
    expect((await join(eve, token)).status).toBe(404);
  });
});
