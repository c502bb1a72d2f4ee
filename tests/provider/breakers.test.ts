import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Breakers } from '../../src/provider/breakers.ts';
import { opening } from '../../src/provider/opening.ts';
import { ProviderFault } from '../../src/provider/provider-fault.ts';
import { cpuMs } from '../support/cpu.ts';
import { until } from '../support/until.ts';

const OPTIONS = { breakerFailures: 5, breakerOpenMs: 60_000 };

const broken = async () => {
  throw new ProviderFault('broken', 'status 500');
};
const works = async () => 'yes';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: 1_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

async function faultOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof ProviderFault) return error.kind;
    throw error;
  }
  return 'none';
}

async function times(count: number, call: () => Promise<unknown>): Promise<void> {
  for (let at = 0; at < count; at += 1) await faultOf(call());
}

describe('a breaker', () => {
  test('opens after five failures in a row, and then makes no call', async () => {
    const breaker = new Breakers().named('model:m', OPTIONS);
    await times(4, () => breaker.run(broken));
    expect(breaker.reading().state).toBe('closed');
    await times(1, () => breaker.run(broken));
    let isMade = false;
    const refused = breaker.run(async () => {
      isMade = true;
    });

    expect(await faultOf(refused)).toBe('resting');
    expect(isMade).toBe(false);
    expect(breaker.reading()).toMatchObject({
      state: 'open',
      openUntil: 1_060_000,
      failures: 5,
      refused: 1,
      times: { open: 1 },
      lastTransitions: [{ to: 'open', at: 1_000_000, why: 'failures' }],
    });
  });

  test('needs two successes to close after its minute, and one failure opens it for longer, 300 s at most', async () => {
    const breaker = new Breakers().named('model:m', OPTIONS);
    await times(5, () => breaker.run(broken));
    for (const openMs of [60_000, 120_000, 240_000, 300_000, 300_000]) {
      expect(breaker.reading().openUntil).toBe(Date.now() + openMs);
      vi.setSystemTime(Date.now() + openMs - 1);
      expect(await faultOf(breaker.run(works))).toBe('resting');
      vi.setSystemTime(Date.now() + 1);
      expect(await faultOf(breaker.run(broken))).toBe('broken');
    }
    vi.setSystemTime(Date.now() + 300_000);
    expect(await breaker.run(works)).toBe('yes');
    expect(breaker.reading().state).toBe('half_open');
    expect(await breaker.run(works)).toBe('yes');
    expect(breaker.reading()).toMatchObject({ state: 'closed', openUntil: null });

    await times(5, () => breaker.run(broken));
    expect(breaker.reading().openUntil).toBe(Date.now() + 60_000);
  });

  test('counts no failure of the caller, nor of the request', async () => {
    const breaker = new Breakers().named('model:m', OPTIONS);
    const rejected = async () => {
      throw new ProviderFault('rejected', 'status 400');
    };
    await times(20, () => breaker.run(rejected));
    await expect(breaker.run(() => Promise.reject(new Error('gone')))).rejects.toThrow('gone');
    expect(breaker.reading()).toMatchObject({ state: 'closed', failures: 0 });
  });

  test('is one by its name, and is closed by hand whatever it knows', async () => {
    const breakers = new Breakers();
    const breaker = breakers.named('model:m', OPTIONS);
    breakers.named('embeddings:e', OPTIONS);
    await times(5, () => breakers.named('model:m', OPTIONS).run(broken));
    expect(breakers.readings().map(({ name, state }) => [name, state])).toEqual([
      ['embeddings:e', 'closed'],
      ['model:m', 'open'],
    ]);

    expect(breakers.reset('model:none')).toBeUndefined();
    expect(breakers.reset('model:m')).toMatchObject({ state: 'closed' });
    expect(breaker.reading().lastTransitions.at(-1)).toMatchObject({ to: 'closed', why: 'reset' });
    expect(await breaker.run(works)).toBe('yes');
  });

  test('a call from before a reset that fails changes nothing after it', async () => {
    const breakers = new Breakers();
    const breaker = breakers.named('model:m', OPTIONS);
    await times(4, () => breaker.run(broken));
    let fail = () => {};
    const old = breaker.run(
      () =>
        new Promise<void>((_, reject) => {
          fail = () => reject(new ProviderFault('late', 'late'));
        }),
    );
    await Promise.resolve();
    breakers.reset('model:m');
    fail();
    await faultOf(old);
    expect(breaker.reading().state).toBe('closed');
  });

  test('lets so many calls in at once, so many wait, and refuses the rest without making them', async () => {
    const breaker = new Breakers().named('tool:t', { ...OPTIONS, atOnce: 1, waiting: 1 });
    const ends: Array<() => void> = [];
    const slow = () => new Promise<void>((resolve) => ends.push(resolve));
    const [first, second] = [breaker.run(slow), breaker.run(slow)];
    await Promise.resolve();
    expect(breaker.reading()).toMatchObject({ inFlight: 1, waiting: 1 });
    expect(await faultOf(breaker.run(slow))).toBe('busy');
    expect(ends.length).toBe(1);
    ends[0]?.();
    await first;
    await until(() => ends.length === 2);
    ends[1]?.();
    await second;
    expect(breaker.reading()).toMatchObject({ inFlight: 0, waiting: 0, refused: 1 });
  });

  test('costs less than 0.1 ms a call while it is closed', async () => {
    const breaker = new Breakers().named('model:m', OPTIONS);
    const policy = { retries: 3, retryBaseMs: 500, retryMaxMs: 20_000, ...OPTIONS };
    const open = opening(policy, breaker);
    const { signal } = new AbortController();
    const round = async () => {
      const before = cpuMs();
      for (let at = 0; at < 1_000; at += 1) await open(works, signal);
      return cpuMs() - before;
    };
    const rounds = [await round(), await round(), await round()];
    expect(Math.min(...rounds)).toBeLessThan(100);
  });
});
