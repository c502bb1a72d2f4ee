/** What the model agent needs to know. Imports nothing of LangChain: options are checked before it is loaded. */
export interface ModelOptions {
  /** Absent for an endpoint that asks for none. Never logged, never in a message. */
  readonly apiKey: string | undefined;
  /** Of an OpenAI-compatible endpoint, with its version: `http://127.0.0.1:11434/v1`. Absent: OpenAI's own. */
  readonly baseUrl: string | undefined;
  readonly model: string;
  /** Put after the words that every turn begins with. */
  readonly systemPrompt: string | undefined;
  /** Tokens of the prompt at most, by estimate (see `estimateTokens`). */
  readonly contextTokens: number;
  /** The newest messages that may be in the prompt. */
  readonly historyMessages: number;
  /** Characters; a longer answer is cut there, and the call closed. */
  readonly maxAnswerChars: number;
  /** Tokens the model may say; the endpoint's own limit when absent. */
  readonly maxOutputTokens: number | undefined;
  /** Milliseconds the model may take to its first token, in each attempt. */
  readonly firstTokenMs: number;
  /** Milliseconds between two tokens. */
  readonly stallMs: number;
  /** Calls after the first that refused or failed before a token came. */
  readonly retries: number;
  /** Milliseconds before the first retry, on average; doubling. */
  readonly retryBaseMs: number;
  /** Milliseconds a retry waits at most; an endpoint that asks for longer is not asked again in this turn. */
  readonly retryMaxMs: number;
  /** Failures in a row that open the breaker. */
  readonly breakerFailures: number;
  /** Milliseconds the breaker stays open the first time, doubling up to five times as long. */
  readonly breakerOpenMs: number;
}

/** What asks for no decision; a model is chosen by `openAgent`. */
export const MODEL_DEFAULTS = {
  apiKey: undefined,
  baseUrl: undefined,
  systemPrompt: undefined,
  contextTokens: 8_000,
  historyMessages: 200,
  maxAnswerChars: 10_000,
  maxOutputTokens: undefined,
  firstTokenMs: 30_000,
  stallMs: 15_000,
  retries: 3,
  retryBaseMs: 500,
  retryMaxMs: 20_000,
  breakerFailures: 5,
  breakerOpenMs: 60_000,
} as const satisfies Omit<ModelOptions, 'model'>;

const LEAST: Readonly<Record<string, number>> = {
  contextTokens: 100,
  historyMessages: 1,
  maxAnswerChars: 1,
  maxOutputTokens: 1,
  firstTokenMs: 1,
  stallMs: 1,
  retries: 0,
  retryBaseMs: 1,
  retryMaxMs: 1,
  breakerFailures: 1,
  breakerOpenMs: 1,
};

/** Every mistake in the options, in words for the operator; the key is never among them. */
export function mistakesIn(options: ModelOptions): readonly string[] {
  const mistakes: string[] = [];
  if (options.baseUrl !== undefined) mistakes.push(...mistakesInUrl(options.baseUrl));
  if (!/^[\x21-\x7e]{1,200}$/u.test(options.model))
    mistakes.push('the model must be 1 to 200 characters without spaces');
  if (options.apiKey !== undefined && !/^[\x21-\x7e]+$/u.test(options.apiKey))
    mistakes.push('the key has spaces, or characters that a header cannot carry');
  for (const [name, value] of Object.entries(options)) {
    const least = LEAST[name];
    if (least === undefined || value === undefined) continue;
    if (!Number.isSafeInteger(value) || value < least)
      mistakes.push(`${name} must be a whole number of at least ${least}`);
  }
  return mistakes;
}

function mistakesInUrl(text: string): readonly string[] {
  const url = URL.parse(text);
  if (url === null) return ['the base URL is not a URL, such as http://127.0.0.1:11434/v1'];
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return ['the base URL must begin with http:// or https://'];
  if (url.username !== '' || url.password !== '')
    return ['the base URL must carry no user or password; use the key'];
  if (url.search !== '' || url.hash !== '') return ['the base URL must end with its path'];
  return [];
}
