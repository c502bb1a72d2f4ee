import { isTaskCancelledError, TimeoutStrategy, timeout } from 'cockatiel';

import { err, ok } from '../domain/result.ts';
import type { Breaker } from '../provider/breakers.ts';
import { opening } from '../provider/opening.ts';
import { ProviderFault } from '../provider/provider-fault.ts';
import { cut } from '../text/plain-text.ts';
import type { Embedder, EmbedFailure } from './embedder.ts';
import { mistakesInEmbedder, type OpenaiEmbedderOptions } from './openai-options.ts';
import { spaceNameOf } from './space-name.ts';

/** Characters of a text that are sent: within the 8,191 tokens of OpenAI's models in most scripts. */
const MAX_CHARS = 8_000;
const MAX_BATCH = 64;
/** Calls for one batch at most, when the endpoint refuses it: enough to find one text in it and to cut it. */
const MAX_CALLS = 20;
/** Characters that no endpoint finds too many. */
const SHORT_CHARS = 500;

/**
 * Vectors from a model on an OpenAI-compatible endpoint. Throws for options with a mistake in them. Nothing is sent
 * before the first texts come, and LangChain, which takes half a second, is not loaded before that either. Without a
 * breaker of the endpoint it has its own.
 */
export function openaiEmbedder(options: OpenaiEmbedderOptions, breaker?: Breaker): Embedder {
  const { model, dimensions, timeoutMs } = options;
  const name = spaceNameOf({ kind: 'openai', model, dimensions });
  const mistakes = mistakesInEmbedder(options);
  if (name === undefined || mistakes.length > 0) throw new TypeError(mistakes.join('; '));
  const open = opening(options, breaker);
  const limit = timeout(timeoutMs, TimeoutStrategy.Aggressive);

  const vectorsOf = (texts: readonly string[], signal: AbortSignal) =>
    open(async () => {
      const { askForEmbeddings } = await import('./openai-call.ts');
      try {
        const all = await limit.execute(
          (call) => askForEmbeddings(texts, call.signal, options),
          signal,
        );
        return checked(all, texts.length, dimensions);
      } catch (error) {
        if (signal.aborted && !isLate(signal)) throw signal.reason;
        // The breaker learns of it also when the caller had less patience than the call.
        if (signal.aborted || isTaskCancelledError(error))
          throw new ProviderFault('late', `no answer after ${timeoutMs} ms, or when it was wanted`);
        throw error;
      }
    }, signal);

  return {
    space: { name, dimensions },
    label: name,
    isLocal: false,
    weight: 1,
    // Models differ in what they call near: only what points away is left out.
    leastCosine: 0,
    maxBatch: MAX_BATCH,
    async embed(texts, signal = new AbortController().signal) {
      if (texts.length > MAX_BATCH) throw new RangeError(`${texts.length} texts in one batch`);
      const sent = texts.flatMap((text, index) => (text.trim() === '' ? [] : [{ text, index }]));
      const vectors = texts.map(() => nowhere(dimensions));
      if (sent.length === 0) return ok(vectors);
      try {
        const found = await inParts(
          sent.map(({ text }) => cut(text, MAX_CHARS).toWellFormed()),
          { left: MAX_CALLS },
          (some) => vectorsOf(some, signal),
        );
        sent.forEach(({ index }, at) => {
          vectors[index] = found[at] ?? nowhere(dimensions);
        });
        return ok(vectors);
      } catch (cause) {
        return err(failed(cause));
      }
    },
  };
}

type Ask = (texts: readonly string[]) => Promise<readonly Float32Array[]>;

/**
 * How many tokens a text has only the endpoint knows, and it refuses a batch for one text that has too many. So what
 * is refused is asked for in halves, and a text by itself by its first half.
 */
async function inParts(
  texts: readonly string[],
  calls: { left: number },
  ask: Ask,
): Promise<readonly Float32Array[]> {
  calls.left -= 1;
  try {
    return await ask(texts);
  } catch (error) {
    if (!isRefused(error) || calls.left <= 0) throw error;
    const [first = ''] = texts;
    if (texts.length === 1) {
      if (first.length <= SHORT_CHARS) throw error;
      return await inParts([cut(first, Math.ceil(first.length / 2))], calls, ask);
    }
    const half = Math.ceil(texts.length / 2);
    const before = await inParts(texts.slice(0, half), calls, ask);
    return [...before, ...(await inParts(texts.slice(half), calls, ask))];
  }
}

function isRefused(error: unknown): boolean {
  return error instanceof ProviderFault && (error.kind === 'rejected' || error.kind === 'too_long');
}

function isLate({ reason }: AbortSignal): boolean {
  return reason instanceof DOMException && reason.name === 'TimeoutError';
}

function failed(cause: unknown): EmbedFailure {
  const retryAfterMs = cause instanceof ProviderFault ? cause.retryAfterMs : undefined;
  return {
    reason: 'embedder_unavailable',
    cause,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** What came, as vectors of length 1. Throws a fault for what are not `count` vectors of `dimensions` numbers. */
function checked(all: unknown, count: number, dimensions: number): readonly Float32Array[] {
  if (!Array.isArray(all) || all.length !== count)
    throw new ProviderFault('nonsense', `not ${count} vectors`);
  return all.map((numbers: unknown) => {
    if (!Array.isArray(numbers)) throw new ProviderFault('nonsense', 'a vector that is no list');
    if (numbers.length !== dimensions)
      throw new ProviderFault(
        'nonsense',
        `a vector of ${numbers.length} numbers in place of ${dimensions}`,
      );
    if (!numbers.every((number) => typeof number === 'number' && Number.isFinite(number)))
      throw new ProviderFault('nonsense', 'a vector with something in it that is no number');
    return unit(numbers);
  });
}

function unit(numbers: readonly number[]): Float32Array {
  const length = Math.hypot(...numbers);
  if (length === 0 || !Number.isFinite(length)) return nowhere(numbers.length);
  return Float32Array.from(numbers, (number) => number / length);
}

/** A direction that no text of any model takes: near to nothing but itself. */
function nowhere(dimensions: number): Float32Array {
  const each = 1 / Math.sqrt(dimensions);
  return Float32Array.from({ length: dimensions }, (_, at) => (at % 2 === 0 ? each : -each));
}
