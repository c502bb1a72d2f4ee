import { ContextOverflowError } from '@langchain/core/errors';
import { OpenAIClient } from '@langchain/openai';

import { oneLine, shorten } from '../text/plain-text.ts';
import { type FaultKind, ProviderFault } from './provider-fault.ts';

/** Characters of an endpoint's own words that go into the log. */
const DETAIL_CHARS = 300;

/** What the provider's client threw, as a fault. Nothing is decided by message text; the key never gets through. */
export function faultOf(error: unknown, apiKey: string | undefined): ProviderFault {
  if (error instanceof ProviderFault) return error;
  const detail = error instanceof Error ? `${error.name} ${error.message}` : String(error);
  return new ProviderFault(kindOf(error), withoutSecrets(detail, apiKey), retryAfterMsOf(error));
}

function kindOf(error: unknown): FaultKind {
  if (ContextOverflowError.isInstance(error)) return 'too_long';
  if (error instanceof OpenAIClient.APIConnectionError) return 'unreachable';
  if (error instanceof OpenAIClient.APIError) return kindOfStatus(error.status, error.code);
  // The fetch of Node ends a body that breaks off with a TypeError whose cause is the socket's.
  if (error instanceof TypeError && error.cause instanceof Error) return 'cut';
  return 'unexpected';
}

/** No status: the endpoint reported an error inside a stream that had begun well. */
function kindOfStatus(status: number | undefined, code: string | null | undefined): FaultKind {
  if (status === undefined || status >= 500 || status === 408) return 'broken';
  if (status === 429) return code === 'insufficient_quota' ? 'no_quota' : 'rate_limited';
  if (status === 401 || status === 403) return 'unauthorized';
  if (status === 404) return 'unknown_model';
  return 'rejected';
}

/** `retry-after-ms`, or `Retry-After` in seconds or as a date (RFC 9110, 10.2.3). */
function retryAfterMsOf(error: unknown): number | undefined {
  if (!(error instanceof OpenAIClient.APIError)) return undefined;
  const exact = Number(error.headers?.get('retry-after-ms') ?? Number.NaN);
  if (exact >= 0) return exact;
  const header = error.headers?.get('retry-after');
  if (header === null || header === undefined || header === '') return undefined;
  const ms = /^\d+$/u.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

/** Endpoints repeat the key they refuse. */
function withoutSecrets(detail: string, apiKey: string | undefined): string {
  const plain = apiKey === undefined ? detail : detail.replaceAll(apiKey, '[key]');
  const scrubbed = plain.replace(/\bsk-[\w*-]+|\bBearer\s+\S+/gu, '[key]');
  return shorten(oneLine(scrubbed), DETAIL_CHARS);
}
