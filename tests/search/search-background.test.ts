import { describe, expect, it } from 'vitest';
import { err, ok } from '../../src/domain/result.ts';
import type { Embedder } from '../../src/search/embedder.ts';
import { unavailable } from '../../storage/unavailable.ts';
import { appended, granted, made, message, ONE, refusal } from '../contract/fixtures.ts';
import { eventually } from '../support/deadline.ts';
import { until } from '../support/until.ts';
import { gate, hashing, indexWith, NEVER, saidAll, scene, unplugged } from './scene.ts';

describe('without vectors a search', () => {
  it.each(['vector', 'hybrid'] as const)(
    'by %s answers by words and says so, when there is no embedder or it fails',
    async (mode) => {
      for (const embedder of [undefined, unplugged]) {
        const { store, search } = await scene({ embedder });
        await made(store, saidAll());
        const answer = granted(await search.search(ONE, { text: 'deploy', mode, limit: 20 }));
        expect(answer.isDegraded).toBe(true);
        expect(answer.items.map(({ message }) => message.event.seq).sort()).toEqual([1, 3]);
      }
    },
  );

  it('by words misses nothing', async () => {
    const { store, search } = await scene({ embedder: unplugged });
    await made(store, saidAll());
    const answer = granted(await search.search(ONE, { text: 'x', mode: 'keyword', limit: 20 }));
    expect(answer.isDegraded).toBe(false);
  });

  it('of some messages says so until the work in the background has made them', async () => {
    const first = gate();
    let calls = 0;
    const slow: Embedder = {
      ...hashing,
      isLocal: false,
      maxBatch: 2,
      embed: async (texts, signal) => {
        calls += 1;
        if (texts.length > 1 && calls > 2) await first.opened;
        return hashing.embed(texts, signal);
      },
    };
    const { store, search } = await scene({ embedder: slow, patience: { remoteVectorsMs: 50 } });
    await made(store, saidAll());
    const ask = async () =>
      granted(await search.search(ONE, { text: 'deploy', mode: 'hybrid', limit: 20 }));
    const before = await ask();
    expect(before.isDegraded).toBe(true);
    expect(before.items.length).toBeGreaterThanOrEqual(2);
    first.open();
    await until(async () => !(await ask()).isDegraded);
  });

  it('that the endpoint does not make in time is answered all the same', async () => {
    const stalled: Embedder = {
      ...hashing,
      isLocal: false,
      embed: (_, signal) =>
        new Promise((resolve) => {
          signal?.addEventListener('abort', () => resolve(NEVER));
        }),
    };
    const patience = { queryMs: 30, remoteVectorsMs: 30 };
    const { store, search, reports } = await scene({ embedder: stalled, patience });
    await made(store, saidAll());
    const answer = granted(await search.search(ONE, { text: 'deploy', mode: 'vector', limit: 20 }));
    expect([answer.isDegraded, answer.items.length]).toEqual([true, 2]);
    expect(reports).toContain('query_not_embedded');
  });
});

describe('many searches of one conversation at once', () => {
  it('level it once', async () => {
    let steps = 0;
    const { store, find } = await scene({
      index: (inner) =>
        indexWith({
          level: (...args) => {
            steps += 1;
            return inner.level(...args);
          },
        })(inner),
    });
    await made(store, saidAll());
    const found = await Promise.all(Array.from({ length: 20 }, () => find('deploy', 'keyword')));
    for (const seqs of found) expect(seqs).toHaveLength(2);
    // The first one's step had begun when the others came: one more for all of them.
    expect(steps).toBe(2);
  });

  it('each have what was acknowledged before they came, also while a step is under way', async () => {
    const held = gate();
    let steps = 0;
    const { store, find } = await scene({
      index: (inner) =>
        indexWith({
          level: async (...args) => {
            const levelled = await inner.level(...args);
            steps += 1;
            if (steps === 1) await held.opened;
            return levelled;
          },
        })(inner),
    });
    await made(store, saidAll());
    const early = find('turtles', 'keyword');
    await until(() => steps === 1);
    await appended(store, [message(5, { content: 'turtles' })]);
    const late = find('turtles', 'keyword');
    held.open();
    await early;
    expect(await late).toEqual([5]);
  });
});

