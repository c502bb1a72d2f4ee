import { describe, expect, it } from 'vitest';
import { expectError } from '../support/failures.ts';
import { everyItem, wholeLog } from '../support/rest-client.ts';
import type { Person } from '../support/wire.ts';
import { useWire } from '../support/wire.ts';

const wire = useWire({ store: 'sqlite:{dir}/colloquy.db' });

/** Ada owns the room; Bob and Cy are members. */
async function trio() {
  const { id, people } = await wire.room('Ada', 'Bob', 'Cy');
  const [ada, bob, cy] = people;
  if (!ada || !bob || !cy) throw new Error('nobody');
  return { id, ada, bob, cy };
}

const edit = ({ ws }: Person, conversation: string, [seq, content]: [number, string]) =>
  ws.ask({ type: 'edit', conversation_id: conversation, seq, content });
const remove = ({ ws }: Person, conversation: string, seq: number) =>
  ws.ask({ type: 'delete', conversation_id: conversation, seq });

describe('edit', () => {
  it('is an event for everyone, and changes what the message says', async () => {
    const { id, ada, bob } = await trio();
    const { seq } = await bob.ws.send(id, 'teh message');
    const ack = await edit(bob, id, [seq, 'the message']);
    expect(ack).toMatchObject({ type: 'ack', seq: seq + 1, duplicate: false });
    expect(await ada.ws.waitForSeq(id, seq + 1)).toMatchObject({
      kind: 'message.edited',
      target_seq: seq,
      content: 'the message',
      from: { id: bob.id },
    });
    const { body } = await ada.rest.get(`/v1/conversations/${id}/messages/${seq}`);
    expect(body).toMatchObject({ seq, content: 'the message' });
    expect(Date.parse(body.edited_at)).toBeGreaterThanOrEqual(Date.parse(body.created_at));
  });

  it('leaves the log as it was written', async () => {
    const { id, ada, bob } = await trio();
    const { seq } = await bob.ws.send(id, 'first words');
    await edit(bob, id, [seq, 'second words']);
    const log = await wholeLog(ada.rest, id);
    expect(log.slice(-2)).toMatchObject([
      { seq, kind: 'message', content: 'first words' },
      { seq: seq + 1, kind: 'message.edited', target_seq: seq, content: 'second words' },
    ]);
  });

  it('shows the last of several edits, in the list too', async () => {
    const { id, bob } = await trio();
    const { seq } = await bob.ws.send(id, 'one');
    for (const content of ['two', 'three']) await edit(bob, id, [seq, content]);
    const items = await everyItem(bob.rest, `/v1/conversations/${id}/messages`);
    expect(items).toMatchObject([{ seq, content: 'three' }]);
  });

  it('is refused with 403 forbidden to another member, and changes nothing', async () => {
    const { id, bob, cy } = await trio();
    const { seq } = await bob.ws.send(id, 'mine');
    expectError(await edit(cy, id, [seq, 'yours']), 403, 'forbidden');
    const patched = await cy.rest.patch(`/v1/conversations/${id}/messages/${seq}`, {
      content: 'yours',
    });
    expect([patched.status, patched.body.reason]).toEqual([403, 'forbidden']);
    const { body } = await bob.rest.get(`/v1/conversations/${id}/messages/${seq}`);
    expect(body.content).toBe('mine');
    expect((await bob.ws.send(id, 'next')).seq).toBe(seq + 1);
  });

  it('is an owner’s right on any message', async () => {
    const { id, ada, bob } = await trio();
    const { seq } = await bob.ws.send(id, 'mine');
    expect(await edit(ada, id, [seq, 'moderated'])).toMatchObject({ type: 'ack' });
    expect(await bob.ws.waitForSeq(id, seq + 1)).toMatchObject({ from: { id: ada.id } });
  });

  it('answers 404 message_not_found where there is no message, and 410 deleted where it is gone', async () => {
    const { id, bob } = await trio();
    const { seq } = await bob.ws.send(id, 'mine');
    expectError(await edit(bob, id, [seq + 10, 'x']), 404, 'message_not_found');
    await remove(bob, id, seq);
    expectError(await edit(bob, id, [seq, 'x']), 410, 'deleted');
  });

  it('refuses an edit of an event that is no message', async () => {
    const { id, ada } = await trio();
    const joined = ada.ws.events(id).find(({ kind }) => kind === 'participant.joined');
    expectError(await edit(ada, id, [joined?.seq ?? 1, 'x']), 404, 'message_not_found');
  });

  it('holds the new content to the limit of a message', async () => {
    const { id, bob } = await trio();
    const { seq } = await bob.ws.send(id, 'mine');
    expectError(await edit(bob, id, [seq, 'x'.repeat(10_001)]), 413, 'message_too_long');
  });

  it('works over REST, and is seen live by the others', async () => {
    const { id, ada, bob } = await trio();
    const { seq } = await bob.ws.send(id, 'one');
    const path = `/v1/conversations/${id}/messages/${seq}`;
    expect((await bob.rest.patch(path, { content: 'two' })).status).toBe(200);
    expect(await ada.ws.waitForSeq(id, seq + 1)).toMatchObject({ content: 'two' });
  });
});

