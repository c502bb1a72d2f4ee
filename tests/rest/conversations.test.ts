import { describe, expect, it } from 'vitest';
import { useServed } from './served.ts';

const start = useServed();
const PATH = '/v1/conversations';

describe('an Idempotency-Key on POST /v1/conversations', () => {
  const withKey = (key: string) => ({ 'idempotency-key': key });

  it('finds the conversation of the first try, as it is now, without making another', async () => {
    const { rest } = await (await start()).person('ada');
    const first = await rest.post(PATH, { title: 'T' }, withKey('k'));
    expect(first.status).toBe(201);
    expect(first.headers.get('location')).toBe(`${PATH}/${first.body.conversation_id}`);
    await rest.patch(`${PATH}/${first.body.conversation_id}`, { title: 'Changed' });
    const again = await rest.post(PATH, { title: 'T' }, withKey('k'));
    expect(again.status).toBe(200);
    expect(again.body).toMatchObject({
      conversation_id: first.body.conversation_id,
      epoch: first.body.epoch,
      title: 'Changed',
    });
    expect((await rest.get(PATH)).body.items).toHaveLength(1);
  });

  it('makes one conversation of many tries at one time', async () => {
    const { rest } = await (await start()).person('ada');
    const tries = await Promise.all(
      Array.from({ length: 8 }, () => rest.post(PATH, { title: 'T' }, withKey('k'))),
    );
    expect(tries.map(({ status }) => status).sort()).toEqual([
      200, 200, 200, 200, 200, 200, 200, 201,
    ]);
    expect(new Set(tries.map(({ body }) => body.epoch)).size).toBe(1);
  });

  it('is 409 key_reused with another body, with an id of one’s own or without', async () => {
    const { rest } = await (await start()).person('ada');
    for (const id of [{}, { conversation_id: 'mine' }]) {
      const key = withKey(`k${Object.keys(id).length}`);
      expect((await rest.post(PATH, { ...id, title: 'T' }, key)).status).toBe(201);
      const other = await rest.post(PATH, { ...id, title: 'U' }, key);
      expect([other.status, other.body.reason]).toEqual([409, 'key_reused']);
    }
  });

  it('is each participant’s own', async () => {
    const served = await start();
    const [ada, bob] = [await served.person('ada'), await served.person('bob')];
    const [one, two] = [
      await ada.rest.post(PATH, {}, withKey('k')),
      await bob.rest.post(PATH, {}, withKey('k')),
    ];
    expect([one.status, two.status]).toEqual([201, 201]);
    expect(one.body.conversation_id).not.toBe(two.body.conversation_id);
  });

  it('does not open what somebody else made: 409 already_exists', async () => {
    const served = await start();
    const [ada, bob] = [await served.person('ada'), await served.person('bob')];
    await ada.rest.post(PATH, { conversation_id: 'c', visibility: 'invite' }, withKey('k'));
    for (const key of ['k', 'other']) {
      const tried = await bob.rest.post(
        PATH,
        { conversation_id: 'c', visibility: 'invite' },
        withKey(key),
      );
      expect([tried.status, tried.body.reason]).toEqual([409, 'already_exists']);
      expect(tried.text).not.toContain('epoch');
    }
  });
});

describe('the agent of a conversation', () => {
  it('stays null where the server has none, whatever is asked for', async () => {
    const { rest } = await (await start()).person('ada');
    const made = await rest.post(PATH, { conversation_id: 'c', agent: { speaks: 'always' } });
    expect(made.body.agent).toBeNull();
    expect((await rest.patch(`${PATH}/c`, { agent: { name: 'A' } })).body.agent).toBeNull();
  });

  it('is the server’s own with what is asked for in its place, and null when that is asked for', async () => {
    const { rest } = await (await start({ agent: 'scripted' })).person('ada');
    const own = { id: 'assistant', name: 'Assistant', speaks: 'auto', while_busy: 'enqueue' };
    expect((await rest.post(PATH, { conversation_id: 'a' })).body.agent).toEqual(own);
    const none = await rest.post(PATH, { conversation_id: 'b', agent: null });
    expect(none.body.agent).toBeNull();
    const asked = { speaks: 'mention', while_busy: 'reject' };
    const made = await rest.post(PATH, { conversation_id: 'c', agent: asked });
    expect(made.body.agent).toEqual({ ...own, ...asked });
    const renamed = await rest.patch(`${PATH}/c`, { agent: { name: 'Robin' } });
    expect(renamed.body.agent).toEqual({ ...own, ...asked, name: 'Robin' });
    const gone = await rest.patch(`${PATH}/c`, { agent: null });
    expect(gone.body.agent).toBeNull();
    expect((await rest.patch(`${PATH}/c`, { agent: {} })).body.agent).toEqual(own);
    const { items } = (await rest.get(`${PATH}/a/participants`)).body;
    expect(items.at(-1)).toMatchObject({ id: 'assistant', kind: 'agent', role: 'agent' });
  });

  it('is nobody who can be added as a person', async () => {
    const { rest } = await (await start({ agent: 'scripted' })).person('ada');
    await rest.post(PATH, { conversation_id: 'c' });
    const { status, body } = await rest.put(`${PATH}/c/participants/assistant`, { role: 'member' });
    expect([status, body.reason]).toEqual([409, 'already_exists']);
  });
});

describe('PATCH', () => {
  it('of nothing, or of what is so already, makes no event', async () => {
    const served = await start();
    const { rest } = await served.person('ada');
    await rest.post(PATH, { conversation_id: 'c', title: 'T' });
    expect((await rest.patch(`${PATH}/c`, {})).status).toBe(400);
    const { status, body } = await rest.patch(`${PATH}/c`, { title: 'T' });
    expect([status, body.head_seq]).toEqual([200, 1]);
  });
});

describe('joining over REST', () => {
  it('lets who asks into an open conversation, to send or only to read, and not as its owner', async () => {
    const served = await start();
    const ada = await served.person('ada');
    await served.room(ada, 'c');
    const put = async (id: string, body: object) => {
      const { rest } = await served.person(id);
      return rest.put(`${PATH}/c/participants/${id}`, body);
    };
    expect(await put('bob', {})).toMatchObject({
      status: 201,
      body: { role: 'member', name: 'bob' },
    });
    expect(await put('cy', { role: 'observer' })).toMatchObject({
      status: 201,
      body: { role: 'observer' },
    });
    expect(await put('di', { role: 'owner' })).toMatchObject({ status: 403 });
    // Once in, it is what they are; more is for an owner to give.
    expect(await put('bob', {})).toMatchObject({ status: 200, body: { role: 'member' } });
    expect(await put('cy', { role: 'member' })).toMatchObject({ status: 403 });
    const cy = await served.person('cy');
    const sent = await cy.rest.post(`${PATH}/c/messages`, { content: 'x' });
    expect([sent.status, sent.body.reason]).toEqual([403, 'forbidden']);
  });
});
