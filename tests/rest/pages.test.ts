import { describe, expect, it } from 'vitest';
import { said, useServed } from './served.ts';

const start = useServed();

async function ten() {
  const served = await start();
  const ada = await served.person('ada');
  const actor = await served.room(ada, 'c');
  for (let at = 0; at < 10; at += 1) await said(actor, ada.who, `m${at}`);
  const get = async (path: string) => (await ada.rest.get(`/v1/conversations/c/${path}`)).body;
  return { get };
}

interface Item {
  readonly seq: number;
}

/** The seqs of all pages, by `next_cursor`. */
async function pages(
  get: (path: string) => Promise<{ items: Item[]; next_cursor: string | null }>,
  path: string,
) {
  const all: number[][] = [];
  let cursor = '';
  do {
    const page = await get(`${path}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    all.push(page.items.map(({ seq }) => seq));
    cursor = page.next_cursor ?? '';
  } while (cursor !== '');
  return all;
}

describe('the pages of a list', () => {
  it('go forward through messages by next_cursor, and end with null', async () => {
    const { get } = await ten();
    expect(await pages(get, 'messages?limit=4')).toEqual([
      [2, 3, 4, 5],
      [6, 7, 8, 9],
      [10, 11],
    ]);
    expect(await pages(get, 'messages?after_seq=7&limit=4')).toEqual([[8, 9, 10, 11]]);
  });

  it('go backward from before_seq, each page in ascending order, down to after_seq', async () => {
    const { get } = await ten();
    expect(await pages(get, 'messages?before_seq=11&limit=4')).toEqual([
      [7, 8, 9, 10],
      [3, 4, 5, 6],
      [2],
    ]);
    expect(await pages(get, 'messages?before_seq=9&after_seq=4&limit=2')).toEqual([
      [7, 8],
      [5, 6],
    ]);
  });

  it('go through the events, and are no longer than a page may be', async () => {
    const { get } = await ten();
    expect(await pages(get, 'events?limit=4')).toEqual([
      [1, 2, 3, 4],
      [5, 6, 7, 8],
      [9, 10, 11],
    ]);
    expect((await get('events?after_seq=11')).next_cursor).toBeNull();
    expect((await get('events?after_seq=99')).items).toEqual([]);
  });

  it('are cut short before they weigh too much, and go on from there', async () => {
    const served = await start();
    const ada = await served.person('ada');
    const actor = await served.room(ada, 'c');
    await Promise.all(Array.from({ length: 300 }, () => said(actor, ada.who, 'x'.repeat(9_000))));
    const get = async (path: string) => (await ada.rest.get(`/v1/conversations/c/${path}`)).body;
    for (const path of [
      'messages?limit=500',
      'messages?before_seq=999&limit=500',
      'events?limit=500',
    ]) {
      const all = await pages(get, path);
      expect(all.length).toBeGreaterThan(2);
      expect(new Set(all.flat()).size).toBe(path.startsWith('events') ? 301 : 300);
    }
  });

  it.each(['messages?cursor=7', 'events?cursor=before', 'messages?limit=501'])(
    'are 400 for %s',
    async (path) => {
      const { get } = await ten();
      expect(await get(path)).toMatchObject({ status: 400, reason: 'invalid_field' });
    },
  );
});
