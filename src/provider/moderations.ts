import { z } from 'zod';
import type { Breaker } from './breakers.ts';
import { opening } from './opening.ts';
import { type FaultKind, ProviderFault } from './provider-fault.ts';

/** An OpenAI-compatible endpoint that judges texts. */
export interface ModerationOptions {
  /** With its version: `https://api.openai.com/v1`. */
  readonly baseUrl: string;
  readonly apiKey: string | undefined;
  /** The endpoint's own when absent. */
  readonly model: string | undefined;
  /** Milliseconds that one answer may take, retries and all. */
  readonly timeoutMs: number;
}

const RETRIES = { retries: 1, retryBaseMs: 100, retryMaxMs: 1_000 };
const OPEN_MS = 10_000;
const FAILURES = 5;
/** Bytes of an answer: some numbers for each category. */
const MAX_ANSWER_CHARS = 100_000;

const Answer = z.object({ results: z.array(z.object({ flagged: z.boolean() })).min(1) });

/** Whether the endpoint finds anything wrong with a text. Throws `ProviderFault`; the key is in none. */
export type Judge = (text: string) => Promise<boolean>;

/** A judge behind its breaker: one that does not answer is left alone for a while. */
export function moderationJudge(options: ModerationOptions, breaker: Breaker): Judge {
  const open = opening({ ...RETRIES, breakerFailures: FAILURES, breakerOpenMs: OPEN_MS }, breaker);
  return async (text) => {
    const late = AbortSignal.timeout(options.timeoutMs);
    try {
      return await open(() => ask(options, text, late), late);
    } catch (error) {
      if (late.aborted) throw new ProviderFault('late', `no answer in ${options.timeoutMs} ms`);
      throw error;
    }
  };
}

async function ask(
  { baseUrl, apiKey, model, timeoutMs }: ModerationOptions,
  input: string,
  late: AbortSignal,
): Promise<boolean> {
  const response = await fetch(`${baseUrl.replace(/\/+$/, '')}/moderations`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
    },
    body: JSON.stringify({ input, ...(model === undefined ? {} : { model }) }),
    signal: late,
  }).catch(() => {
    throw late.aborted
      ? new ProviderFault('late', `no answer in ${timeoutMs} ms`)
      : new ProviderFault('unreachable', 'no connection');
  });
  if (!response.ok) {
    await response.body?.cancel();
    const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
    const retryAfterMs = seconds >= 0 ? seconds * 1_000 : undefined;
    throw new ProviderFault(kindOf(response.status), `status ${response.status}`, retryAfterMs);
  }
  return flaggedIn(await textOf(response));
}

async function textOf(response: Response): Promise<string> {
  try {
    return await response.text();
  } catch {
    throw new ProviderFault('cut', 'the answer broke off');
  }
}

function flaggedIn(text: string): boolean {
  let value: unknown;
  try {
    value = text.length > MAX_ANSWER_CHARS ? undefined : JSON.parse(text);
  } catch {
    value = undefined;
  }
  const answer = Answer.safeParse(value);
  if (!answer.success) throw new ProviderFault('nonsense', 'no moderation in the answer');
  return answer.data.results.some(({ flagged }) => flagged);
}

function kindOf(status: number): FaultKind {
  if (status >= 500 || status === 408) return 'broken';
  if (status === 429) return 'rate_limited';
  if (status === 401 || status === 403) return 'unauthorized';
  return status === 404 ? 'unknown_model' : 'rejected';
}
