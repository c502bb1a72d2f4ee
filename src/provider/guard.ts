import { err, type Result } from '../domain/result.ts';
import type { Breaker } from './breakers.ts';
import { ProviderFault } from './provider-fault.ts';

/** Makes a call whose failure is a value behind a breaker. Its failure comes back as it was, or says why no call was made. */
export type Guard = <T>(
  call: () => Promise<Result<T, { readonly cause: unknown }>>,
) => Promise<Result<T, { readonly cause: unknown }>>;

/** A call that takes longer than `timeoutMs` counts as failed; it ends by itself, and nobody waits for it. */
export function guarded(breaker: Breaker, timeoutMs: number): Guard {
  return async (call) => {
    try {
      return await breaker.run(async () => {
        const answer = await within(timeoutMs, call());
        if (!answer.ok) throw new Failed(answer.failure.cause);
        return answer;
      });
    } catch (error) {
      if (error instanceof Failed) return err({ cause: error.cause });
      if (error instanceof ProviderFault) return err({ cause: error });
      throw error;
    }
  };
}

/** Without a breaker: the call itself. */
export const unguarded: Guard = (call) => call();

class Failed extends ProviderFault {
  constructor(cause: unknown) {
    super('broken', 'the call failed');
    this.cause = cause;
  }
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ProviderFault('late', `no answer after ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
