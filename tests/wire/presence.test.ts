import { describe, expect, it } from 'vitest';
import { useWire } from '../support/wire.ts';

const wire = useWire();

async function pair() {
  const { id, people } = await wire.room('Ada', 'Bob');
  const [ada, bob] = people;
  if (!ada || !bob) throw new Error('nobody');
  return { id, ada, bob };
}

describe('typing', () => {
  it('reaches the others and not the one who types', async () => {
    const { id, ada, bob } = await pair();
    for (const active of [true, false]) {
      bob.ws.tell({ type: 'typing', conversation_id: id, active });
      expect(await ada.ws.waitFor('typing', (frame) => frame.active === active)).toMatchObject({
        conversation_id: id,
        participant_id: bob.id,
      });
    }
    await bob.ws.settle();
    expect(bob.ws.framesOf('typing')).toEqual([]);
  });
});

describe('read', () => {
  it('reaches the others with the seq that was read', async () => {
    const { id, ada, bob } = await pair();
    const { seq } = await ada.ws.send(id, 'hello');
    bob.ws.tell({ type: 'read', conversation_id: id, seq });
    expect(await ada.ws.waitFor('read')).toMatchObject({
      conversation_id: id,
      participant_id: bob.id,
      seq,
    });
    await bob.ws.settle();
    expect(bob.ws.framesOf('read')).toEqual([]);
  });

  it('and typing take no seq, and are in no replay', async () => {
    const { id, ada, bob } = await pair();
    const { seq } = await ada.ws.send(id, 'one');
    bob.ws.tell({ type: 'typing', conversation_id: id, active: true });
    bob.ws.tell({ type: 'read', conversation_id: id, seq });
    await ada.ws.waitFor('read');
    expect((await ada.ws.send(id, 'two')).seq).toBe(seq + 1);
    const again = await wire.connect({ token: ada.token });
    await again.joinLive(id, { after_seq: 0 });
    expect(again.events(id).at(-1)).toMatchObject({ seq: seq + 1 });
  });
});

describe('one who is not a participant', () => {
  it('is not seen to type or read', async () => {
    const { id, ada, bob } = await pair();
    const stranger = await wire.connect();
    stranger.tell({ type: 'typing', conversation_id: id, active: true });
    stranger.tell({ type: 'read', conversation_id: id, seq: 1 });
    await stranger.settle();
    bob.ws.tell({ type: 'typing', conversation_id: id, active: true });
    expect(await ada.ws.waitFor('typing')).toMatchObject({ participant_id: bob.id });
    expect(ada.ws.framesOf('read')).toEqual([]);
  });
});

describe('presence', () => {
  it('says when another comes, and when the last of its connections goes', async () => {
    const { id, people } = await wire.room('Ada');
    const ada = people[0];
    if (!ada) return expect.unreachable();
    const bob = await wire.person('Bob');
    const isBob = (online: boolean) => (frame: { participant_id: string; online: boolean }) =>
      frame.participant_id === bob.id && frame.online === online;
    await bob.ws.joinLive(id);
    await ada.ws.waitFor('presence', isBob(true));

    const phone = await wire.connect({ token: bob.token });
    await phone.joinLive(id);
    await bob.ws.close();
    // Bob is still here by phone: the next thing Ada hears is what he writes.
    const { seq } = await phone.send(id, 'still here');
    await ada.ws.waitForSeq(id, seq);
    expect(ada.ws.framesOf('presence').filter(isBob(false))).toEqual([]);
    await phone.close();
    await ada.ws.waitFor('presence', isBob(false));
  });

  it('is in joined for those who are here, and for those who are not', async () => {
    const { id, ada, bob } = await pair();
    const online = (joined: { participants: readonly { id: string; online: boolean }[] }) =>
      Object.fromEntries(joined.participants.map((one) => [one.id, one.online]));
    const cy = await wire.person('Cy');
    expect(online(await cy.ws.joinLive(id))).toMatchObject({ [ada.id]: true, [bob.id]: true });
    await bob.ws.close();
    await cy.ws.waitFor('presence', (frame) => frame.participant_id === bob.id && !frame.online);
    expect(online(await cy.ws.join(id))).toMatchObject({ [ada.id]: true, [bob.id]: false });
  });

  it('says that one who leaves is offline here', async () => {
    const { id, ada, bob } = await pair();
    await bob.ws.ask({ type: 'leave', conversation_id: id });
    await ada.ws.waitFor('presence', (frame) => frame.participant_id === bob.id && !frame.online);
  });
});

describe('ping', () => {
  it('is answered with pong, its id and the time', async () => {
    const client = await wire.connect();
    const pong = await client.ask({ type: 'ping', id: 'my-ping' });
    expect(pong).toMatchObject({ type: 'pong', id: 'my-ping' });
    expect(Math.abs(Date.parse(pong.type === 'pong' ? pong.time : '') - Date.now())).toBeLessThan(
      60_000,
    );
  });

  it('is answered without an id, too', async () => {
    const client = await wire.connect();
    client.tell({ type: 'ping' });
    expect(await client.waitFor('pong')).not.toHaveProperty('id');
  });
});
