import { describe, expect, it } from 'vitest';
import { everyItem } from '../support/rest-client.ts';
import { useWire } from '../support/wire.ts';

const wire = useWire();

describe('POST /v1/conversations', () => {
  it('answers 201 with the conversation, its defaults and its maker as owner', async () => {
    const ada = await wire.person('Ada');
    const { status, body } = await ada.rest.post('/v1/conversations', { title: 'Plans' });
    expect(status).toBe(201);
    expect(body).toMatchObject({ title: 'Plans', visibility: 'open', first_seq: 1 });
    expect(body.epoch).not.toBe('');
    expect(body.head_seq).toBeGreaterThanOrEqual(0);
    expect(Date.parse(body.created_at)).toBeGreaterThan(0);
    expect(Date.parse(body.updated_at)).toBeGreaterThan(0);
    const joined = await ada.ws.joinLive(body.conversation_id, { epoch: body.epoch, after_seq: 0 });
    expect(joined.role).toBe('owner');
  });

  it('takes the id, the visibility and the metadata that are asked for', async () => {
    const { rest } = await wire.person('Ada');
    const asked = {
      conversation_id: wire.id(),
      title: 'T',
      visibility: 'invite',
      metadata: { team: 'red', tags: ['a'] },
    };
    const { status, body } = await rest.post('/v1/conversations', asked);
    expect(status).toBe(201);
    expect(body).toMatchObject(asked);
    const read = await rest.get(`/v1/conversations/${asked.conversation_id}`);
    expect(read.body).toEqual(body);
  });

  it('answers 409 already_exists for an id that is taken, and leaves what is there', async () => {
    const [ada, bob] = [await wire.person('Ada'), await wire.person('Bob')];
    const id = wire.id();
    await ada.rest.post('/v1/conversations', { conversation_id: id, title: 'Ada’s' });
    const again = await bob.rest.post('/v1/conversations', { conversation_id: id, title: 'Bob’s' });
    expect([again.status, again.body.reason]).toEqual([409, 'already_exists']);
    expect((await ada.rest.get(`/v1/conversations/${id}`)).body.title).toBe('Ada’s');
  });

  it.each([
    ['an id with a slash', { conversation_id: 'a/b' }],
    ['an id of 129 characters', { conversation_id: 'x'.repeat(129) }],
    ['an invented visibility', { visibility: 'secret' }],
    ['a title that is a number', { title: 7 }],
    ['metadata that is a list', { metadata: [1] }],
  ])('answers 400 invalid_field for %s', async (_, body) => {
    const { rest } = await wire.person('Ada');
    const reply = await rest.post('/v1/conversations', body);
    expect([reply.status, reply.body.reason]).toEqual([400, 'invalid_field']);
  });
});

describe('GET /v1/conversations', () => {
  it('lists those of the one who asks, all of them, each once, by pages', async () => {
    const [ada, bob] = [await wire.person('Ada'), await wire.person('Bob')];
    const ids: string[] = [];
    for (let index = 0; index < 7; index += 1) {
      const { body } = await ada.rest.post('/v1/conversations', { title: `Number ${index}` });
      ids.push(body.conversation_id);
    }
    await bob.rest.post('/v1/conversations', { title: 'Bob’s own' });
    const first = await ada.rest.get('/v1/conversations?limit=3');
    expect(first.status).toBe(200);
    expect(first.body.items).toHaveLength(3);
    expect(typeof first.body.next_cursor).toBe('string');
    const all = await everyItem(ada.rest, '/v1/conversations?limit=3');
    expect(all.map((one) => one.conversation_id).sort()).toEqual(ids.sort());
  });

  it('ends with a next_cursor of null', async () => {
    const { rest } = await wire.person('Ada');
    await rest.post('/v1/conversations', {});
    const { body } = await rest.get('/v1/conversations');
    expect(body.items).toHaveLength(1);
    expect(body.next_cursor ?? null).toBeNull();
  });

  it('lists a conversation that was joined', async () => {
    const { id, people } = await wire.room('Ada', 'Bob');
    const items = await everyItem(people[1]?.rest ?? wire.rest(), '/v1/conversations');
    expect(items).toMatchObject([{ conversation_id: id }]);
  });

  it.each(['limit=0', 'limit=-1', 'limit=many', 'limit=1.5', 'cursor=%00nonsense'])(
    'answers 400 for ?%s',
    async (query) => {
      const { rest } = await wire.person('Ada');
      expect((await rest.get(`/v1/conversations?${query}`)).status).toBe(400);
    },
  );
});

