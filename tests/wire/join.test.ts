import { describe, expect, it } from 'vitest';
import { expectError } from '../support/failures.ts';
import { useWire } from '../support/wire.ts';

const wire = useWire();

/** A conversation with three messages in it, of which its owner is still attached. */
async function threeMessages() {
  const { id, people } = await wire.room('Ada');
  const [ada] = people;
  if (!ada) throw new Error('nobody');
  for (const text of ['one', 'two', 'three']) await ada.ws.send(id, text);
  const head = (await ada.ws.send(id, 'four')).seq;
  await ada.ws.waitForSeq(id, head);
  return { id, ada, head };
}

describe('join', () => {
  it('makes the conversation with create, its maker the owner, and goes live', async () => {
    const id = wire.id();
    const ada = await wire.person('Ada');
    const joined = await ada.ws.joinLive(id, { create: true });
    expect(joined).toMatchObject({ conversation_id: id, role: 'owner', first_seq: 1, turns: [] });
    expect(joined.epoch).not.toBe('');
    expect(joined.participants).toContainEqual({
      id: ada.id,
      name: 'Ada',
      kind: 'human',
      role: 'owner',
      online: true,
    });
  });

  it('answers 404 conversation_not_found without create', async () => {
    const client = await wire.connect();
    const answer = await client.ask({ type: 'join', conversation_id: wire.id() });
    expectError(answer, 404, 'conversation_not_found');
  });

  it('joins with create a conversation that is there already, and keeps its epoch', async () => {
    const { id, ada } = await threeMessages();
    const bob = await wire.person('Bob');
    const [again, joined] = [await ada.ws.join(id), await bob.ws.joinLive(id, { create: true })];
    expect(joined.epoch).toBe(again.epoch);
    expect(joined.role).toBe('member');
  });

  it('makes one conversation of two joins with create at once', async () => {
    const id = wire.id();
    const people = await Promise.all(['Ada', 'Bob', 'Cy', 'Di'].map((name) => wire.person(name)));
    const joined = await Promise.all(
      people.map(({ ws }) => ws.joinLive(id, { create: true, after_seq: 0 })),
    );
    expect(new Set(joined.map(({ epoch }) => epoch)).size).toBe(1);
    expect(joined.filter(({ role }) => role === 'owner')).toHaveLength(1);
  });

  it('replays every event from 1 with after_seq 0, and then goes live', async () => {
    const { id, ada, head } = await threeMessages();
    const bob = await wire.person('Bob');
    await bob.ws.joinLive(id, { after_seq: 0 });
    await bob.ws.waitForSeq(id, head);
    expect(bob.ws.contents(id)).toEqual(['one', 'two', 'three', 'four']);
    const { seq } = await ada.ws.send(id, 'five');
    await bob.ws.waitForSeq(id, seq);
    expect(bob.ws.events(id).map((event) => event.seq)).toEqual(
      Array.from({ length: seq }, (_, index) => index + 1),
    );
  });

  it('replays exactly what comes after after_seq', async () => {
    const { id, ada, head } = await threeMessages();
    const again = await wire.connect({ token: ada.token });
    await again.joinLive(id, { after_seq: head - 2 });
    expect(again.events(id).map((event) => event.seq)).toEqual([head - 1, head]);
  });

  it('replays nothing from the head itself, and goes live', async () => {
    const { id, ada, head } = await threeMessages();
    const again = await wire.connect({ token: ada.token });
    await again.joinLive(id, { after_seq: head });
    expect(again.events(id)).toEqual([]);
  });

  it('starts at the head without after_seq, and goes live', async () => {
    const { id, ada, head } = await threeMessages();
    const again = await wire.connect({ token: ada.token });
    const joined = await again.joinLive(id);
    expect(joined.head_seq).toBe(head);
    const { seq } = await ada.ws.send(id, 'five');
    await again.waitForSeq(id, seq);
    expect(again.contents(id)).toEqual(['five']);
  });

  it('stores one participant.joined for the first join of a person, and none for later ones', async () => {
    const { id, people } = await wire.room('Ada', 'Bob');
    const [ada, bob] = people;
    await bob?.ws.join(id);
    const again = await wire.connect({ token: bob?.token ?? '' });
    await again.joinLive(id);
    const last = await again.send(id, 'hello');
    await ada?.ws.waitForSeq(id, last.seq);
    const joins = ada?.ws.events(id).filter((event) => event.kind === 'participant.joined') ?? [];
    expect(joins.filter((event) => event.participant.id === bob?.id)).toMatchObject([
      { participant: { name: 'Bob', kind: 'human', role: 'member' } },
    ]);
  });

  it('replays again when an attached connection joins again from an earlier position', async () => {
    const { id, ada, head } = await threeMessages();
    const before = ada.ws.frames.length;
    await ada.ws.joinLive(id, { after_seq: 0 });
    const replayed = ada.ws.framesOf('event', before).map((event) => event.seq);
    expect(replayed).toEqual(Array.from({ length: head }, (_, index) => index + 1));
  });

  it('attaches one connection to many conversations, each with its own numbers', async () => {
    const ada = await wire.person('Ada');
    const ids = Array.from({ length: 10 }, () => wire.id());
    await Promise.all(ids.map((id) => ada.ws.joinLive(id, { create: true, after_seq: 0 })));
    const acks = await Promise.all(ids.map((id) => ada.ws.send(id, `in ${id}`)));
    await Promise.all(acks.map((ack) => ada.ws.waitForSeq(ack.conversation_id, ack.seq)));
    for (const id of ids) expect(ada.ws.contents(id)).toEqual([`in ${id}`]);
  });
});

