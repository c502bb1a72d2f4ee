import { ProviderFault } from '../../../provider/provider-fault.ts';
import type { JsonRequest } from './providers.ts';

/** Bytes of an answer. */
const MAX_BYTES = 1_000_000;

export interface FetchOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** The JSON that a service answers. Throws `ProviderFault`, or the reason of the abort; keys are in no message. */
export async function fetchJson(
  { url, method, headers, body, whenForbidden }: JsonRequest,
  { signal, timeoutMs }: FetchOptions,
): Promise<unknown> {
  const late = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      method,
      headers: { accept: 'application/json', ...headers },
      ...(body === undefined ? {} : { body }),
      // A key is for the service that is named, and for no other.
      redirect: 'error',
      signal: AbortSignal.any([signal, late]),
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw faultOf(response, whenForbidden);
    }
    return JSON.parse(await textOf(response));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ProviderFault) throw error;
    if (late.aborted) throw new ProviderFault('late', `no answer after ${timeoutMs} ms`);
    if (error instanceof SyntaxError) throw new ProviderFault('nonsense', 'the answer is no JSON');
    throw new ProviderFault('unreachable', error instanceof Error ? error.name : 'failed');
  }
}

async function textOf(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.byteLength;
    if (bytes > MAX_BYTES) throw new ProviderFault('nonsense', `more than ${MAX_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

function faultOf({ status, headers }: Response, whenForbidden?: string): ProviderFault {
  const detail = `HTTP ${status}`;
  if (status === 429) {
    const seconds = Number(headers.get('retry-after') ?? Number.NaN);
    return new ProviderFault('rate_limited', detail, seconds >= 0 ? seconds * 1_000 : undefined);
  }
  if (status === 403 && whenForbidden !== undefined)
    return new ProviderFault('rejected', `${detail}: ${whenForbidden}`);
  if (status === 401 || status === 403) return new ProviderFault('unauthorized', detail);
  if (status === 402 || status === 432 || status === 433)
    return new ProviderFault('no_quota', detail);
  return new ProviderFault(status >= 500 || status === 408 ? 'broken' : 'rejected', detail);
}
