/**
 * Owns the watchdogs of one model call and its end: a call that is late, that stalls, or that nobody reads
 * any more is closed. Does not own retries.
 *
 * Invariants:
 * W1. The call is closed (its signal aborts) when the stream ends, fails, is left, or the turn aborts.
 * W2. No wait outlives the turn's abort, even when the model's client ignores it.
 * W3. The first token has its own time; after it every event, shown or not, winds the stall watchdog up again.
 */
import type { Usage } from '../../domain/event.ts';
import { ProviderFault } from '../../provider/provider-fault.ts';
import type { ModelCall, ModelEvent } from './model-call.ts';
import type { PromptMessage } from './prompt.ts';

export interface Patience {
  /** Milliseconds to the first token. */
  readonly firstTokenMs: number;
  /** Milliseconds between two events after it. */
  readonly stallMs: number;
}

export type ShownEvent =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'usage'; readonly usage: Usage };

/**
 * One model call, watched: text, then its usage. It ends only when the model said why it stopped; otherwise
 * it throws `ProviderFault`, or the reason of the abort.
 */
export async function* watchedCall(
  call: ModelCall,
  prompt: readonly PromptMessage[],
  { signal, patience }: { readonly signal: AbortSignal; readonly patience: Patience },
): AsyncGenerator<ShownEvent, void, undefined> {
  const closing = new AbortController();
  const close = () => closing.abort(signal.reason);
  signal.addEventListener('abort', close, { once: true });
  if (signal.aborted) close();
  const events = call(prompt, closing.signal)[Symbol.asyncIterator]();
  let hasText = false;
  let usage: Usage | undefined;
  try {
    let waitMs = patience.firstTokenMs;
    let fault = () => new ProviderFault('late', `no token after ${patience.firstTokenMs} ms`);
    const lateAt = performance.now() + patience.firstTokenMs;
    for (;;) {
      const event = await nextEvent(events, closing, { waitMs, fault });
      if (event.type === 'finish') {
        checkFinish(event.reason, hasText);
        if (usage !== undefined) yield { type: 'usage', usage };
        return;
      }
      if (event.type === 'usage') usage = event.usage;
      if (event.type === 'text') {
        hasText = true;
        yield event;
      }
      waitMs = hasText ? patience.stallMs : Math.max(lateAt - performance.now(), 0);
      if (hasText)
        fault = () => new ProviderFault('stalled', `no token for ${patience.stallMs} ms`);
    }
  } finally {
    signal.removeEventListener('abort', close);
    closing.abort();
    // It ends by itself now that its signal is aborted; what it says about that is of no interest.
    void Promise.resolve(events.return?.()).catch(() => undefined);
  }
}

interface Watch {
  readonly waitMs: number;
  readonly fault: () => ProviderFault;
}

/** The next event; the fault when it takes too long, the abort's reason when nobody waits for it any more. */
function nextEvent(
  events: AsyncIterator<ModelEvent>,
  closing: AbortController,
  { waitMs, fault }: Watch,
): Promise<ModelEvent> {
  const { signal } = closing;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    // One more look at the sockets: a process that was busy for as long finds its timer due before its mail.
    const timer = setTimeout(() => setImmediate(() => settle(() => reject(fault()))), waitMs);
    const abort = () => settle(() => reject(signal.reason));
    const settle = (outcome: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      outcome();
    };
    signal.addEventListener('abort', abort, { once: true });
    events.next().then(
      (next) =>
        settle(() =>
          resolve(next.done === true ? { type: 'finish', reason: undefined } : next.value),
        ),
      (error: unknown) => settle(() => reject(error)),
    );
  });
}

/** A stream that ends without a reason was cut by something in between that closed it politely. */
function checkFinish(reason: string | undefined, hasText: boolean): void {
  if (reason === undefined)
    throw new ProviderFault('cut', 'the stream ended without a finish_reason');
  if (hasText) return;
  throw new ProviderFault(
    reason === 'content_filter' ? 'filtered' : 'empty',
    `finish_reason ${reason}`,
  );
}