describe('delete', () => {
  it('is an event for everyone, and leaves the message without its content', async () => {
    const { id, ada, bob } = await trio();
    const { seq } = await bob.ws.send(id, 'mine');
    expect(await remove(bob, id, seq)).toMatchObject({ type: 'ack', seq: seq + 1 });
    expect(await ada.ws.waitForSeq(id, seq + 1)).toMatchObject({
      kind: 'message.deleted',
      target_seq: seq,
    });
    const { status, body } = await ada.rest.get(`/v1/conversations/${id}/messages/${seq}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ seq, deleted: true });
    expect(body).not.toHaveProperty('content');
  });

  it('is refused with 403 forbidden to another member, and an owner’s right on any', async () => {
    const { id, ada, bob, cy } = await trio();
    const { seq } = await bob.ws.send(id, 'mine');
    expectError(await remove(cy, id, seq), 403, 'forbidden');
    const refused = await cy.rest.delete(`/v1/conversations/${id}/messages/${seq}`);
    expect([refused.status, refused.body.reason]).toEqual([403, 'forbidden']);
    expect(await remove(ada, id, seq)).toMatchObject({ type: 'ack', seq: seq + 1 });
  });

  it('answers 404 message_not_found where there is no message', async () => {
    const { id, bob } = await trio();
    expectError(await remove(bob, id, 999), 404, 'message_not_found');
    const reply = await bob.rest.delete(`/v1/conversations/${id}/messages/999`);
    expect([reply.status, reply.body.reason]).toEqual([404, 'message_not_found']);
  });

  it('takes the content from every later read, with its edits, and after a restart', async () => {
    const { id, ada, bob } = await trio();
    const { seq } = await bob.ws.send(id, 'wrong-word-one', {
      key: 'k',
      metadata: { note: 'wrong-word-two' },
    });
    await edit(bob, id, [seq, 'wrong-word-three']);
    const path = `/v1/conversations/${id}/messages/${seq}`;
    expect((await bob.rest.delete(path)).status).toBeLessThan(300);
    const { seq: head } = await bob.ws.send(id, 'the end');
    await ada.ws.waitForSeq(id, head);

    const expectGone = async () => {
      const reader = await wire.connect({ token: ada.token });
      await reader.joinLive(id, { after_seq: 0 });
      await reader.waitForSeq(id, head);
      const stream = await wire.stream(id, '?after_seq=0', { token: ada.token });
      await stream.waitForSeq(head);
      const rest = wire.rest(ada.token);
      const log = await wholeLog(rest, id);
      const places = {
        websocket: reader.frames,
        stream: stream.messages,
        log,
        list: await everyItem(rest, `/v1/conversations/${id}/messages`),
        one: (await rest.get(path)).body,
      };
      for (const place of Object.values(places)) {
        expect(JSON.stringify(place)).not.toMatch(/wrong-word-(one|two|three)/);
      }
      expect(reader.events(id).map((event) => event.seq)).toEqual(log.map((event) => event.seq));
      expect(log.find((event) => event.seq === seq)).toMatchObject({ deleted: true });
      expect(places.one).toMatchObject({ seq, deleted: true });
      expect(reader.events(id).find((event) => event.seq === seq)).toMatchObject({ deleted: true });
    };
    await expectGone();
    await wire.server.restart('SIGKILL');
    await expectGone();
  });
});
