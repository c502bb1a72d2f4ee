import { describe, expect, it } from 'vitest';
import {
  appended,
  deletion,
  edit,
  event,
  granted,
  made,
  message,
  ONE,
} from '../contract/fixtures.ts';
import { indexWith, MODES, saidAll, scene } from './scene.ts';

describe.each(MODES)('a search by %s', (mode) => {
  it('finds the messages that bear on the query, best first, with snippets and scores', async () => {
    const { store, search } = await scene();
    await made(store, saidAll());
    const { items, isDegraded } = granted(
      await search.search(ONE, { text: 'deploy on thursday', mode, limit: 20 }),
    );
    expect(items.slice(0, 2).map(({ message }) => message.event.seq)).toEqual([1, 3]);
    expect(items[0]?.snippet).toBe(
      'We <mark>deploy</mark> the gateway on <mark>Thursday</mark> evening',
    );
    const scores = items.map(({ score }) => score);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
    expect(isDegraded).toBe(false);
  });

  it('honours what was stored just before: new messages, edits, deletions', async () => {
    const { store, find } = await scene();
    await made(store, saidAll());
    expect(await find('gateway', mode)).toContain(1);
    await appended(store, [message(5, { content: 'the gateway is down' })]);
    expect(await find('gateway', mode)).toContain(5);
    await appended(store, [edit(6, 1, 'something about turtles')], {
      effects: [{ kind: 'edited', targetSeq: 1, seq: 6 }],
    });
    expect(await find('gateway', mode)).toEqual([5]);
    expect(await find('turtles', mode)).toEqual([1]);
    await appended(store, [deletion(7, 5)], { effects: [{ kind: 'erased', targetSeq: 5 }] });
    expect(await find('gateway', mode)).toEqual([]);
    await appended(store, [], { expectedHead: 7, effects: [{ kind: 'trimmed', firstSeq: 4 }] });
    expect(await find('turtles', mode)).toEqual([]);
    granted(await store.remove(ONE));
    expect(await find('lunch', mode)).toEqual([]);
  });

  it('gives at most as many as are asked for', async () => {
    const { store, find } = await scene();
    await made(
      store,
      Array.from({ length: 300 }, (_, at) => message(at + 1, { content: `apple number ${at}` })),
    );
    expect(await find('apple', mode, { limit: 3 })).toHaveLength(3);
    expect(await find('apple', mode, { limit: 100 })).toHaveLength(100);
  });

  it('finds nothing in a conversation that is not there, and events that are no messages never', async () => {
    const { store, find } = await scene();
    expect(await find('apple', mode)).toEqual([]);
    await made(store, [
      event(1, 'conversation.updated', { body: { changes: { title: 'apple' } } }),
      message(2, { content: 'apple' }),
    ]);
    expect(await find('apple', mode)).toEqual([2]);
  });

  it.each([
    '"',
    '*',
    'a OR b',
    'NEAR(a b)',
    'content:x',
    "'; DROP TABLE",
    '(((',
    '-',
    '\u0000',
    '\ud800',
    '%_',
    '👍',
  ])('takes %j as nothing but text', async (text) => {
    const { store, find } = await scene();
    await made(store, saidAll());
    expect(await find(text, mode)).toEqual(expect.any(Array));
    expect(await find(`${text} invoices`, mode)).toContain(2);
  });
});

describe('a search', () => {
  it('of words in a script without spaces, or with accents, finds them', async () => {
    const { store, find } = await scene();
    const said = ['私は東京に住んでいます', 'Überraschung für später', 'Привет из Москвы'];
    await made(
      store,
      said.map((content, at) => message(at + 1, { content })),
    );
    for (const mode of MODES) {
      expect((await find('東京', mode))[0]).toBe(1);
      expect((await find('uberraschung', mode))[0]).toBe(2);
      expect((await find('МОСКВЫ', mode))[0]).toBe(3);
    }
  });

  it('leaves out what was found by words that are not there any more when the answer is made', async () => {
    const { store, find } = await scene({
      index: (inner) =>
        indexWith({
          byTerms: async (...args) => {
            const found = await inner.byTerms(...args);
            await appended(store, [edit(5, 1, 'nothing of it'), deletion(6, 3)], {
              effects: [
                { kind: 'edited', targetSeq: 1, seq: 5 },
                { kind: 'erased', targetSeq: 3 },
              ],
            });
            return found;
          },
        })(inner),
    });
    await made(store, saidAll());
    expect(await find('deploy', 'keyword')).toEqual([]);
  });

  it('finds by nearness what no word of the query is in', async () => {
    const { store, find } = await scene();
    await made(store, saidAll());
    expect(await find('redeployment', 'keyword')).toEqual([]);
    expect(await find('redeployment', 'hybrid')).toEqual(expect.arrayContaining([1, 3]));
  });
});
