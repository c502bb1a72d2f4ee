import { describe, expect, test } from 'vitest';
import { err, ok } from '../../src/domain/result.ts';
import { Breakers } from '../../src/provider/breakers.ts';
import { guarded } from '../../src/provider/guard.ts';

const breaker = () => new Breakers().named('vector_search');

describe('a guard', () => {
  test('gives an answer as it is, and a failure with its cause', async () => {
    const guard = guarded(breaker(), 1_000);
    const cause = new Error('down');
    expect(await guard(async () => ok(7))).toEqual(ok(7));
    expect(await guard(async () => err({ reason: 'x', cause }))).toEqual(err({ cause }));
  });

  test('makes no call once five in a row have failed', async () => {
    const one = breaker();
    const guard = guarded(one, 1_000);
    for (let at = 0; at < 5; at += 1) await guard(async () => err({ cause: at }));
    let isMade = false;
    const refused = await guard(async () => {
      isMade = true;
      return ok(1);
    });
    expect([refused.ok, isMade, one.reading().state]).toEqual([false, false, 'open']);
  });

  test('waits no longer than it says, and a late call is a failed one', async () => {
    const one = breaker();
    const late = await guarded(one, 5)(() => new Promise(() => {}));
    expect(late).toMatchObject({ ok: false, failure: { cause: { kind: 'late' } } });
    expect(one.reading().failures).toBe(1);
  });

  test('a broken invariant goes through it', async () => {
    const guard = guarded(breaker(), 1_000);
    await expect(guard(() => Promise.reject(new RangeError('bug')))).rejects.toThrow(RangeError);
  });
});