describe('a conversation that is not level in time', () => {
  it('is 503 overloaded, and is made level meanwhile', async () => {
    const held = gate();
    let isLevel = false;
    const { store, search, find } = await scene({
      patience: { levelMs: 20 },
      index: (inner) =>
        indexWith({
          level: async (...args) => {
            await held.opened;
            const levelled = await inner.level(...args);
            isLevel = true;
            return levelled;
          },
        })(inner),
    });
    await made(store, saidAll());
    const query = { text: 'deploy', mode: 'keyword', limit: 20 } as const;
    const refused = refusal(await search.search(ONE, query));
    expect(refused).toEqual({ reason: 'overloaded', retryAfterMs: expect.any(Number) });
    held.open();
    await until(() => isLevel);
    expect(await find('deploy', 'keyword')).toHaveLength(2);
  });
});

describe('a store that does not answer', () => {
  it.each(['level', 'byTerms', 'withoutVector'] as const)(
    'at %s is told as a value, to every search that waits',
    async (method) => {
      const down = async () => err(unavailable('unplugged'));
      const { store, search } = await scene({ index: indexWith({ [method]: down }) });
      await made(store, saidAll());
      const query = { text: 'deploy', mode: 'hybrid', limit: 20 } as const;
      const answers = await Promise.all([1, 2, 3].map(() => search.search(ONE, query)));
      for (const answer of answers)
        expect(refusal(answer)).toMatchObject({ reason: 'storage_unavailable' });
    },
  );

  it('about vectors alone is made up for by words, and the answer says so', async () => {
    const down = async () => err(unavailable('unplugged'));
    const { store, search } = await scene({ index: indexWith({ byVector: down }) });
    await made(store, saidAll());
    const query = { text: 'deploy', mode: 'hybrid', limit: 20 } as const;
    const answer = await search.search(ONE, query);
    expect(answer).toMatchObject({ ok: true, value: { isDegraded: true } });
    expect(answer.ok && answer.value.items.length).toBe(2);
  });

  it('that breaks an invariant rejects the searches that wait, and no later one', async () => {
    let isBroken = true;
    const { store, find } = await scene({
      index: (inner) =>
        indexWith({
          level: async (...args) => {
            if (isBroken) throw new Error('broken');
            return inner.level(...args);
          },
        })(inner),
    });
    await made(store, saidAll());
    const broken = await Promise.allSettled([1, 2, 3].map(() => find('deploy')));
    expect(broken.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    isBroken = false;
    expect((await find('deploy', 'keyword')).length).toBe(2);
  });
});

describe('the vectors of a conversation', () => {
  it('are made newest first, by one job, whoever asks', async () => {
    const batches: number[] = [];
    const counted: Embedder = {
      ...hashing,
      maxBatch: 10,
      embed: (texts, signal) => {
        batches.push(texts.length);
        return hashing.embed(texts, signal);
      },
    };
    const { store, find } = await scene({ embedder: counted });
    await made(
      store,
      Array.from({ length: 35 }, (_, at) => message(at + 1, { content: `apple ${at}` })),
    );
    await Promise.all([1, 2, 3, 4].map(() => find('apple', 'vector')));
    expect(batches.filter((size) => size > 1)).toEqual([10, 10, 10, 5]);
  });

  it('are made in the background when there are many, and hold nobody up', async () => {
    const { store, search } = await scene({ patience: { localVectorsMs: 1 } });
    const content = 'a few words about apples, pears and what else grows on trees';
    await made(
      store,
      Array.from({ length: 2_000 }, (_, at) => message(at + 1, { content: `${content} ${at}` })),
    );
    const ask = async () =>
      granted(await search.search(ONE, { text: 'apples', mode: 'hybrid', limit: 20 }));
    const first = await ask();
    expect([first.isDegraded, first.items.length]).toEqual([true, 20]);
    await eventually('all have their vectors', async () => !(await ask()).isDegraded);
  });

  it('stop being made when all is closed, and when they do not stay', async () => {
    let puts = 0;
    const forgetful = indexWith({
      putVectors: async () => {
        puts += 1;
        return ok(undefined);
      },
    });
    const { store, search } = await scene({ index: forgetful });
    await made(store, saidAll());
    const query = { text: 'deploy', mode: 'vector', limit: 20 } as const;
    expect(granted(await search.search(ONE, query)).isDegraded).toBe(true);
    expect(puts).toBe(1);
    await search.close();
    expect(refusal(await search.search(ONE, query)).reason).toBe('overloaded');
  });
});
