import { describe, expect, it } from 'vitest';
import { err } from '../../src/domain/result.ts';
import { SearchGate } from '../../src/search/search-gate.ts';
import type { MessageIndex } from '../../storage/message-index.ts';
import { unavailable } from '../../storage/unavailable.ts';
import { granted, refusal } from '../contract/fixtures.ts';
import { until } from '../support/until.ts';
import { said, useServed } from './served.ts';

const start = useServed();
const PATH = '/v1/conversations/c/search?mode=keyword&q=turtles';

/** Two people in a conversation about turtles, on a store whose index the test steers. */
async function room() {
  const served = await start();
  const [ada, bob] = [await served.person('ada'), await served.person('bob')];
  const actor = await served.room(ada, 'c');
  await ada.rest.put('/v1/conversations/c/participants/bob', { role: 'member' });
  await said(actor, ada.who, 'turtles');
  const index: { level: MessageIndex['level'] } = served.store.inner.index;
  return { served, ada, bob, index };
}

describe('a search that is under way', () => {
  it('makes a second one of the same participant 429 rate_limited, and nobody else’s', async () => {
    const { ada, bob, index } = await room();
    const level = index.level.bind(index);
    const waiting: Array<() => void> = [];
    index.level = async (...args) => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return level(...args);
    };
    const first = ada.rest.get(PATH);
    await until(() => waiting.length === 1);
    const second = await ada.rest.get(PATH);
    expect([second.status, second.body.reason]).toEqual([429, 'rate_limited']);
    expect(second.body.retry_after_ms).toBeGreaterThan(0);
    const other = bob.rest.get(PATH);
    index.level = level;
    for (const go of waiting) go();
    expect((await first).body.items).toHaveLength(1);
    expect((await other).body.items).toHaveLength(1);
    expect((await ada.rest.get(PATH)).status).toBe(200);
  });

  it('leaves room for the next one when it fails', async () => {
    const { ada, index, served } = await room();
    const level = index.level.bind(index);
    index.level = async () => err(unavailable('unplugged'));
    const refused = await ada.rest.get(PATH);
    expect([refused.status, refused.body.reason]).toEqual([503, 'storage_unavailable']);
    index.level = async () => {
      throw new Error('broken');
    };
    expect((await ada.rest.get(PATH)).status).toBe(500);
    index.level = level;
    expect((await ada.rest.get(PATH)).status).toBe(200);
    expect(served.runtime.edge.meters.searches.get('keyword')?.count).toBe(1);
  });
});

describe('the gate', () => {
  it('lets in so many, one of each participant, and others when they have left', () => {
    const gate = new SearchGate({ mostAtOnce: 2, mostOfOne: 1 });
    const leave = granted(gate.enter('ada'));
    expect(refusal(gate.enter('ada')).retryAfterMs).toBeGreaterThan(0);
    granted(gate.enter('bob'));
    expect(refusal(gate.enter('eve')).retryAfterMs).toBeGreaterThan(0);
    leave();
    granted(gate.enter('eve'));
  });
});