describe('GET /v1/conversations/{id}', () => {
  it('follows the head', async () => {
    const { id, people } = await wire.room('Ada');
    const ada = people[0];
    if (!ada) return expect.unreachable();
    const { seq } = await ada.ws.send(id, 'hello');
    expect((await ada.rest.get(`/v1/conversations/${id}`)).body).toMatchObject({
      conversation_id: id,
      head_seq: seq,
      first_seq: 1,
    });
  });

  it('answers 404 conversation_not_found where there is none', async () => {
    const { rest } = await wire.person('Ada');
    const { status, body } = await rest.get(`/v1/conversations/${wire.id()}`);
    expect([status, body.reason]).toEqual([404, 'conversation_not_found']);
  });
});

describe('PATCH /v1/conversations/{id}', () => {
  it('changes the title and the metadata, as an event for everyone', async () => {
    const { id, people } = await wire.room('Ada', 'Bob');
    const [ada, bob] = people;
    if (!ada || !bob) return expect.unreachable();
    const head = ada.ws.lastSeq(id);
    const changes = { title: 'New', metadata: { a: 1 } };
    const { status, body } = await ada.rest.patch(`/v1/conversations/${id}`, changes);
    expect(status).toBe(200);
    expect(body).toMatchObject(changes);
    const updated = await bob.ws.waitFor('event', (event) => event.seq > head);
    expect(updated).toMatchObject({ kind: 'conversation.updated', from: { id: ada.id } });
    expect(updated).toMatchObject({ changes });
    expect((await bob.rest.get(`/v1/conversations/${id}`)).body).toMatchObject(changes);
  });

  it('is the owner’s: 403 forbidden to a member, 404 or 403 to others, and nothing changes', async () => {
    const { id, people } = await wire.room('Ada', 'Bob');
    const [ada, bob] = people;
    if (!ada || !bob) return expect.unreachable();
    const { status, body } = await bob.rest.patch(`/v1/conversations/${id}`, { title: 'Mine' });
    expect([status, body.reason]).toEqual([403, 'forbidden']);
    const stranger = await wire.person('Stranger');
    const other = await stranger.rest.patch(`/v1/conversations/${id}`, { title: 'Mine' });
    expect([403, 404]).toContain(other.status);
    expect((await ada.rest.get(`/v1/conversations/${id}`)).body.title).not.toBe('Mine');
  });

  it('makes an open conversation one for the invited', async () => {
    const { id, people } = await wire.room('Ada');
    await people[0]?.rest.patch(`/v1/conversations/${id}`, { visibility: 'invite' });
    const stranger = await wire.person('Stranger');
    const answer = await stranger.ws.ask({ type: 'join', conversation_id: id });
    expect(answer).toMatchObject({ type: 'error', reason: 'conversation_not_found' });
  });
});

describe('DELETE /v1/conversations/{id}', () => {
  it('is the owner’s, and takes the conversation with everything in it', async () => {
    const { id, people } = await wire.room('Ada', 'Bob');
    const [ada, bob] = people;
    if (!ada || !bob) return expect.unreachable();
    const { seq } = await ada.ws.send(id, 'secret');
    const path = `/v1/conversations/${id}`;
    const refused = await bob.rest.delete(path);
    expect([refused.status, refused.body.reason]).toEqual([403, 'forbidden']);
    expect((await ada.rest.delete(path)).status).toBeLessThan(300);
    for (const gone of [path, `${path}/messages`, `${path}/messages/${seq}`, `${path}/events`]) {
      expect([404, 410]).toContain((await ada.rest.get(gone)).status);
    }
    const items = await everyItem(ada.rest, '/v1/conversations');
    expect(items.map((one) => one.conversation_id)).not.toContain(id);
    const answer = await bob.ws.trySend(id, 'anyone?');
    expect(answer).toMatchObject({ type: 'error' });
  });
});
