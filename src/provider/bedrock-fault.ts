import { oneLine, shorten } from '../text/plain-text.ts';
import { type FaultKind, ProviderFault } from './provider-fault.ts';

/** Characters of the service's own words that go into the log. */
const DETAIL_CHARS = 300;

/** What the errors of Bedrock, and of AWS's client, are called. */
const KINDS: Readonly<Record<string, FaultKind>> = {
  ThrottlingException: 'rate_limited',
  TooManyRequestsException: 'rate_limited',
  ModelNotReadyException: 'rate_limited',
  ServiceQuotaExceededException: 'no_quota',
  ModelTimeoutException: 'broken',
  ModelErrorException: 'broken',
  ModelStreamErrorException: 'broken',
  InternalServerException: 'broken',
  ServiceUnavailableException: 'broken',
  ValidationException: 'rejected',
  ResourceNotFoundException: 'unknown_model',
  AccessDeniedException: 'unauthorized',
  UnrecognizedClientException: 'unauthorized',
  InvalidSignatureException: 'unauthorized',
  ExpiredTokenException: 'unauthorized',
  CredentialsProviderError: 'unauthorized',
  TokenProviderError: 'unauthorized',
};

/** Codes of a connection that was there, and broke. */
const CUT: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE']);

interface AwsError extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
}

/** What AWS's client threw, as a fault. Nothing is decided by message text; no key gets through. */
export function bedrockFaultOf(error: unknown): ProviderFault {
  if (error instanceof ProviderFault) return error;
  if (!(error instanceof Error)) return new ProviderFault('unexpected', oneLine(String(error)));
  const detail = oneLine(`${error.name} ${error.message}`)
    // Ids of keys are no secrets, and nobody's business either.
    .replace(/\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b/gu, '[key]');
  return new ProviderFault(kindOf(error), shorten(detail, DETAIL_CHARS), retryAfterMsOf(error));
}

function kindOf(error: AwsError): FaultKind {
  const named = KINDS[error.name];
  if (named !== undefined) return named;
  const status = error.$metadata?.httpStatusCode;
  if (status !== undefined) return kindOfStatus(status);
  // HTTP/2 says that its stream was cancelled; why is in the cause.
  const code = codeOf(error.cause) ?? codeOf(error) ?? '';
  if (CUT.has(code) || code.startsWith('ERR_HTTP2_')) return 'cut';
  if (/^E[A-Z]+$/u.test(code) || error.name === 'TimeoutError') return 'unreachable';
  return 'unexpected';
}

function codeOf(error: unknown): string | undefined {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

function kindOfStatus(status: number): FaultKind {
  if (status >= 500 || status === 408 || status === 424) return 'broken';
  if (status === 429) return 'rate_limited';
  if (status === 401 || status === 403) return 'unauthorized';
  if (status === 404) return 'unknown_model';
  return status >= 400 ? 'rejected' : 'unexpected';
}

function retryAfterMsOf({ $response }: AwsError): number | undefined {
  const header = $response?.headers?.['retry-after'];
  if (header === undefined || header === '') return undefined;
  const ms = /^\d+$/u.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
