import { describe, expect, it } from 'vitest';
import {
  DOCUMENTS,
  type DocumentsScene,
  type Guest,
  STORES,
  useDocuments,
} from './documents-scene.ts';

/** What somebody can see of a document, by every route there is. */
async function seen(scene: DocumentsScene, guest: Guest, id: string) {
  const { rest } = guest;
  const shown = await rest.get(`${DOCUMENTS}/${id}`);
  const chunks = await rest.get(`${DOCUMENTS}/${id}/chunks`);
  const listed = await rest.get(DOCUMENTS);
  const isListed = listed.body.items.some(
    (item: { document_id: string }) => item.document_id === id,
  );
  const found = await Promise.all(
    ['keyword', 'vector', 'hybrid'].map(async (mode) =>
      (await scene.found(guest, { query: QUERY, mode })).includes(id),
    ),
  );
  return { shown: shown.status, chunks: chunks.status, isListed, found };
}

const QUERY = 'quokka secret';
const ALL = { shown: 200, chunks: 200, isListed: true, found: [true, true, true] };
const NOTHING = { shown: 404, chunks: 404, isListed: false, found: [false, false, false] };

describe.each(STORES)('who sees a document on %s', (_, place) => {
  const scene = useDocuments(place);

  it('is its owner, members and observers; not strangers, nor who has left, nor who has when the room is gone', async () => {
    const [ada, bob, cy, di, eve] = await scene.guests('Ada', 'Bob', 'Cy', 'Di', 'Eve');
    if (!ada || !bob || !cy || !di || !eve) throw new Error('nobody');
    const room = await scene.room(bob, [
      [ada, 'member'],
      [cy, 'observer'],
      [di, 'member'],
    ]);
    const { document_id: id } = await scene.add(ada, {
      content: 'the secret of the quokka',
      conversations: [room],
    });
    await scene.ready(ada, id);
    for (const guest of [ada, bob, cy, di]) expect(await seen(scene, guest, id)).toEqual(ALL);
    expect(await seen(scene, eve, id)).toEqual(NOTHING);
    await di.rest.delete(`/v1/conversations/${room}/participants/${di.id}`);
    expect(await seen(scene, di, id)).toEqual(NOTHING);
    // Who shared it keeps it when they leave; the others still have it.
    await ada.rest.delete(`/v1/conversations/${room}/participants/${ada.id}`);
    expect(await seen(scene, ada, id)).toEqual(ALL);
    expect(await seen(scene, bob, id)).toEqual(ALL);
    expect((await bob.rest.delete(`/v1/conversations/${room}`)).status).toBe(204);
    for (const guest of [bob, cy]) expect(await seen(scene, guest, id)).toEqual(NOTHING);
    expect(await seen(scene, ada, id)).toEqual(ALL);
    expect((await ada.rest.get(`${DOCUMENTS}/${id}`)).body.conversations).toEqual([]);
  });

  it('is not told which other conversations it is shared with', async () => {
    const [ada, bob] = [await scene.guest('Ada'), await scene.guest('Bob')];
    const common = await scene.room(ada, [[bob, 'member']]);
    const secret = await scene.room(ada);
    const { document_id: id } = await scene.add(ada, {
      content: 'x',
      conversations: [secret, common, secret],
    });
    const shown = async ({ rest }: Guest) => (await rest.get(`${DOCUMENTS}/${id}`)).body;
    expect((await shown(ada)).conversations).toEqual([secret, common]);
    expect((await shown(bob)).conversations).toEqual([common]);
    expect((await bob.rest.get(DOCUMENTS)).body.items[0].conversations).toEqual([common]);
  });

  it('removes it only when it is their own: 403 for who sees it, 404 for who does not', async () => {
    const [ada, bob, eve] = await scene.guests('Ada', 'Bob', 'Eve');
    if (!ada || !bob || !eve) throw new Error('nobody');
    const room = await scene.room(bob, [[ada, 'member']]);
    const { document_id: id } = await scene.add(ada, { content: 'x', conversations: [room] });
    const tried = await bob.rest.delete(`${DOCUMENTS}/${id}`);
    expect([tried.status, tried.body.reason]).toEqual([403, 'forbidden']);
    expect(tried.body.detail).toBe('Only its owner deletes a document.');
    const stranger = await eve.rest.delete(`${DOCUMENTS}/${id}`);
    expect([stranger.status, stranger.body.reason]).toEqual([404, 'document_not_found']);
    expect((await ada.rest.delete(`${DOCUMENTS}/${id}`)).status).toBe(204);
  });

  it('shares it only where they may send', async () => {
    const [ada, bob] = [await scene.guest('Ada'), await scene.guest('Bob')];
    const readOnly = await scene.room(ada, [[bob, 'observer']]);
    const hidden = await scene.room(ada);
    await ada.rest.post('/v1/conversations', { conversation_id: 'open', visibility: 'open' });
    for (const [room, status, reason] of [
      [readOnly, 403, 'forbidden'],
      [hidden, 404, 'conversation_not_found'],
      ['nowhere', 404, 'conversation_not_found'],
      ['open', 403, 'not_a_participant'],
    ] as const) {
      const asked = { title: 'T', content: 'x', conversations: [room] };
      const form = await bob.rest.post(DOCUMENTS, asked);
      expect([room, form.status, form.body.reason]).toEqual([room, status, reason]);
      const raw = await bob.rest.request('POST', `${DOCUMENTS}?title=T&conversations=${room}`, {
        raw: 'x',
        headers: { 'content-type': 'text/plain' },
      });
      expect([room, raw.status, raw.body.reason]).toEqual([room, status, reason]);
      const search = await bob.rest.post(`${DOCUMENTS}/search`, {
        query: 'x',
        conversation_id: room,
      });
      const list = await bob.rest.get(`${DOCUMENTS}?conversation_id=${room}`);
      // To read is enough for looking.
      const expected = room === readOnly ? [200, undefined] : [status, reason];
      for (const { status: found, body } of [search, list])
        expect([room, found, body.reason]).toEqual([room, ...expected]);
    }
    expect((await bob.rest.get(DOCUMENTS)).body.items).toEqual([]);
  });
});
