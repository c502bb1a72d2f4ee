import { describe, expect, it } from 'vitest';
import { everyItem, wholeLog } from '../support/rest-client.ts';
import { useWire } from '../support/wire.ts';

const wire = useWire({ store: 'sqlite:{dir}/colloquy.db' });

describe.each(['SIGTERM', 'SIGKILL'] as const)('after a restart (%s)', (signal) => {
  it('everything is as it was: log, numbers, epoch, people, roles, settings', async () => {
    const { id, people } = await wire.room('Ada', 'Bob');
    const [ada, bob] = people;
    if (!ada || !bob) return expect.unreachable();
    await ada.rest.patch(`/v1/conversations/${id}`, { title: 'Kept', metadata: { a: [1] } });
    const { seq } = await ada.ws.send(id, 'kept', { key: 'k', metadata: { m: 1 } });
    await bob.ws.send(id, 'a reply', { reply_to: seq });
    await ada.ws.ask({ type: 'edit', conversation_id: id, seq, content: 'kept and edited' });
    await ada.rest.put(`/v1/conversations/${id}/participants/${bob.id}`, { role: 'observer' });
    const state = async (token: string) => {
      const rest = wire.rest(token);
      const participants = await everyItem(rest, `/v1/conversations/${id}/participants`);
      return {
        conversation: (await rest.get(`/v1/conversations/${id}`)).body,
        log: await wholeLog(rest, id),
        messages: await everyItem(rest, `/v1/conversations/${id}/messages`),
        participants: participants.map(({ online: _, ...one }) => one),
      };
    };
    const before = await state(ada.token);
    expect(before.log.length).toBeGreaterThan(5);

    await wire.server.restart(signal);
    expect(await state(ada.token)).toEqual(before);
    const again = await wire.connect({ token: ada.token });
    const head = before.conversation.head_seq;
    const { epoch } = before.conversation;
    expect(await again.joinLive(id, { after_seq: head, epoch })).toMatchObject({ role: 'owner' });
    expect((await again.send(id, 'next')).seq).toBe(head + 1);
  });

  it('a client that was attached is told or cut off, and resumes with its last seq', async () => {
    const { id, people } = await wire.room('Ada');
    const ada = people[0];
    if (!ada) return expect.unreachable();
    const { seq } = await ada.ws.send(id, 'before');
    await ada.ws.waitForSeq(id, seq);
    const position = ada.ws.lastSeq(id);
    await wire.server.restart(signal);
    expect((await ada.ws.closed).code).toBe(signal === 'SIGTERM' ? 4001 : 1006);
    const again = await wire.connect({ token: ada.token });
    await again.joinLive(id, { after_seq: position });
    const next = await again.send(id, 'after');
    await again.waitForSeq(id, next.seq);
    expect(again.events(id).map((event) => event.seq)).toEqual([seq + 1]);
  });
});

it('a memory store starts empty, and an old position is reset by its epoch', async () => {
  const { withServer } = await import('../support/wire.ts');
  await withServer({}, async (memory) => {
    const { id, people } = await memory.room('Ada');
    const ada = people[0];
    if (!ada) return expect.unreachable();
    const { epoch } = await ada.ws.join(id);
    await ada.ws.send(id, 'forgotten');
    await memory.server.restart('SIGTERM');
    const bob = await memory.person('Bob');
    const joined = await bob.ws.joinLive(id, { create: true, after_seq: 0 });
    expect(joined.epoch).not.toBe(epoch);
    bob.ws.tell({ type: 'join', id: 'j', conversation_id: id, after_seq: 1, epoch });
    expect(await bob.ws.waitFor('reset')).toMatchObject({ reason: 'epoch', epoch: joined.epoch });
  });
});