describe('reset', () => {
  it('says epoch when the epoch is another one, and a join from first_seq - 1 gets everything', async () => {
    const { id, ada, head } = await threeMessages();
    const again = await wire.connect({ token: ada.token });
    const join = { type: 'join', conversation_id: id, after_seq: 1, epoch: 'of-another-life' };
    const reset = await again.ask(join);
    if (reset.type !== 'reset') return expect.unreachable();
    expect(reset).toMatchObject({ conversation_id: id, reason: 'epoch', first_seq: 1 });
    expect(again.framesOf('joined')).toEqual([]);
    expect(reset.head_seq).toBe(head);
    await again.joinLive(id, { after_seq: reset.first_seq - 1, epoch: reset.epoch });
    expect(again.contents(id)).toEqual(['one', 'two', 'three', 'four']);
  });

  it('says ahead when after_seq is beyond the head', async () => {
    const { id, ada, head } = await threeMessages();
    const again = await wire.connect({ token: ada.token });
    const reset = await again.ask({ type: 'join', conversation_id: id, after_seq: head + 1 });
    if (reset.type !== 'reset') return expect.unreachable();
    expect(reset).toMatchObject({ conversation_id: id, reason: 'ahead', head_seq: head });
    await again.joinLive(id, { after_seq: reset.first_seq - 1, epoch: reset.epoch });
  });

  it('does not reset a join with the epoch that holds', async () => {
    const { id, ada, head } = await threeMessages();
    const { epoch } = await ada.ws.join(id);
    const again = await wire.connect({ token: ada.token });
    await again.joinLive(id, { after_seq: head, epoch });
    expect(again.framesOf('reset')).toEqual([]);
  });

  it('gives a conversation made again after its deletion another epoch, and numbers from 1', async () => {
    const { id, ada } = await threeMessages();
    const { epoch } = await ada.ws.join(id);
    expect((await ada.rest.delete(`/v1/conversations/${id}`)).status).toBeLessThan(300);
    const again = await wire.connect({ token: ada.token });
    const joined = await again.joinLive(id, { create: true, after_seq: 0 });
    expect(joined.epoch).not.toBe(epoch);
    expect(again.contents(id)).toEqual([]);
    await again.send(id, 'a new life');
    const third = await wire.connect({ token: ada.token });
    third.tell({ type: 'join', id: 'j', conversation_id: id, after_seq: 1, epoch });
    expect(await third.waitFor('reset')).toMatchObject({ reason: 'epoch' });
  });
});

describe('a deletion', () => {
  it('detaches those who were attached: they are shown nothing of a later conversation of that id', async () => {
    const { id, people } = await wire.room('Ada', 'Bob');
    const [ada, bob] = people;
    if (!ada || !bob) return expect.unreachable();
    await ada.ws.send(id, 'of the first life');
    expect((await ada.rest.delete(`/v1/conversations/${id}`)).status).toBeLessThan(300);
    const told = await bob.ws.waitFor('error', (error) => error.conversation_id === id);
    expectError(told, 404, 'conversation_not_found');
    expect(told).not.toHaveProperty('id');
    const cy = await wire.person('Cy');
    await cy.ws.joinLive(id, { create: true, after_seq: 0 });
    const { seq } = await cy.ws.send(id, 'of the second life');
    await cy.ws.waitForSeq(id, seq);
    await bob.ws.settle();
    expect(bob.ws.contents(id)).not.toContain('of the second life');
    await bob.ws.joinLive(id, { after_seq: 0 });
    expect(bob.ws.contents(id).at(-1)).toBe('of the second life');
  });
});

describe('leave', () => {
  it('stops this connection and no other, and a later join resumes without a hole', async () => {
    const { id, ada, head } = await threeMessages();
    const bob = await wire.person('Bob');
    await bob.ws.joinLive(id, { after_seq: head });
    const position = bob.ws.lastSeq(id);
    expect(await bob.ws.ask({ type: 'leave', conversation_id: id })).toMatchObject({
      type: 'left',
      conversation_id: id,
    });
    const seen = bob.ws.events(id).length;
    const { seq } = await ada.ws.send(id, 'five');
    await ada.ws.waitForSeq(id, seq);
    await bob.ws.settle();
    expect(bob.ws.events(id)).toHaveLength(seen);
    await bob.ws.joinLive(id, { after_seq: position });
    expect(bob.ws.contents(id)).toEqual(['five']);
  });

  it('leaves the membership: no participant.left, and what is sent is still taken', async () => {
    const { id, ada } = await threeMessages();
    const bob = await wire.person('Bob');
    await bob.ws.joinLive(id);
    await bob.ws.ask({ type: 'leave', conversation_id: id });
    const { seq } = await bob.ws.send(id, 'from outside');
    await ada.ws.waitForSeq(id, seq);
    expect(ada.ws.events(id).map(({ kind }) => kind)).not.toContain('participant.left');
    expect(bob.ws.contents(id)).toEqual([]);
  });
});
